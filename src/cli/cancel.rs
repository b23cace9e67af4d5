//! `opilio cancel`: ends jobs at once.

use std::io::Write;

use clap::Args;
use opilio_actors::domain::text::visible;
use serde_json::Value;

use super::client::{Remote, job_path};
use super::shown;
use super::trouble::{self, Trouble};

/// Prints a line a job; with `--json` a JSON document a line. Goes on after one that is refused, which is
/// named on standard error; leaves as the last of these says.
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
        let mut refused = None;
        for id in &self.ids {
            match client.delete(&format!("/crawl{}", job_path(id))).await {
                Ok(job) => self.show(&job)?,
                Err(trouble) => {
                    let goes_on = matches!(trouble, Trouble::Refused { .. });
                    let trouble = anyhow::Error::from(trouble).context(visible(id).into_owned());
                    if let Some(before) = refused.replace(trouble) {
                        trouble::tell(&before);
                    }
                    if !goes_on {
                        break;
                    }
                }
            }
        }
        refused.map_or(Ok(()), Err)
    }

    fn show(&self, job: &Value) -> std::io::Result<()> {
        let mut out = std::io::stdout().lock();
        match self.json {
            true => writeln!(out, "{job}"),
            false => shown::say(&mut out, &shown::line(job)),
        }
    }
}
