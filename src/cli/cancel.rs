//! `opilio cancel`: ends jobs at once.

use std::io::Write;

use clap::Args;

use super::client::{Remote, job_path};
use super::shown;

/// Prints a line a job; with `--json` a JSON document a line. Stops at the first that cannot be cancelled.
#[derive(Debug, Args)]
pub struct Cancel {
    #[command(flatten)]
    remote: Remote,
    /// The jobs.
    #[arg(required = true)]
    ids: Vec<String>,
    /// Print JSON, a job a line.
    #[arg(long)]
    json: bool,
}

impl Cancel {
    pub async fn run(self) -> anyhow::Result<()> {
        let client = self.remote.client()?;
        for id in &self.ids {
            let job = client.delete(&format!("/crawl{}", job_path(id))).await?;
            let mut out = std::io::stdout().lock();
            match self.json {
                true => writeln!(out, "{job}")?,
                false => shown::say(&mut out, &shown::line(&job))?,
            }
        }
        Ok(())
    }
}
