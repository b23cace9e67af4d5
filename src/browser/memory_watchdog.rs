//! Ends page processes that use too much memory.
//!
//! Chromium has no limit of its own for a page: arrays outside the heap of JavaScript do not count there. A resource limit
//! of the operating system does not work either, because V8 reserves more address space than it uses.

use std::collections::HashMap;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tracing::warn;

use super::cdp::CdpClient;

const INTERVAL: Duration = Duration::from_secs(1);

/// Checks the processes below `root` every second until the browser has ended. A page process above `page_memory` is
/// killed; if all processes together use more than `memory`, the largest page process is.
pub fn start(client: &CdpClient, root: Pid, page_memory: u64, memory: u64) {
    let client = client.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! { () = client.closed() => return, () = tokio::time::sleep(INTERVAL) => {} }
            let check = move || to_kill(&processes_below(root.as_raw_nonzero().get()), page_memory, memory);
            let Ok(found) = tokio::task::spawn_blocking(check).await else { return };
            for process in found {
                warn!(pid = process.id, bytes = process.bytes, "page process killed: it uses too much memory");
                if let Some(id) = Pid::from_raw(process.id) {
                    let _ = kill_process(id, Signal::KILL);
                }
            }
        }
    });
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Process {
    id: i32,
    /// Private memory.
    bytes: u64,
    is_page: bool,
}

fn to_kill(processes: &[Process], page_memory: u64, memory: u64) -> Vec<Process> {
    let pages = || processes.iter().copied().filter(|process| process.is_page);
    let too_large: Vec<_> = pages().filter(|page| page.bytes > page_memory).collect();
    let total: u64 = processes.iter().map(|process| process.bytes).sum();
    if too_large.is_empty() && total > memory {
        return pages().max_by_key(|page| page.bytes).into_iter().collect();
    }
    too_large
}

/// The process with this id and its descendants.
fn processes_below(root: i32) -> Vec<Process> {
    let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    for id in entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()) {
        if let Some(parent) = parent(id) {
            children.entry(parent).or_default().push(id);
        }
    }
    let (mut found, mut next) = (Vec::new(), vec![root]);
    while let Some(id) = next.pop() {
        next.extend(children.remove(&id).unwrap_or_default());
        found.extend(process(id));
    }
    found
}

fn parent(id: i32) -> Option<i32> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name in parentheses may contain spaces.
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

fn process(id: i32) -> Option<Process> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let resident = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    let kilobytes: u64 = resident.trim().strip_suffix("kB")?.trim().parse().ok()?;
    let arguments = std::fs::read(format!("/proc/{id}/cmdline")).ok()?;
    // Page processes are forked and set their title, in which the arguments are separated by spaces.
    let is_page = arguments.split(|byte| matches!(byte, 0 | b' ')).any(|argument| argument == b"--type=renderer");
    Some(Process { id, bytes: kilobytes * 1024, is_page })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BROWSER: Process = Process { id: 1, bytes: 900, is_page: false };
    const SMALL: Process = Process { id: 2, bytes: 100, is_page: true };
    const LARGE: Process = Process { id: 3, bytes: 300, is_page: true };

    #[test]
    fn page_above_its_limit_is_killed() {
        assert_eq!(to_kill(&[BROWSER, SMALL, LARGE], 299, 10_000), [LARGE]);
        assert_eq!(to_kill(&[BROWSER, SMALL, LARGE], 300, 10_000), []);
    }

    #[test]
    fn largest_page_is_killed_if_all_use_too_much() {
        assert_eq!(to_kill(&[BROWSER, SMALL, LARGE], 1000, 1299), [LARGE]);
        assert_eq!(to_kill(&[BROWSER, SMALL, LARGE], 1000, 1300), []);
        assert_eq!(to_kill(&[BROWSER], 1000, 1), []);
    }

    #[test]
    fn own_process_is_found_with_its_memory() {
        let own = i32::try_from(std::process::id()).expect("a process id");
        let found = processes_below(own);
        assert!(found.iter().any(|process| process.id == own && process.bytes > 0 && !process.is_page), "{found:?}");
    }
}
