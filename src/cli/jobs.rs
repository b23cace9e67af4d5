//! `opilio jobs`: lists jobs.

use std::io::Write;

use clap::Args;
use serde_json::Value;

use super::client::{ServerArgs, query};
use super::output;

/// Jobs of one response.
const PAGE_SIZE: usize = 1000;

#[derive(Debug, Args)]
pub struct Jobs {
    #[command(flatten)]
    server: ServerArgs,
    /// Status: processing, completed, failed or cancelled.
    #[arg(long)]
    status: Option<String>,
    /// Type: crawl or llm_extraction.
    #[arg(long = "type", value_name = "TYPE")]
    task_type: Option<String>,
    /// State of the webhook: waiting, pending, delivered, exhausted or refused.
    #[arg(long, value_name = "STATE")]
    webhook: Option<String>,
    /// Maximum number of jobs.
    #[arg(long, default_value_t = 20, conflicts_with = "all", value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// List all jobs.
    #[arg(long)]
    all: bool,
    /// Print one JSON document per line.
    #[arg(long)]
    json: bool,
}

impl Jobs {
    pub async fn run(self) -> anyhow::Result<()> {
        let client = self.server.client()?;
        let mut left = if self.all { usize::MAX } else { self.limit as usize };
        let mut cursor = None;
        while left > 0 {
            let parameters = [
                ("status", self.status.clone()),
                ("type", self.task_type.clone()),
                ("webhook", self.webhook.clone()),
                ("cursor", cursor),
                ("limit", Some(left.min(PAGE_SIZE).to_string())),
            ];
            let response = client.get(&format!("/jobs{}", query(&parameters))).await?;
            let jobs = response["jobs"].as_array().map(Vec::as_slice).unwrap_or_default();
            self.print(jobs)?;
            left = left.saturating_sub(jobs.len());
            cursor = response["next_cursor"].as_str().map(str::to_owned);
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
                let line = format!("{} {}", output::text(job, "created_at"), output::job_line(job));
                output::write_line(&mut out, &line)?;
            }
        }
        Ok(())
    }
}
