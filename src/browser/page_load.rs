//! Loads one page in a tab: prepares the tab, navigates, waits until the page is complete, and reads it.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use opilio_actors::domain::crawl::Exchange;
use opilio_actors::domain::crawl_options::Cookie;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::time::{Instant, sleep, timeout_at};
use url::Url;

use super::cdp::CdpError;
use super::error::BrowserError;
use super::net_error;
use super::observer::{Document, Observer, Reaction};
use super::settings::BrowserSettings;
use super::tab::{PageHandle, Tab};
use crate::egress::{AllowedUrl, format_duration};

/// The viewport of Crawl4AI.
const VIEWPORT: (u32, u32) = (1080, 600);
/// Delay between `DOMContentLoaded` and reading, as in Crawl4AI.
const DELAY: Duration = Duration::from_millis(100);
/// Interval at which a page that renders itself is checked.
const CHECK: Duration = Duration::from_millis(100);
/// Time without a request in flight after which a page counts as rendered.
const QUIET: Duration = Duration::from_millis(500);
/// Time without a change of the text after which a page counts as rendered.
const STABLE: Duration = Duration::from_millis(200);
/// Pages open no windows, as with a pop-up blocker.
const NO_POPUPS: &str = "window.open = () => null";
/// Whether the page shows any text other than a notice that it is loading.
const SHOWS_TEXT: &str =
    "String(!/^\\W*((loading|please wait)\\W*)?$/i.test(document.body ? document.body.innerText : ''))";
/// These elements are for clients that run no scripts.
const REMOVE_NOSCRIPT: &str = "document.querySelectorAll('noscript').forEach(element => element.remove()), ''";
/// Changes whenever a script adds or removes text or elements.
const TEXT_SIZE: &str =
    "document.body ? document.body.textContent.length + '/' + document.getElementsByTagName('*').length : ''";

/// A page to open.
#[derive(Clone, Debug)]
pub struct PageToLoad {
    pub url: AllowedUrl,
    /// For everything from the navigation to the result, also if the browser crashes meanwhile.
    pub timeout: Duration,
    pub completion: Completion,
    /// A CSS selector that an element of the page must match before it is read.
    pub wait_for: Option<String>,
    /// Replaces the browser's user agent.
    pub user_agent: Option<String>,
    /// Added to the browser's own user agent if it is not replaced.
    pub product: String,
    pub accept_language: Option<String>,
    /// Sent to the origin of `url` only.
    pub headers: Vec<(String, String)>,
    pub cookies: Vec<Cookie>,
    pub max_redirects: usize,
    /// Of the page's HTML.
    pub max_bytes: usize,
}

/// When a page is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completion {
    /// Shortly after `DOMContentLoaded`.
    DomContentLoaded,
    /// When its scripts have rendered it: no request in flight and no change of the text for a while, at the latest
    /// [`BrowserSettings::settle_timeout`] after `DOMContentLoaded`.
    Settled,
}

/// A page as the browser shows it.
#[derive(Clone, Debug)]
pub struct LoadedPage {
    pub exchange: Exchange,
    /// HTML in UTF-8, or the body of a document of another type.
    pub body: Bytes,
    pub content_type: Option<String>,
    /// Why the page may be incomplete. One sentence each.
    pub warnings: Vec<String>,
}

/// Loads a page until `deadline`.
pub async fn load(
    tab: Tab,
    page: &Arc<PageToLoad>,
    settings: &BrowserSettings,
    deadline: Instant,
) -> Result<LoadedPage, BrowserError> {
    let observer = Observer::new(&tab.target, page.max_redirects, settings.max_requests);
    let mut load = PageLoad {
        handle: tab.page(),
        tab,
        page,
        settings,
        observer,
        warnings: Vec::new(),
        is_waiting_for_element: false,
    };
    match timeout_at(deadline, load.run()).await {
        Ok(Err(BrowserError::Page(reason))) => {
            tracing::debug!(url = %page.url.url(), reason, "page failed in the browser");
            Err(BrowserError::Page(reason))
        }
        Ok(result) => result,
        Err(_) => match page.wait_for.as_ref().filter(|_| load.is_waiting_for_element) {
            Some(selector) => {
                let limit = format_duration(page.timeout);
                Err(BrowserError::Page(format!("`wait_for` is not met within {limit}: no element matches {selector}")))
            }
            None => Err(BrowserError::timeout(page.timeout)),
        },
    }
}

