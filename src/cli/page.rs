//! `opilio page`: reads one page without a server.

use std::io::{IsTerminal, Read, Write};
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use clap::Args;
use opilio_actors::domain::engine::FetchEngine;
use opilio_actors::domain::id::Principal;
use opilio_actors::domain::queue_key::QueueKey;
use opilio_actors::domain::text::escape_except;
use opilio_actors::ports::{FetchedPage, PageFetcher, PageRequest};
use opilio_page::{BlockDecision, ContentFilter, Limits, Options, explain_main_content};
use url::Url;

use super::config_args::ConfigArgs;
use crate::clock::SystemClock;
use crate::egress::{Allowlist, Egress, EgressSettings, Guard};
use crate::fetchers::{HttpFetcher, HttpFetcherSettings, own_user_agent};
use crate::reader;

/// Characters of a text block that `--explain` prints.
const MAX_EXPLAINED_CHARS: usize = 100;

#[derive(Debug, Args)]
pub struct Page {
    /// A file, `-` for standard input, or an http(s) URL.
    page: String,
    /// Base URL of relative links. Default: the URL of the page.
    #[arg(long, value_name = "BASE")]
    url: Option<Url>,
    /// Print only the main content.
    #[arg(long)]
    fit: bool,
    /// Print for each text block whether it is main content, the estimated probability, the reason, and its text.
    #[arg(long, requires = "fit", conflicts_with_all = ["json", "markdown"])]
    explain: bool,
    /// Print the complete result as JSON.
    #[arg(long)]
    json: bool,
    /// Print Markdown (the default).
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
    #[command(flatten)]
    config: ConfigArgs,
}

struct Body {
    bytes: Vec<u8>,
    content_type: Option<String>,
    url: Url,
}

impl Page {
    pub fn run(self) -> anyhow::Result<()> {
        let Body { bytes, content_type, url } = self.fetch()?;
        let options = Options { content_filter: self.fit.then(ContentFilter::default), ..Options::default() };
        let read = reader::read_body(&bytes, content_type.as_deref(), &url, &options, |html, base| {
            opilio_page::read(html, base, &options, &Limits::default())
        });
        let (html, page) = read.map_err(|reason| anyhow!("{}: {reason}", self.page))?;
        let mut out = std::io::stdout().lock();
        if self.explain {
            let decisions = explain_main_content(&html, &url, &ContentFilter::default(), &Limits::default())?;
            for BlockDecision { text, kept, probability, reason } in decisions {
                let kept = if kept { "kept" } else { "left out" };
                let text: String = escape_except(&text, |_| false).chars().take(MAX_EXPLAINED_CHARS).collect();
                writeln!(out, "{kept:8}  {:.2}  {reason}: {text}", probability.unwrap_or_default())?;
            }
        } else if self.json {
            serde_json::to_writer_pretty(&mut out, &page)?;
            writeln!(out)?;
        } else {
            let markdown = if self.fit { page.markdown.fit_markdown } else { page.markdown.raw_markdown };
            // Control characters are escaped on a terminal only.
            let text = match out.is_terminal() {
                true => escape_except(&markdown, |c| matches!(c, '\n' | '\t')),
                false => markdown.into(),
            };
            out.write_all(text.as_bytes())?;
        }
        Ok(out.flush()?)
    }

    fn fetch(&self) -> anyhow::Result<Body> {
        let blank = || Url::parse("about:blank").expect("a constant");
        if let Some(url) = Url::parse(&self.page).ok().filter(|url| matches!(url.scheme(), "http" | "https")) {
            let page = actix_web::rt::System::new().block_on(self.download(&url))?;
            if let Some(status) = page.exchange.status.filter(|status| *status >= 400) {
                bail!("{url}: HTTP {status}");
            }
            let base = page.exchange.final_url.as_deref().and_then(|url| Url::parse(url).ok()).unwrap_or(url);
            let FetchedPage { body, content_type, .. } = page;
            return Ok(Body { bytes: body.into(), content_type, url: self.url.clone().unwrap_or(base) });
        }
        let mut bytes = Vec::new();
        match self.page.as_str() {
            "-" => std::io::stdin().lock().read_to_end(&mut bytes).map(|_| ()).context("standard input")?,
            file => bytes = std::fs::read(file).with_context(|| file.to_owned())?,
        }
        // A text file is HTML, even without a tag at its beginning.
        let content_type = (!reader::is_binary(&bytes)).then(|| "text/html".to_owned());
        Ok(Body { bytes, content_type, url: self.url.clone().unwrap_or_else(blank) })
    }

    /// The guard is open: the user may reach every address that this machine reaches.
    async fn download(&self, url: &Url) -> anyhow::Result<FetchedPage> {
        let settings = self.config.load()?.settings;
        let (crawler, limits) = (settings.crawler, settings.limits);
        let egress = EgressSettings { connect_timeout: crawler.connect_timeout, ..EgressSettings::default() };
        let egress = Egress::new(Guard::open(Allowlist::parse([])?), &egress)?;
        let fetcher = HttpFetcherSettings {
            page_timeout: crawler.page_timeout,
            read_timeout: crawler.read_timeout,
            max_bytes: limits.max_page_bytes.get(),
            min_rate: limits.min_page_rate,
            user_agent: crawler.user_agent.unwrap_or_else(|| own_user_agent(crawler.contact_url.as_ref())),
            respect_robots: crawler.respect_robots,
            ..HttpFetcherSettings::default()
        };
        let fetcher = HttpFetcher::new(egress, fetcher, Arc::new(SystemClock::start()));
        let request = PageRequest {
            linked_from: None,
            url: url.to_string(),
            options: Arc::default(),
            engine: FetchEngine::Http,
            queue: QueueKey::batch(Principal::operator()),
        };
        fetcher.fetch(request).await.map_err(|error| anyhow!("{error}"))
    }
}
