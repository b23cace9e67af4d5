//! `opilio status`: shows a job and its result.

use std::io::Write;

use clap::Args;
use opilio_actors::domain::kind::{JobKind, ResultForm};
use reqwest::header::HeaderMap;

use super::client::{ServerArgs, job_path, query};
use super::error::ClientError;
use super::output;

#[derive(Debug, Args)]
pub struct Status {
    #[command(flatten)]
    server: ServerArgs,
    /// Job id.
    id: String,
    /// Print the job and its result as one JSON document.
    #[arg(long)]
    json: bool,
    /// Skip this number of pages of a crawl job.
    #[arg(long, requires = "json")]
    offset: Option<u32>,
    /// Maximum number of pages of a crawl job.
    #[arg(long, requires = "json")]
    limit: Option<u32>,
    /// Keys of each page, such as url,success,markdown.
    #[arg(long, requires = "json")]
    fields: Option<String>,
}

impl Status {
    pub async fn run(self) -> anyhow::Result<()> {
        let client = self.server.client()?;
        let parameters = [
            ("offset", self.offset.map(|offset| offset.to_string())),
            ("limit", if self.json { self.limit.map(|limit| limit.to_string()) } else { Some("0".to_owned()) }),
            ("fields", self.fields),
        ];
        let path = job_path(&self.id) + &query(&parameters);
        if self.json {
            // Streamed, because a result may be large.
            let mut response = client.open(&path, HeaderMap::new()).await?;
            let mut out = std::io::stdout().lock();
            while let Some(chunk) = response.chunk().await.map_err(|error| client.unreachable(&error))? {
                out.write_all(&chunk)?;
            }
            return Ok(writeln!(out)?);
        }
        let job = client.get(&path).await?;
        let mut out = std::io::stdout().lock();
        for line in output::job_details(&job) {
            output::write_line(&mut out, &line)?;
        }
        let kind = job["task_type"].as_str().and_then(JobKind::parse);
        let is_single = kind.is_some_and(|kind| kind.result_form() == ResultForm::Single);
        if let Some(result) = job.get("result").filter(|_| is_single) {
            output::write_text(&mut out, &format!("{result:#}"))?;
        }
        match output::failure(&job) {
            None => Ok(()),
            Some(reason) => Err(ClientError::JobFailed(reason).into()),
        }
    }
}
