//! `opilio submit`: submits a crawl job, or with `--question` an LLM job.

use std::io::{Read, Write};
use std::path::Path;

use anyhow::Context;
use clap::Args;
use reqwest::header::HeaderMap;
use serde_json::{Map, Value, json};

use super::client::{self, ServerArgs};
use super::error::ClientError;
use super::output;
use super::watch::{self, WatchOptions};

/// Prints the id of the job, or with `--json` the response of the server.
#[derive(Debug, Args)]
pub struct Submit {
    #[command(flatten)]
    server: ServerArgs,
    /// URLs of the pages; `-` reads them from standard input, one per line.
    #[arg(required_unless_present = "request")]
    urls: Vec<String>,
    /// Request as JSON, or @FILE (@- for standard input). Other arguments override it.
    #[arg(long, value_name = "JSON")]
    request: Option<String>,
    /// crawler_config as JSON, or @FILE.
    #[arg(long, value_name = "JSON")]
    options: Option<String>,
    /// browser_config as JSON, or @FILE.
    #[arg(long, value_name = "JSON")]
    browser: Option<String>,
    /// One key of crawler_config. The value is JSON, else text. Repeatable.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Instruction to a language model about the page; submits an LLM job.
    #[arg(long, short, value_name = "TEXT", conflicts_with_all = ["options", "browser", "set"])]
    question: Option<String>,
    /// JSON Schema of the result, or @FILE.
    #[arg(long, value_name = "JSON", requires = "question")]
    schema: Option<String>,
    /// Model, as family/model.
    #[arg(long, requires = "question")]
    provider: Option<String>,
    /// Temperature of the model, 0.0 to 2.0.
    #[arg(long, requires = "question")]
    temperature: Option<f64>,
    /// Allow a cached page.
    #[arg(long, requires = "question")]
    cache: bool,
    /// Receiver of the webhook.
    #[arg(long, value_name = "URL")]
    webhook: Option<String>,
    /// Include the result in the webhook.
    #[arg(long, requires = "webhook")]
    webhook_data: bool,
    /// Header of the webhook. Repeatable.
    #[arg(long, value_name = "NAME: VALUE", requires = "webhook")]
    webhook_header: Vec<String>,
    /// Idempotency-Key: the same request with the same key is one job.
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    /// Follow the job until it settles, like `opilio watch`.
    #[arg(long, short)]
    watch: bool,
    #[command(flatten)]
    watch_options: WatchOptions,
}

impl Submit {
    pub async fn run(self) -> anyhow::Result<()> {
        let client = self.server.client()?;
        let (path, request) = self.request()?;
        let headers = match &self.idempotency_key {
            Some(key) => client::header("idempotency-key", key)?,
            None => HeaderMap::new(),
        };
        let response = client.post(path, headers, &request).await?;
        self.print(&response)?;
        if !self.watch {
            return Ok(());
        }
        let id = output::text(&response, "task_id").to_owned();
        watch::follow(&client, &[id], &self.watch_options).await
    }

