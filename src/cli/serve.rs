//! `opilio serve`: runs the server until it is stopped.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::Args;

use super::config_args::ConfigArgs;
use super::log;
use crate::app;

#[derive(Debug, Args)]
pub struct Serve {
    #[command(flatten)]
    config: ConfigArgs,
}

impl Serve {
    pub fn run(self) -> anyhow::Result<()> {
        let loaded = self.config.load()?;
        let listening = Arc::new(AtomicBool::new(false));
        let log = log::start(&loaded.settings, Arc::clone(&listening))?;
        let dropped = log.dropped.clone();
        actix_web::rt::System::new().block_on(async {
            let ended = app::run(loaded.settings, loaded.notices, &listening, dropped).await;
            log.flush();
            ended?;
            // All accepted work is stored. Threads in a DNS lookup or a page are not awaited: they may take longer than the
            // stop timeout of the service manager.
            exit()
        })
    }
}

/// Exits the process from a thread of its own: on this thread, `exit` would drop thread-local values first and so wake tasks
/// whose `System` is gone, which panics.
fn exit() -> ! {
    let joined = std::thread::spawn(|| std::process::exit(0)).join();
    unreachable!("the process has exited: {joined:?}")
}
