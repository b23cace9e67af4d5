//! `opilio serve`: the server, until it is told to stop.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::Args;

use super::log;
use super::sources::Sources;
use crate::app;

#[derive(Debug, Args)]
pub struct Serve {
    #[command(flatten)]
    sources: Sources,
}

impl Serve {
    pub fn run(self) -> anyhow::Result<()> {
        let loaded = self.sources.load()?;
        let listening = Arc::new(AtomicBool::new(false));
        log::start(&loaded.settings, Arc::clone(&listening))?;
        actix_web::rt::System::new().block_on(async {
            app::run(loaded.settings, loaded.notices, &listening).await?;
            // What was promised is written. Threads that look up a name or read a page are not waited for: they can take
            // longer than the one who stops us does.
            leave()
        })
    }
}

/// Ends the process, whatever its threads are doing. From a thread of its own, because the one that leaves drops what it
/// keeps as its own first: on this one that would wake the tasks of a system whose own is gone, and end in a panic.
fn leave() -> ! {
    let left = std::thread::spawn(|| std::process::exit(0)).join();
    unreachable!("the process has ended: {left:?}")
}