    fn print(&self, response: &Value) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        if self.watch_options.json {
            return Ok(writeln!(out, "{response}")?);
        }
        for warning in output::warnings(response) {
            output::write_line(&mut std::io::stderr(), &format!("without effect: {warning}"))?;
        }
        Ok(output::write_line(&mut out, output::text(response, "task_id"))?)
    }

    /// The path and the body of the request.
    fn request(&self) -> anyhow::Result<(&'static str, Value)> {
        let mut body = match &self.request {
            Some(argument) => object("--request", argument)?,
            None => Map::new(),
        };
        let urls = self.urls()?;
        let is_llm_job = self.question.is_some() || body.contains_key("q");
        if is_llm_job {
            match <[String; 1]>::try_from(urls) {
                Ok([url]) => drop(body.insert("url".to_owned(), json!(url))),
                Err(urls) if urls.is_empty() && body.contains_key("url") => {}
                Err(_) => return Err(invalid("an LLM job has exactly one URL").into()),
            }
            self.add_question(&mut body)?;
        } else {
            if !urls.is_empty() {
                body.insert("urls".to_owned(), json!(urls));
            }
            self.add_options(&mut body)?;
        }
        self.add_webhook(&mut body)?;
        Ok((if is_llm_job { "/llm/job" } else { "/crawl/job" }, Value::Object(body)))
    }

    fn urls(&self) -> anyhow::Result<Vec<String>> {
        if !self.urls.iter().any(|url| url == "-") {
            return Ok(self.urls.clone());
        }
        let mut input = String::new();
        std::io::stdin().read_to_string(&mut input).context("cannot read standard input")?;
        let input: Vec<_> = input.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
        let expand = |url: &String| if url == "-" { input.clone() } else { vec![url.clone()] };
        Ok(self.urls.iter().flat_map(expand).collect())
    }

    fn add_question(&self, body: &mut Map<String, Value>) -> anyhow::Result<()> {
        let mut put = |key: &str, value: Option<Value>| value.map(|value| body.insert(key.to_owned(), value));
        put("q", self.question.as_ref().map(|question| json!(question)));
        put("schema", self.schema.as_deref().map(|schema| object("--schema", schema)).transpose()?.map(Value::Object));
        put("provider", self.provider.as_ref().map(|provider| json!(provider)));
        put("temperature", self.temperature.map(|temperature| json!(temperature)));
        put("cache", self.cache.then_some(Value::Bool(true)));
        Ok(())
    }

    fn add_options(&self, body: &mut Map<String, Value>) -> anyhow::Result<()> {
        if let Some(browser) = &self.browser {
            body.insert("browser_config".to_owned(), object("--browser", browser)?.into());
        }
        if let Some(options) = &self.options {
            body.insert("crawler_config".to_owned(), object("--options", options)?.into());
        }
        if self.set.is_empty() {
            return Ok(());
        }
        let config = body.entry("crawler_config").or_insert_with(|| json!({}));
        let config = if config.get("params").is_some() { &mut config["params"] } else { config };
        let config = config.as_object_mut().ok_or_else(|| invalid("--set: crawler_config is not an object"))?;
        for argument in &self.set {
            let pair = argument.split_once('=');
            let (key, value) = pair.ok_or_else(|| invalid(format!("--set {argument}: expected KEY=VALUE")))?;
            config.insert(key.to_owned(), serde_json::from_str(value).unwrap_or_else(|_| json!(value)));
        }
        Ok(())
    }

    fn add_webhook(&self, body: &mut Map<String, Value>) -> anyhow::Result<()> {
        let Some(url) = &self.webhook else { return Ok(()) };
        let mut webhook = Map::from_iter([("webhook_url".to_owned(), json!(url))]);
        if self.webhook_data {
            webhook.insert("webhook_data_in_payload".to_owned(), Value::Bool(true));
        }
        let mut headers = Map::new();
        for argument in &self.webhook_header {
            let pair = argument.split_once(':');
            let (name, value) = pair.ok_or_else(|| invalid(format!("{argument:?}: expected NAME: VALUE")))?;
            headers.insert(name.trim().to_owned(), json!(value.trim()));
        }
        if !headers.is_empty() {
            webhook.insert("webhook_headers".to_owned(), headers.into());
        }
        body.insert("webhook_config".to_owned(), webhook.into());
        Ok(())
    }
}

/// A JSON object from an argument, a file or standard input.
fn object(flag: &str, argument: &str) -> anyhow::Result<Map<String, Value>> {
    let text = match argument.strip_prefix('@') {
        None => argument.to_owned(),
        Some("-") => std::io::read_to_string(std::io::stdin()).context("cannot read standard input")?,
        Some(path) => {
            let read = std::fs::read_to_string(Path::new(path));
            read.map_err(|error| invalid(format!("{flag} {path}: {error}")))?
        }
    };
    let object = serde_json::from_str(&text);
    Ok(object.map_err(|error| invalid(format!("{flag}: expected a JSON object: {error}")))?)
}

fn invalid(message: impl Into<String>) -> ClientError {
    ClientError::InvalidArguments(message.into())
}
