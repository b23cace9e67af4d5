//! `opilio config`: prints the effective configuration and the origin of each value.

use std::io::Write;

use clap::Args;
use serde_json::json;

use super::config_args::ConfigArgs;

#[derive(Debug, Args)]
pub struct Config {
    #[command(flatten)]
    config: ConfigArgs,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

impl Config {
    pub fn run(self) -> anyhow::Result<()> {
        let loaded = self.config.load()?;
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
