//! `opilio redeliver`: webhooks once more, of the jobs named or of all that fit.

use std::io::Write;

use clap::Args;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use super::client::{Remote, segment};
use super::shown;

/// Sends now, by a fresh schedule, under the same webhook-id.
#[derive(Debug, Args)]
pub struct Redeliver {
    #[command(flatten)]
    remote: Remote,
    /// The jobs.
    #[arg(required_unless_present_any = ["state", "since", "receiver"],
        conflicts_with_all = ["state", "since", "receiver"])]
    ids: Vec<String>,
    /// All in this state: pending, delivered, exhausted or refused.
    #[arg(long)]
    state: Option<String>,
    /// All of jobs that settled since this time (RFC 3339).
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// All to the host and port of this address, whatever its path.
    #[arg(long, value_name = "URL")]
    receiver: Option<String>,
    /// Print JSON: one document, or one a job.
    #[arg(long)]
    json: bool,
}

impl Redeliver {
    pub async fn run(self) -> anyhow::Result<()> {
        let client = self.remote.client()?;
        let mut out = std::io::stdout().lock();
        if self.ids.is_empty() {
            let wanted = json!({"state": self.state, "since": self.since, "receiver": self.receiver});
            let answer = client.post("/deliveries/replay", HeaderMap::new(), &wanted).await?;
            let said = match self.json {
                true => writeln!(out, "{answer}"),
                false => shown::say(&mut out, &format!("{} webhooks are sent again", answer["replayed"])),
            };
            return Ok(said?);
        }
        for id in &self.ids {
            let path = format!("/jobs/{}/deliveries", segment(id));
            let job = client.post(&path, HeaderMap::new(), &Value::Null).await?;
            match self.json {
                true => writeln!(out, "{job}")?,
                false => shown::say(&mut out, &format!("{} is sent again", shown::text(&job, "task_id")))?,
            }
        }
        Ok(())
    }
}
