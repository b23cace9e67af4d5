//! `opilio deliveries`: shows the delivery attempts of a job's webhook.

use std::io::Write;

use clap::Args;

use super::client::{ServerArgs, segment};
use super::output;

#[derive(Debug, Args)]
pub struct Deliveries {
    #[command(flatten)]
    server: ServerArgs,
    /// Job id.
    id: String,
    /// Print one JSON document, with the beginning of each response.
    #[arg(long)]
    json: bool,
}

impl Deliveries {
    pub async fn run(self) -> anyhow::Result<()> {
        let log = self.server.client()?.get(&format!("/jobs/{}/deliveries", segment(&self.id))).await?;
        let mut out = std::io::stdout().lock();
        if self.json {
            return Ok(writeln!(out, "{log}")?);
        }
        let state = log["state"].as_str().unwrap_or("no delivery: the job has no webhook, or has not settled");
        output::write_line(&mut out, &format!("{} {state}", output::text(&log, "webhook_id")))?;
        for attempt in log["attempts"].as_array().into_iter().flatten() {
            output::write_line(&mut out, &output::attempt_line(attempt))?;
        }
        Ok(())
    }
}
