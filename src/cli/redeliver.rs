//! `opilio redeliver`: sends webhooks again.

use std::io::Write;

use clap::Args;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use super::client::{ServerArgs, segment};
use super::output;

/// Sends immediately, with a new retry schedule and the same webhook-id.
#[derive(Debug, Args)]
pub struct Redeliver {
    #[command(flatten)]
    server: ServerArgs,
    /// Job ids.
    #[arg(required_unless_present_any = ["state", "since", "receiver"],
        conflicts_with_all = ["state", "since", "receiver"])]
    ids: Vec<String>,
    /// All webhooks in this state: pending, delivered, exhausted or refused.
    #[arg(long)]
    state: Option<String>,
    /// All webhooks of jobs that settled since this time (RFC 3339).
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// All webhooks to the host and port of this URL.
    #[arg(long, value_name = "URL")]
    receiver: Option<String>,
    /// Print JSON: one document, or one per job.
    #[arg(long)]
    json: bool,
}

impl Redeliver {
    pub async fn run(self) -> anyhow::Result<()> {
        let client = self.server.client()?;
        let mut out = std::io::stdout().lock();
        if self.ids.is_empty() {
            let filter = json!({"state": self.state, "since": self.since, "receiver": self.receiver});
            let response = client.post("/deliveries/replay", HeaderMap::new(), &filter).await?;
            let printed = match self.json {
                true => writeln!(out, "{response}"),
                false => output::write_line(&mut out, &format!("{} webhooks are sent again", response["replayed"])),
            };
            return Ok(printed?);
        }
        for id in &self.ids {
            let path = format!("/jobs/{}/deliveries", segment(id));
            let job = client.post(&path, HeaderMap::new(), &Value::Null).await?;
            match self.json {
                true => writeln!(out, "{job}")?,
                false => {
                    output::write_line(&mut out, &format!("{} is sent again", output::text(&job, "task_id")))?;
                }
            }
        }
        Ok(())
    }
}
