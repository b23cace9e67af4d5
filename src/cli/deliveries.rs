//! `opilio deliveries`: what became of a job's webhook.

use std::io::Write;

use clap::Args;

use super::client::{Remote, segment};
use super::shown;

/// Prints every attempt.
#[derive(Debug, Args)]
pub struct Deliveries {
    #[command(flatten)]
    remote: Remote,
    /// The job.
    id: String,
    /// Print one JSON document, with the first bytes of each answer.
    #[arg(long)]
    json: bool,
}

impl Deliveries {
    pub async fn run(self) -> anyhow::Result<()> {
        let log = self.remote.client()?.get(&format!("/jobs/{}/deliveries", segment(&self.id))).await?;
        let mut out = std::io::stdout().lock();
        if self.json {
            return Ok(writeln!(out, "{log}")?);
        }
        let state = log["state"].as_str().unwrap_or("no delivery: the job has no webhook, or has not ended");
        shown::say(&mut out, &format!("{} {state}", shown::text(&log, "webhook_id")))?;
        for attempt in log["attempts"].as_array().into_iter().flatten() {
            shown::say(&mut out, &shown::attempt(attempt))?;
        }
        Ok(())
    }
}
