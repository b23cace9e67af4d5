//! `opilio serve`: the server, until it is told to stop.

use std::io::IsTerminal;

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
        start_log(&loaded.settings)?;
        actix_web::rt::System::new().block_on(async {
            app::run(loaded.settings, loaded.notices).await?;
            // What was promised is written. Threads that look up a name or read a page are not waited for: they can take
            // longer than the one who stops us does.
            std::process::exit(0)
        })
    }
}

fn start_log(settings: &Settings) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(settings.logging.level.to_ascii_lowercase()).context("logging.level")?;
    let log = tracing_subscriber::fmt().with_env_filter(filter);
    match settings.log_format() {
        LogFormat::Json => log.json().init(),
        LogFormat::Text => log.with_ansi(std::io::stdout().is_terminal()).init(),
    }
    Ok(())
}
