//! `opilio serve`: the server, until it is told to stop.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use clap::Args;
use tracing_subscriber::EnvFilter;

use super::sources::Sources;
use crate::app;
use crate::settings::{LogFormat, Settings};

#[derive(Debug, Args)]
pub struct Serve {
    #[command(flatten)]
    sources: Sources,
}

impl Serve {
    pub fn run(self) -> anyhow::Result<()> {
        let loaded = self.sources.load()?;
        let listening = Arc::new(AtomicBool::new(false));
        start_log(&loaded.settings, Arc::clone(&listening))?;
        actix_web::rt::System::new().block_on(async {
            app::run(loaded.settings, loaded.notices, &listening).await?;
            // What was promised is written. Threads that look up a name or read a page are not waited for: they can take
            // longer than the one who stops us does.
            std::process::exit(0)
        })
    }
}

/// Standard output begins with the address; what is logged before that goes to standard error.
fn start_log(settings: &Settings, listening: Arc<AtomicBool>) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(settings.logging.level.to_ascii_lowercase()).context("logging.level")?;
    let log = tracing_subscriber::fmt().with_env_filter(filter);
    let log = log.with_writer(move || -> Box<dyn Write> {
        if listening.load(Ordering::Acquire) { Box::new(std::io::stdout()) } else { Box::new(std::io::stderr()) }
    });
    match settings.log_format() {
        LogFormat::Json => log.json().init(),
        LogFormat::Text => log.with_ansi(std::io::stdout().is_terminal()).init(),
    }
    Ok(())
}
