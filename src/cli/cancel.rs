//! `opilio cancel`: cancels jobs.

use std::io::Write;

use clap::Args;
use opilio_actors::domain::text::visible;
use serde_json::Value;

use super::client::{ServerArgs, job_path};
use super::error::{self, ClientError};
use super::output;

/// Continues after a job that cannot be cancelled. Such jobs are reported on standard error, and the last one determines the
/// exit code.
#[derive(Debug, Args)]
pub struct Cancel {
    #[command(flatten)]
    server: ServerArgs,
    /// Job ids.
    #[arg(required = true)]
    ids: Vec<String>,
    /// Print one JSON document per line.
    #[arg(long)]
    json: bool,
}

impl Cancel {
    pub async fn run(self) -> anyhow::Result<()> {
        let client = self.server.client()?;
        let mut last_error = None;
        for id in &self.ids {
            match client.delete(&format!("/crawl{}", job_path(id))).await {
                Ok(job) => self.print(&job)?,
                Err(error) => {
                    let is_rejected = matches!(error, ClientError::Rejected { .. });
                    let error = anyhow::Error::from(error).context(visible(id).into_owned());
                    if let Some(previous) = last_error.replace(error) {
                        error::print(&previous);
                    }
                    if !is_rejected {
                        break;
                    }
                }
            }
        }
        last_error.map_or(Ok(()), Err)
    }

    fn print(&self, job: &Value) -> std::io::Result<()> {
        let mut out = std::io::stdout().lock();
        match self.json {
            true => writeln!(out, "{job}"),
            false => output::write_line(&mut out, &output::job_line(job)),
        }
    }
}
