//! `opilio submit`: a crawl job, or by `--question` an extraction by a language model.

use std::io::{Read, Write};
use std::path::Path;

use anyhow::Context;
use clap::Args;
use reqwest::header::HeaderMap;
use serde_json::{Map, Value, json};

use super::client::{self, Client, Remote};
use super::shown;
use super::trouble::Trouble;
use super::watch::{self, Manner};

/// Prints the job's id, or with `--json` what the server answers.
#[derive(Debug, Args)]
pub struct Submit {
    #[command(flatten)]
    remote: Remote,
    /// The pages; `-` reads them from standard input, one a line.
    #[arg(required_unless_present = "request")]
    urls: Vec<String>,
    /// The whole request as JSON, or @FILE (@- for standard input); what other flags say is laid over it.
    #[arg(long, value_name = "JSON")]
    request: Option<String>,
    /// crawler_config as JSON, or @FILE.
    #[arg(long, value_name = "JSON")]
    options: Option<String>,
    /// browser_config as JSON, or @FILE.
    #[arg(long, value_name = "JSON")]
    browser: Option<String>,
    /// One key of crawler_config; the value as JSON, else as text. May be given many times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Ask a language model this about the page.
    #[arg(long, short, value_name = "TEXT", conflicts_with_all = ["options", "browser", "set"])]
    question: Option<String>,
    /// The JSON Schema that the model's answer has to conform to, or @FILE.
    #[arg(long, value_name = "JSON", requires = "question")]
    schema: Option<String>,
    /// The model, as family/model.
    #[arg(long, requires = "question")]
    provider: Option<String>,
    #[arg(long, requires = "question")]
    temperature: Option<f64>,
    /// A page fetched earlier will do.
    #[arg(long, requires = "question")]
    cache: bool,
    /// Whom to tell when the job has ended.
    #[arg(long, value_name = "URL")]
    webhook: Option<String>,
    /// Send the result along with the webhook.
    #[arg(long, requires = "webhook")]
    webhook_data: bool,
    /// A header for the webhook. May be given many times.
    #[arg(long, value_name = "NAME: VALUE", requires = "webhook")]
    webhook_header: Vec<String>,
    /// An Idempotency-Key: the same request under the same key is one job.
    #[arg(long)]
    key: Option<String>,
    /// Stay, and show how the job goes, as `opilio watch` does.
    #[arg(long, short)]
    watch: bool,
    #[command(flatten)]
    manner: Manner,
}

impl Submit {
    pub async fn run(self) -> anyhow::Result<()> {
        let client = self.remote.client()?;
        let (path, request) = self.request()?;
        let headers = match &self.key {
            Some(key) => client::header("idempotency-key", key)?,
            None => HeaderMap::new(),
        };
        let answer = client.post(path, headers, &request).await?;
        self.say(&answer)?;
        if self.watch { self.follow(&client, shown::text(&answer, "task_id")).await } else { Ok(()) }
    }