struct PageLoad<'a> {
    tab: Tab,
    handle: PageHandle,
    page: &'a PageToLoad,
    settings: &'a BrowserSettings,
    observer: Observer,
    warnings: Vec<String>,
    is_waiting_for_element: bool,
}

impl PageLoad<'_> {
    async fn run(&mut self) -> Result<LoadedPage, BrowserError> {
        self.prepare().await?;
        if let Some(page) = self.navigate().await? {
            return Ok(page);
        }
        self.wait_until_complete().await?;
        self.read().await
    }

    async fn prepare(&mut self) -> Result<(), BrowserError> {
        let (handle, page) = (self.handle.clone(), self.page);
        let (width, height) = VIEWPORT;
        let user_agent = page.user_agent.clone();
        let user_agent = user_agent.unwrap_or_else(|| format!("{} {}", self.tab.browser.user_agent, page.product));
        let mut identity = json!({"userAgent": user_agent});
        if let Some(language) = &page.accept_language {
            identity["acceptLanguage"] = language.as_str().into();
        }
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        let downloads = json!({"behavior": "deny", "browserContextId": self.tab.context});
        let headers = async {
            if page.headers.is_empty() {
                return Ok(());
            }
            handle.command("Fetch.enable", json!({"patterns": origin_patterns(page.url.url())})).await
        };
        let cookies = async {
            let cookies: Vec<_> = page.cookies.iter().map(cookie).collect();
            if cookies.is_empty() {
                Ok(())
            } else {
                handle.command("Network.setCookies", json!({"cookies": cookies})).await
            }
        };
        let ready = async {
            tokio::try_join!(
                handle.command("Page.enable", json!({})),
                handle.command("Page.setLifecycleEventsEnabled", json!({"enabled": true})),
                handle.command("Network.enable", json!({})),
                handle.command("Inspector.enable", json!({})),
                handle.browser_command("Browser.setDownloadBehavior", downloads),
                handle.command("Emulation.setDeviceMetricsOverride", metrics),
                handle.command("Emulation.setUserAgentOverride", identity),
                handle.command("Page.addScriptToEvaluateOnNewDocument", json!({"source": NO_POPUPS})),
                headers,
                cookies,
            )
        };
        self.drive(ready).await.map(drop)
    }

    /// Navigates to the page. Returns it if it has no document that scripts could change.
    async fn navigate(&mut self) -> Result<Option<LoadedPage>, BrowserError> {
        let handle = self.handle.clone();
        let url = self.page.url.url().as_str();
        let navigated = self.drive(handle.call::<Navigated>("Page.navigate", json!({"url": url}))).await?;
        match navigated.error {
            None => {
                self.wait_for(|observer| observer.has_shown(&navigated.loader)).await?;
                Ok(None)
            }
            Some(error) => self.without_document(&error).map(Some),
        }
    }

    /// A response that the browser does not show, or why there is none.
    fn without_document(&self, error: &str) -> Result<LoadedPage, BrowserError> {
        let Some(document) = &self.observer.document else {
            // The process of the page ended before there was a response.
            let is_aborted = error == "net::ERR_ABORTED";
            return Err(if is_aborted { BrowserError::PageCrashed } else { self.failed(error) });
        };
        let is_shown = match error {
            // No content, or a file to download.
            "net::ERR_ABORTED" => false,
            // Chromium shows a page of its own for an error without a body.
            "net::ERR_HTTP_RESPONSE_CODE_FAILURE" => false,
            _ => true,
        };
        if is_shown {
            return Err(self.failed(error));
        }
        let header = |name: &str| document.headers.get(name).and_then(Value::as_str).unwrap_or_default();
        let disposition = header("content-disposition");
        if disposition.trim_start().to_ascii_lowercase().starts_with("attachment") {
            let name = disposition.split_once("filename=").map_or("", |(_, name)| name);
            let name = name.split(';').next().unwrap_or_default().trim().trim_matches('"');
            return Err(BrowserError::Page(format!("The URL is a file download ({name})")));
        }
        let content_type = Some(document.mime_type.clone()).filter(|kind| !kind.is_empty());
        let content_type = content_type.unwrap_or_else(|| "text/html".to_owned());
        Ok(self.loaded(Some(document), Bytes::new(), Some(content_type), self.requested_url()))
    }

    /// The URL of the document that was requested last.
    fn requested_url(&self) -> String {
        self.observer.requested.clone().unwrap_or_else(|| self.page.url.url().to_string())
    }

    fn failed(&self, error: &str) -> BrowserError {
        let requested = self.observer.requested.as_deref().and_then(|url| Url::parse(url).ok());
        let url = requested.as_ref().unwrap_or_else(|| self.page.url.url());
        net_error::from_chromium(error, url, self.tab.proxy.network())
    }

    /// Waits until the page is complete; from the beginning if a script navigates to another document.
    async fn wait_until_complete(&mut self) -> Result<(), BrowserError> {
        loop {
            self.wait_for(|observer| observer.has_reached("DOMContentLoaded")).await?;
            let loader = self.observer.loader().to_owned();
            match (&self.page.wait_for, self.page.completion) {
                (Some(selector), _) => self.wait_for_element(&loader, selector).await?,
                (None, Completion::DomContentLoaded) => self.pause(DELAY).await?,
                (None, Completion::Settled) => self.settle(&loader).await?,
            }
            if self.observer.loader() == loader {
                return Ok(());
            }
        }
    }

    /// Waits until an element of the document matches, or the main frame shows another document.
    async fn wait_for_element(&mut self, loader: &str, selector: &str) -> Result<(), BrowserError> {
        self.is_waiting_for_element = true;
        let matches = format!("String(document.querySelector({}) !== null)", json!(selector));
        while self.observer.loader() == loader && self.evaluate(&matches).await? != "true" {
            self.pause(CHECK).await?;
        }
        self.is_waiting_for_element = false;
        Ok(())
    }

    /// Waits until the scripts of the document have rendered it, or the main frame shows another document.
    async fn settle(&mut self, loader: &str) -> Result<(), BrowserError> {
        let limit = self.settings.settle_timeout;
        let start = Instant::now();
        let (mut text, mut unchanged_since) = (String::new(), start);
        while self.observer.loader() == loader {
            self.pause(CHECK).await?;
            let current = self.evaluate(TEXT_SIZE).await?;
            if current != text {
                (text, unchanged_since) = (current, Instant::now());
            }
            let is_quiet = self.observer.quiet_since().is_some_and(|since| since.elapsed() >= QUIET);
            let is_complete = is_quiet && unchanged_since.elapsed() >= STABLE;
            // A page that waits for a timer is quiet, too.
            if is_complete && self.evaluate(SHOWS_TEXT).await? == "true" || self.observer.stopped.is_some() {
                return Ok(());
            }
            if start.elapsed() >= limit {
                let limit = format_duration(limit);
                self.warnings.push(format!("the page was read after {limit}, before it was completely rendered"));
                return Ok(());
            }
        }
        Ok(())
    }

    /// The value of an expression in a world of its own, where scripts of the page cannot replace functions. Empty if the
    /// document changes meanwhile.
    async fn evaluate(&mut self, expression: &str) -> Result<String, BrowserError> {
        let (handle, frame) = (self.handle.clone(), self.tab.target.clone());
        let evaluated = async {
            let world = json!({"frameId": frame, "worldName": "opilio"});
            let world: World = handle.call("Page.createIsolatedWorld", world).await?;
            let evaluation = json!({"expression": expression, "contextId": world.id, "returnByValue": true});
            handle.call::<Evaluated>("Runtime.evaluate", evaluation).await
        };
        match self.drive(evaluated).await {
            Ok(Evaluated { result }) => Ok(result.value.as_str().unwrap_or_default().to_owned()),
            Err(BrowserError::Page(_)) => Ok(String::new()),
            Err(error) => Err(error),
        }
    }

    async fn read(&mut self) -> Result<LoadedPage, BrowserError> {
        let document = self.observer.document.clone();
        if let Some(document) = document.as_ref().filter(|document| !is_html(&document.mime_type)) {
            return self.read_body(document).await;
        }
        self.evaluate(REMOVE_NOSCRIPT).await?;
        let handle = self.handle.clone();
        let read = async {
            let Root { root } = handle.call("DOM.getDocument", json!({"depth": 0})).await?;
            let node = json!({"nodeId": root.id});
            let Html { html } = handle.call("DOM.getOuterHTML", node).await?;
            Ok::<_, CdpError>((root.url, html))
        };
        let (url, html) = self.drive(read).await?;
        if url.starts_with("chrome-error:") {
            let error = self.observer.failure.clone().unwrap_or_default();
            return Err(self.failed(&error));
        }
        let page = self.loaded(document.as_ref(), html.into(), Some("text/html; charset=utf-8".to_owned()), url);
        self.within_limit(page)
    }

    /// The body of a document that the browser shows in a viewer of its own, or cannot show.
    async fn read_body(&mut self, document: &Document) -> Result<LoadedPage, BrowserError> {
        let handle = self.handle.clone();
        let request = json!({"requestId": document.request_id});
        let body = match self.drive(handle.call::<Body>("Network.getResponseBody", request)).await {
            Ok(Body { body, base64: true }) => BASE64_STANDARD.decode(body).unwrap_or_default(),
            Ok(Body { body, .. }) => body.into_bytes(),
            // The browser has discarded it. Its type is reported nevertheless.
            Err(BrowserError::Page(_)) => Vec::new(),
            Err(error) => return Err(error),
        };
        // The browser has decoded text.
        let content_type = format!("{}; charset=utf-8", document.mime_type);
        let page = self.loaded(Some(document), body.into(), Some(content_type), self.requested_url());
        self.within_limit(page)
    }

    fn within_limit(&self, page: LoadedPage) -> Result<LoadedPage, BrowserError> {
        let max = self.page.max_bytes;
        if page.body.len() > max {
            return Err(BrowserError::Page(format!("Page larger than {max} bytes")));
        }
        Ok(page)
    }

    fn loaded(
        &self,
        document: Option<&Document>,
        body: Bytes,
        content_type: Option<String>,
        url: String,
    ) -> LoadedPage {
        let mut warnings = self.warnings.clone();
        warnings.extend(self.observer.stopped.clone());
        let refused = self.tab.proxy.refused();
        if refused > 0 {
            warnings.push(format!("{refused} connections of the page were blocked: it may not reach their addresses"));
        }
        let status = document.map_or(200, |document| document.status);
        let headers = document.map_or_else(Map::new, |document| document.headers.clone());
        let exchange =
            Exchange { status: Some(status), headers: Some(headers), final_url: Some(url), ..Exchange::default() };
        LoadedPage { exchange, body, content_type, warnings }
    }

    async fn pause(&mut self, time: Duration) -> Result<(), BrowserError> {
        self.drive(async {
            sleep(time).await;
            Ok::<_, CdpError>(())
        })
        .await
    }

    /// Waits until the page's progress meets the condition.
    async fn wait_for(&mut self, condition: impl Fn(&Observer) -> bool) -> Result<(), BrowserError> {
        while !condition(&self.observer) {
            self.step(std::future::pending::<()>()).await?;
        }
        Ok(())
    }

    /// Awaits a call while it handles the events of the page.
    async fn drive<T, E: Into<BrowserError>>(
        &mut self,
        call: impl Future<Output = Result<T, E>>,
    ) -> Result<T, BrowserError> {
        let mut call = std::pin::pin!(call);
        loop {
            if let Some(result) = self.step(&mut call).await? {
                return result.map_err(Into::into);
            }
        }
    }

    /// Awaits `call` or the next event, whichever is first.
    async fn step<T>(&mut self, call: impl Future<Output = T>) -> Result<Option<T>, BrowserError> {
        let event = tokio::select! {
            biased;
            event = self.tab.events.next() => event?,
            () = self.tab.proxy.exceeded() => {
                let max = self.settings.max_transfer;
                return Err(BrowserError::Page(format!("The page received more than {max} bytes")));
            }
            result = call => return Ok(Some(result)),
        };
        match self.observer.observe(&event)? {
            Reaction::None => {}
            Reaction::AnswerDialog { accept } => {
                self.handle.notify("Page.handleJavaScriptDialog", json!({"accept": accept}));
            }
            Reaction::StopLoading => self.handle.notify("Page.stopLoading", json!({})),
            Reaction::Continue { request_id, headers } => {
                let headers = self.with_own_headers(headers);
                self.handle.notify("Fetch.continueRequest", json!({"requestId": request_id, "headers": headers}));
            }
        }
        Ok(None)
    }

    /// The headers of a request to the page's origin. Those of the job replace the browser's.
    fn with_own_headers(&self, mut headers: Map<String, Value>) -> Vec<Value> {
        headers.retain(|name, _| !self.page.headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name)));
        let own = self.page.headers.iter().map(|(name, value)| (name.clone(), value.as_str().into()));
        headers.into_iter().chain(own).map(|(name, value)| json!({"name": name, "value": value})).collect()
    }
}

