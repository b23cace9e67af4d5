//! `opilio page`: one page from a file or the web, read without a server.

use std::io::{IsTerminal, Read, Write};
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use clap::Args;
use opilio_actors::domain::id::Principal;
use opilio_actors::domain::queue_key::QueueKey;
use opilio_actors::domain::text::visible_but;
use opilio_actors::ports::{FetchedPage, PageFetcher, PageRequest};
use opilio_page::{ContentFilter, Limits, Options};
use url::Url;

use super::sources::Sources;
use crate::clock::SystemClock;
use crate::egress::{Allowlist, Egress, EgressSettings, Guard};
use crate::fetchers::{HttpFetcher, HttpFetcherSettings, own_user_agent};
use crate::reader;

#[derive(Debug, Args)]
pub struct Page {
    /// A file, `-` for standard input, or an http(s) address.
    page: String,
    /// What relative addresses in a file are resolved against.
    #[arg(long)]
    url: Option<Url>,
    /// The main content only.
    #[arg(long)]
    fit: bool,
    /// All that can be said about the page, as JSON.
    #[arg(long)]
    json: bool,
    /// Its Markdown (what is printed anyway).
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
    #[command(flatten)]
    sources: Sources,
}

/// A page as it came, and its address.
struct Body {
    bytes: Vec<u8>,
    content_type: Option<String>,
    url: Url,
}

impl Page {
    pub fn run(self) -> anyhow::Result<()> {
        let Body { bytes, content_type, url } = self.fetch()?;
        let options = Options { content_filter: self.fit.then_some(ContentFilter::Main), ..Options::default() };
        let read = reader::read_body(&bytes, content_type.as_deref(), &url, &options, &Limits::default());
        let (_, page) = read.map_err(|reason| anyhow!("{}: {reason}", self.page))?;
        let mut out = std::io::stdout().lock();
        if self.json {
            serde_json::to_writer_pretty(&mut out, &page)?;
            writeln!(out)?;
        } else {
            let markdown = if self.fit { page.markdown.fit_markdown } else { page.markdown.raw_markdown };
            // What a page says does nothing to a terminal; what reads it from a pipe has it as it is.
            let shown = match out.is_terminal() {
                true => visible_but(&markdown, |c| matches!(c, '\n' | '\t')),
                false => markdown.into(),
            };
            out.write_all(shown.as_bytes())?;
        }
        Ok(out.flush()?)
    }

    fn fetch(&self) -> anyhow::Result<Body> {
        let blank = || Url::parse("about:blank").expect("a constant");
        if let Some(url) = Url::parse(&self.page).ok().filter(|url| matches!(url.scheme(), "http" | "https")) {
            let page = actix_web::rt::System::new().block_on(self.download(&url))?;
            if let Some(status) = page.exchange.status.filter(|status| *status >= 400) {
                bail!("{url} answers {status}");
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
        // A file is a page, also where it begins with mere words.
        let content_type = (!reader::is_binary(&bytes)).then(|| "text/html".to_owned());
        Ok(Body { bytes, content_type, url: self.url.clone().unwrap_or_else(blank) })
    }

    /// Whoever has a shell here may reach what this machine can reach.
    async fn download(&self, url: &Url) -> anyhow::Result<FetchedPage> {
        let settings = self.sources.load()?.settings;
        let (crawler, limits) = (settings.crawler, settings.limits);
        let egress = EgressSettings { connect_timeout: crawler.connect_timeout, ..EgressSettings::default() };
        let egress = Egress::new(Guard::open(Allowlist::parse([])?), &egress)?;
        let fetcher = HttpFetcherSettings {
            page_timeout: crawler.page_timeout,
            read_timeout: crawler.read_timeout,
            max_bytes: limits.max_page_bytes.get(),
            user_agent: crawler.user_agent.unwrap_or_else(|| own_user_agent(crawler.contact_url.as_ref())),
            respect_robots: crawler.respect_robots,
            ..HttpFetcherSettings::default()
        };
        let fetcher = HttpFetcher::new(egress, fetcher, Arc::new(SystemClock::start()));
        let request = PageRequest {
            url: url.to_string(),
            options: Arc::default(),
            queue: QueueKey::batch(Principal::operator()),
        };
        fetcher.fetch(request).await.map_err(|error| anyhow!("{error}"))
    }
}
