//! `opilio jobs`: the caller's jobs, newest first.

use std::io::Write;

use clap::Args;
use serde_json::Value;

use super::client::{Remote, query};
use super::shown;

/// Jobs of one answer of the server.
const MOST: usize = 1000;

/// Prints a line a job; with `--json` a JSON document a line.
#[derive(Debug, Args)]
pub struct Jobs {
    #[command(flatten)]
    remote: Remote,
    /// processing, completed, failed or cancelled.
    #[arg(long)]
    status: Option<String>,
    /// crawl or llm_extraction.
    #[arg(long = "type", value_name = "TYPE")]
    task: Option<String>,
    /// How their webhooks stand: waiting, pending, delivered, exhausted or refused.
    #[arg(long, value_name = "STATE")]
    webhook: Option<String>,
    /// At most so many.
    #[arg(long, default_value_t = 20, conflicts_with = "all", value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// All there are.
    #[arg(long)]
    all: bool,
    /// Print JSON, a job a line.
    #[arg(long)]
    json: bool,
}

impl Jobs {
    pub async fn run(self) -> anyhow::Result<()> {
        let client = self.remote.client()?;
        let mut left = if self.all { usize::MAX } else { self.limit as usize };
        let mut cursor = None;
        while left > 0 {
            let wanted = [
                ("status", self.status.clone()),
                ("type", self.task.clone()),
                ("webhook", self.webhook.clone()),
                ("cursor", cursor),
                ("limit", Some(left.min(MOST).to_string())),
            ];
            let answer = client.get(&format!("/jobs{}", query(&wanted))).await?;
            let jobs = answer["jobs"].as_array().map(Vec::as_slice).unwrap_or_default();
            self.print(jobs)?;
            left = left.saturating_sub(jobs.len());
            cursor = answer["next_cursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn print(&self, jobs: &[Value]) -> std::io::Result<()> {
        let mut out = std::io::stdout().lock();
        for job in jobs {
            if self.json {
                writeln!(out, "{job}")?;
            } else {
                shown::say(&mut out, &format!("{} {}", shown::text(job, "created_at"), shown::line(job)))?;
            }
        }
        Ok(())
    }
}
