//! `opilio config`: what applies, and where each value came from.

use std::io::Write;

use clap::Args;

use super::sources::Sources;

#[derive(Debug, Args)]
pub struct Config {
    #[command(flatten)]
    sources: Sources,
}

impl Config {
    pub fn run(self) -> anyhow::Result<()> {
        let loaded = self.sources.load()?;
        let mut out = std::io::stdout().lock();
        write!(out, "{}", loaded.report())?;
        for notice in &loaded.notices {
            writeln!(out, "# without effect: {notice}")?;
        }
        Ok(())
    }
}
