//! `opilio status`: a job as it stands, and its result.

use std::io::Write;

use clap::Args;
use reqwest::header::HeaderMap;

use super::client::{Remote, job_path, query};
use super::shown;
use super::trouble::Trouble;

/// Prints a few lines, or with `--json` the job with its result as the server has it.
#[derive(Debug, Args)]
pub struct Status {
    #[command(flatten)]
    remote: Remote,
    /// The job.
    id: String,
    /// Print the job and its result as one JSON document.
    #[arg(long)]
    json: bool,
    /// Of a crawl's pages, skip so many.
    #[arg(long, requires = "json")]
    offset: Option<u32>,
    /// Of a crawl's pages, show so many.
    #[arg(long, requires = "json")]
    limit: Option<u32>,
    /// Of each page, these keys: url,success,markdown
    #[arg(long, requires = "json")]
    fields: Option<String>,
}

impl Status {
    pub async fn run(self) -> anyhow::Result<()> {
        let client = self.remote.client()?;
        let part = [
            ("offset", self.offset.map(|offset| offset.to_string())),
            ("limit", if self.json { self.limit.map(|limit| limit.to_string()) } else { Some("0".to_owned()) }),
            ("fields", self.fields),
        ];
        let path = job_path(&self.id) + &query(&part);
        if self.json {
            // As it comes: a result may be long.
            let mut answer = client.open(&path, HeaderMap::new()).await?;
            let mut out = std::io::stdout().lock();
            while let Some(piece) = answer.chunk().await.map_err(|error| client.unreachable(&error))? {
                out.write_all(&piece)?;
            }
            return Ok(writeln!(out)?);
        }
        let job = client.get(&path).await?;
        let mut out = std::io::stdout().lock();
        for line in shown::card(&job) {
            shown::say(&mut out, &line)?;
        }
        if let Some(result) = job.get("result").filter(|_| job["task_type"] == "llm_extraction") {
            shown::say_all(&mut out, &format!("{result:#}"))?;
        }
        match shown::misfortune(&job) {
            None => Ok(()),
            Some(why) => Err(Trouble::JobFailed(why).into()),
        }
    }
}
