//! Pages in Chromium, against the real binary. They need `chromium-headless-shell`, which `make tools` installs.

mod support;

#[path = "browser/egress.rs"]
mod egress;
#[path = "browser/life_cycle.rs"]
mod life_cycle;
#[path = "browser/pages.rs"]
mod pages;
#[path = "browser/site.rs"]
mod site;
#[path = "browser/smart.rs"]
mod smart;

use opilio_actors::testing::until::{DEADLINE, until};
use serde_json::{Value, json};
use support::TestServer;

/// The result of one page, crawled with this configuration.
async fn crawl(server: &TestServer, url: &str, config: Value) -> Value {
    first_page(server, json!({"urls": [url], "crawler_config": config})).await
}

/// The first result of a crawl.
async fn first_page(server: &TestServer, body: Value) -> Value {
    let (status, accepted) = server.post("/crawl/job", body).await;
    assert_eq!(status, 202, "{accepted}");
    let job = server.wait_until_settled(accepted["task_id"].as_str().expect("an id")).await;
    let page = job["results"][0].clone();
    assert!(page.is_object(), "{job}");
    page
}

async fn in_browser(server: &TestServer, url: &str) -> Value {
    crawl(server, url, json!({"engine": "browser"})).await
}

fn markdown(page: &Value) -> &str {
    page["markdown"]["raw_markdown"].as_str().unwrap_or_default()
}

fn error(page: &Value) -> &str {
    page["error_message"].as_str().unwrap_or_default()
}

/// The processes below `root` whose command line contains `part`.
fn processes_below(root: u32, part: &str) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").expect("Linux").flatten();
    let ids: Vec<u32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    let parent = |id: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse::<u32>().ok()
    };
    let (mut below, mut next) = (vec![], vec![root]);
    while let Some(parent_id) = next.pop() {
        let children: Vec<_> = ids.iter().copied().filter(|id| parent(id) == Some(parent_id)).collect();
        below.extend(&children);
        next.extend(children);
    }
    let contains = |id: &u32| {
        let arguments = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&arguments).replace('\0', " ").contains(part)
    };
    below.into_iter().filter(contains).collect()
}

fn browser_processes(server: &TestServer) -> Vec<u32> {
    processes_below(server.pid(), "headless-shell")
}

/// The browser itself, without the processes that it has started.
fn browser(server: &TestServer) -> Option<u32> {
    processes_below(server.pid(), "--remote-debugging-pipe").first().copied()
}

fn kill(pid: u32) {
    let killed = std::process::Command::new("kill").args(["-KILL", &pid.to_string()]).status();
    assert!(killed.expect("kill is installed").success(), "{pid}");
}

async fn until_no_process(pids: &[u32]) {
    let gone = async || {
        let is_running = |pid: &&u32| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            !stat.is_empty() && !stat.contains(") Z ")
        };
        let running: Vec<_> = pids.iter().filter(is_running).copied().collect();
        if running.is_empty() { Ok(()) } else { Err(running) }
    };
    until(gone, DEADLINE).await;
}