    fn say(&self, answer: &Value) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        if self.manner.json {
            return Ok(writeln!(out, "{answer}")?);
        }
        for warning in shown::warnings(answer) {
            shown::say(&mut std::io::stderr(), &format!("without effect: {warning}"))?;
        }
        Ok(shown::say(&mut out, shown::text(answer, "task_id"))?)
    }

    async fn follow(&self, client: &Client, id: &str) -> anyhow::Result<()> {
        watch::follow(client, &[id.to_owned()], &self.manner).await
    }

    /// The path that the request goes to, and the request.
    fn request(&self) -> anyhow::Result<(&'static str, Value)> {
        let mut body = match &self.request {
            Some(given) => object("--request", given)?,
            None => Map::new(),
        };
        let urls = self.urls()?;
        let is_extraction = self.question.is_some() || body.contains_key("q");
        if is_extraction {
            match <[String; 1]>::try_from(urls) {
                Ok([url]) => drop(body.insert("url".to_owned(), json!(url))),
                Err(none) if none.is_empty() && body.contains_key("url") => {}
                Err(_) => return Err(Trouble::Usage("a question is about one page".to_owned()).into()),
            }
            self.lay_question(&mut body)?;
        } else {
            if !urls.is_empty() {
                body.insert("urls".to_owned(), json!(urls));
            }
            self.lay_options(&mut body)?;
        }
        self.lay_webhook(&mut body)?;
        Ok((if is_extraction { "/llm/job" } else { "/crawl/job" }, Value::Object(body)))
    }

    fn urls(&self) -> anyhow::Result<Vec<String>> {
        if !self.urls.iter().any(|url| url == "-") {
            return Ok(self.urls.clone());
        }
        let mut piped = String::new();
        std::io::stdin().read_to_string(&mut piped).context("standard input cannot be read")?;
        let piped: Vec<_> = piped.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
        let place = |url: &String| if url == "-" { piped.clone() } else { vec![url.clone()] };
        Ok(self.urls.iter().flat_map(place).collect())
    }

    fn lay_question(&self, body: &mut Map<String, Value>) -> anyhow::Result<()> {
        let mut put = |key: &str, value: Option<Value>| value.map(|value| body.insert(key.to_owned(), value));
        put("q", self.question.as_ref().map(|question| json!(question)));
        put("schema", self.schema.as_deref().map(|schema| object("--schema", schema)).transpose()?.map(Value::Object));
        put("provider", self.provider.as_ref().map(|provider| json!(provider)));
        put("temperature", self.temperature.map(|temperature| json!(temperature)));
        put("cache", self.cache.then_some(Value::Bool(true)));
        Ok(())
    }

    fn lay_options(&self, body: &mut Map<String, Value>) -> anyhow::Result<()> {
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
        let Some(config) = config.as_object_mut() else {
            return Err(Trouble::Usage("--set needs a crawler_config that is an object".to_owned()).into());
        };
        for given in &self.set {
            let pair =
                given.split_once('=').ok_or_else(|| Trouble::Usage(format!("--set {given}: KEY=VALUE is needed")))?;
            config.insert(pair.0.to_owned(), serde_json::from_str(pair.1).unwrap_or_else(|_| json!(pair.1)));
        }
        Ok(())
    }

    fn lay_webhook(&self, body: &mut Map<String, Value>) -> anyhow::Result<()> {
        let Some(url) = &self.webhook else { return Ok(()) };
        let mut webhook = Map::from_iter([("webhook_url".to_owned(), json!(url))]);
        if self.webhook_data {
            webhook.insert("webhook_data_in_payload".to_owned(), Value::Bool(true));
        }
        let mut headers = Map::new();
        for given in &self.webhook_header {
            let pair = given.split_once(':');
            let (name, value) = pair.ok_or_else(|| Trouble::Usage(format!("{given:?}: NAME: VALUE is needed")))?;
            headers.insert(name.trim().to_owned(), json!(value.trim()));
        }
        if !headers.is_empty() {
            webhook.insert("webhook_headers".to_owned(), headers.into());
        }
        body.insert("webhook_config".to_owned(), webhook.into());
        Ok(())
    }
}

/// An object given as JSON, in a file or on standard input.
fn object(flag: &str, given: &str) -> anyhow::Result<Map<String, Value>> {
    let text = match given.strip_prefix('@') {
        None => given.to_owned(),
        Some("-") => std::io::read_to_string(std::io::stdin()).context("standard input cannot be read")?,
        Some(path) => {
            let read = std::fs::read_to_string(Path::new(path));
            read.map_err(|error| Trouble::Usage(format!("{flag} {path}: {error}")))?
        }
    };
    let object = serde_json::from_str(&text);
    Ok(object.map_err(|error| Trouble::Usage(format!("{flag}: a JSON object is needed: {error}")))?)
}
