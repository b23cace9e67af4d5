//! `opilio config`: what applies, and where each value came from.

use std::io::Write;

use clap::Args;
use serde_json::json;

use super::sources::Sources;

#[derive(Debug, Args)]
pub struct Config {
    #[command(flatten)]
    sources: Sources,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

impl Config {
    pub fn run(self) -> anyhow::Result<()> {
        let loaded = self.sources.load()?;
        let mut out = std::io::stdout().lock();
        if self.json {
            let document = json!({"settings": loaded.document(), "without_effect": loaded.notices});
            return Ok(writeln!(out, "{document}")?);
        }
        write!(out, "{}", loaded.report())?;
        for notice in &loaded.notices {
            writeln!(out, "# without effect: {notice}")?;
        }
        Ok(())
    }
}