/// Patterns of the URLs that get the page's headers: its origin, and for the default port of `http` also that of `https`.
fn origin_patterns(url: &Url) -> Vec<Value> {
    let origin = url.origin().ascii_serialization();
    let upgraded = (url.scheme() == "http" && url.port().is_none()).then(|| origin.replacen("http", "https", 1));
    std::iter::once(origin).chain(upgraded).map(|origin| json!({"urlPattern": format!("{origin}/*")})).collect()
}

fn cookie(cookie: &Cookie) -> Value {
    let Cookie { name, value, domain, host_only, path, secure } = cookie;
    let mut params = json!({"name": name, "value": value.expose(), "path": path, "secure": secure});
    let is_address = domain.starts_with('[') || domain.parse::<std::net::Ipv4Addr>().is_ok();
    if *host_only || is_address {
        params["url"] = format!("{}://{domain}/", if *secure { "https" } else { "http" }).into();
    } else {
        params["domain"] = domain.as_str().into();
    }
    params
}

fn is_html(mime_type: &str) -> bool {
    matches!(mime_type, "text/html" | "application/xhtml+xml" | "")
}

#[derive(Deserialize)]
struct Navigated {
    #[serde(rename = "loaderId", default)]
    loader: String,
    #[serde(rename = "errorText")]
    error: Option<String>,
}

#[derive(Deserialize)]
struct World {
    #[serde(rename = "executionContextId")]
    id: i64,
}

#[derive(Deserialize)]
struct Evaluated {
    result: Evaluation,
}

#[derive(Deserialize)]
struct Evaluation {
    #[serde(default)]
    value: Value,
}

#[derive(Deserialize)]
struct Root {
    root: Node,
}

#[derive(Deserialize)]
struct Node {
    #[serde(rename = "nodeId")]
    id: i64,
    #[serde(rename = "documentURL", default)]
    url: String,
}

#[derive(Deserialize)]
struct Html {
    #[serde(rename = "outerHTML")]
    html: String,
}

#[derive(Deserialize)]
struct Body {
    body: String,
    #[serde(rename = "base64Encoded")]
    base64: bool,
}
