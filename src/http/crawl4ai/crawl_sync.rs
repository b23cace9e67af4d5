//! `POST /crawl` and `POST /crawl/stream`: crawl jobs whose caller waits for the pages.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use opilio_actors::domain::crawl::CrawlSpec;
use opilio_actors::domain::crawl_result;
use opilio_actors::domain::job::{Job, JobSpec, Status, Warning};
use opilio_actors::domain::page_template::PageTemplate;
use serde_json::{Value, json};

use super::crawl_request::Fields;
use super::url_policy::reachable;
use super::webhook_config::WebhookDefaults;
use super::{crawl_request, crawler_configs};
use crate::egress::Guard;
use crate::http::body::{self, Body};
use crate::http::error::ApiError;
use crate::http::page_ranges::PageRanges;
use crate::http::results::{self, Selection};
use crate::http::sync_job::SyncJob;
use crate::http::{Api, Caller, memory_budget, response};

/// Pages of one request, as the peer's clients know it.
const MAX_URLS: usize = 100;

/// What a synchronous request asks for.
pub struct Asked {
    pub spec: JobSpec,
    /// `stream: true` of `crawler_config`.
    pub stream: bool,
}

pub async fn crawl(
    api: web::Data<Api>,
    caller: Caller,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, ApiError> {
    let (body, reservation) = body::json(&request, body)?.apart();
    let Asked { spec, stream } = asked(&api.guard, body)?;
    let warnings = spec.warnings.clone();
    let mut interactive = SyncJob::submit(api, &caller, spec).await?;
    drop(reservation);
    if stream {
        return Ok(lines(interactive, warnings));
    }
    let job = crawled(&mut interactive).await?;
    let selection = Selection::first(job.progress.total);
    let template = with_warnings(&job, &warnings);
    results::respond(&interactive.api, &job.id, "application/json", template, selection).await
}

/// The job when it has come to its end.
///
/// # Errors
/// `CrawlFailed` where no page succeeded.
pub async fn crawled(interactive: &mut SyncJob) -> Result<Job, ApiError> {
    let job = interactive.ended().await?;
    match job.state.status() {
        Status::Failed => Err(ApiError::CrawlFailed(job.error.unwrap_or_default())),
        _ => Ok(job),
    }
}

/// The result of a crawl, with the request's warnings.
pub fn with_warnings(job: &Job, warnings: &[Warning]) -> PageTemplate {
    let result = crawl_result::result(job);
    if warnings.is_empty() { result } else { result.with("warnings", PageTemplate::json(warnings)) }
}

pub async fn crawl_stream(
    api: web::Data<Api>,
    caller: Caller,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, ApiError> {
    let (body, _reservation) = body::json(&request, body)?.apart();
    let Asked { spec, .. } = asked(&api.guard, body)?;
    let warnings = spec.warnings.clone();
    Ok(lines(SyncJob::submit(api, &caller, spec).await?, warnings))
}

/// The job a request asks for. It tells nobody: its caller waits.
pub fn asked(guard: &Guard, mut body: Value) -> Result<Asked, ApiError> {
    if body.get("hooks").is_some_and(asks_for_something) {
        return Err(ApiError::NotImplemented("hooks need a browser, which this server does not have yet"));
    }
    let mut stream = false;
    let mut per_address = None;
    if let Some(body) = body.as_object_mut() {
        per_address = body.remove("crawler_configs");
        body.remove("hooks");
        stream = body.get_mut("crawler_config").is_some_and(take_stream);
        let urls = body.get_mut("urls").and_then(Value::as_array_mut);
        urls.into_iter().flatten().for_each(with_scheme);
    }
    let silent = WebhookDefaults { enabled: false, ..WebhookDefaults::default() };
    let parsed = reachable(crawl_request::crawl_job(&body, &silent, MAX_URLS), &body, guard);
    let mut fields = Fields::default();
    let browser = body.get("browser_config");
    match parsed {
        Err(errors) => {
            fields.errors = errors;
            crawler_configs::each(per_address.as_ref(), browser, &[], &Default::default(), &mut fields);
            Err(ApiError::Invalid(fields.errors))
        }
        Ok(mut spec) => {
            fields.warnings = std::mem::take(&mut spec.warnings);
            if let Some(crawl) = spec.task.get_mut::<CrawlSpec>() {
                crawl.each =
                    crawler_configs::each(per_address.as_ref(), browser, &crawl.urls, &crawl.options, &mut fields);
            }
            spec.warnings = fields.warnings;
            if fields.errors.is_empty() { Ok(Asked { spec, stream }) } else { Err(ApiError::Invalid(fields.errors)) }
        }
    }
}

/// Existing clients send hooks in two forms, and either may be empty.
fn asks_for_something(hooks: &Value) -> bool {
    let is_empty = |value: &Value| match value {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    };
    match hooks {
        Value::Object(hooks) => {
            ["hooks", "code"].iter().filter_map(|key| hooks.get(*key)).any(|given| !is_empty(given))
        }
        other => !is_empty(other),
    }
}

/// Whether `stream` is asked for. It is taken out, because here it has its effect.
fn take_stream(config: &mut Value) -> bool {
    let config = if config.get("params").is_some() { config.get_mut("params") } else { Some(config) };
    let mut params = config.and_then(Value::as_object_mut);
    if let Some(inner) = params.take_if(|params| params.get("type").is_some_and(|kind| kind == "dict")) {
        params = inner.get_mut("value").and_then(Value::as_object_mut);
    }
    let Some(params) = params else { return false };
    match params.get("stream") {
        Some(Value::Bool(choice)) => {
            let choice = *choice;
            params.remove("stream");
            choice
        }
        _ => false,
    }
}

/// Existing clients write `example.com` here.
fn with_scheme(url: &mut Value) {
    if let Value::String(url) = url
        && lacks_scheme(url)
        && !url.is_empty()
    {
        url.insert_str(0, "https://");
    }
}

/// Whether it begins like a bare host; what a query holds is no scheme.
pub fn lacks_scheme(url: &str) -> bool {
    let beginning = url.split(['/', '?', '#']).next().unwrap_or_default();
    let has_scheme = beginning.ends_with(':') && url[beginning.len()..].starts_with("//");
    !has_scheme && !url.starts_with("raw:")
}

/// One page a line, as each is ready, and a last line that says how it ended, and what had no effect.
fn lines(interactive: SyncJob, warnings: Vec<Warning>) -> HttpResponse {
    let lines = Lines { interactive, warnings, seen: PageRanges::default(), over: false };
    let lines = stream::unfold(lines, |mut lines| async {
        let line = lines.next().await?;
        Some((line, lines))
    });
    let lines = lines.flat_map(|line| match line {
        Ok(line) => stream::iter(line).flat_map(response::slices).map(Ok).left_stream(),
        Err(error) => stream::iter([Err(error)]).right_stream(),
    });
    HttpResponse::Ok()
        .content_type("application/x-ndjson")
        .insert_header((CACHE_CONTROL, "no-cache"))
        // Compressing would hold lines back.
        .insert_header((CONTENT_ENCODING, "identity"))
        .insert_header(("x-stream-status", "active"))
        .streaming(lines)
}

struct Lines {
    interactive: SyncJob,
    warnings: Vec<Warning>,
    seen: PageRanges,
    over: bool,
}

impl Lines {
    /// In pieces.
    async fn next(&mut self) -> Option<Result<Vec<Bytes>, ApiError>> {
        if self.over {
            return None;
        }
        loop {
            match self.look().await {
                Ok(Some(line)) => return Some(Ok(line)),
                Ok(None) => self.interactive.changed().await,
                Err(error) => {
                    self.over = true;
                    return Some(Err(error));
                }
            }
        }
    }

    async fn look(&mut self) -> Result<Option<Vec<Bytes>>, ApiError> {
        // The job first: once it is settled, all pages there will be are stored.
        let status = self.interactive.look().await?.status;
        let said = self.seen.next_missing(&*self.interactive.api.store, &self.interactive.id, 0).await;
        let Some(unseen) = self.interactive.heard(said).await? else { return Ok(None) };
        if let Some((index, page)) = unseen {
            // Where there is no room for it now, it is looked for again.
            let Ok(line) = self.interactive.api.response_memory.hold(as_line(page)) else { return Ok(None) };
            self.seen.insert(index);
            return Ok(Some(line));
        }
        self.over = status != Status::Processing;
        Ok(self.over.then(|| vec![last_line(status, &self.warnings)]))
    }
}

/// A short one is in one piece, for clients that take a piece for a line.
fn as_line(page: Bytes) -> Vec<Bytes> {
    match page.len() < memory_budget::SMALL {
        true => vec![[&page[..], b"\n"].concat().into()],
        false => vec![page, Bytes::from_static(b"\n")],
    }
}

fn last_line(status: Status, warnings: &[Warning]) -> Bytes {
    let mut line = match status {
        Status::Cancelled => json!({"status": "cancelled", "error": "the job was cancelled"}),
        _ => json!({"status": "completed"}),
    };
    if !warnings.is_empty() {
        line["warnings"] = json!(warnings);
    }
    format!("{line}\n").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egress::Allowlist;

    fn open() -> Guard {
        Guard::open(Allowlist::default())
    }

    fn spec(body: Value) -> JobSpec {
        asked(&open(), body).unwrap_or_else(|error| panic!("{error}")).spec
    }

    #[test]
    fn bare_hosts_get_a_scheme_and_other_addresses_stay() {
        let job = spec(json!({"urls": ["example.com/x?u=http://b", "http://a.example", "raw:<p>hi"]}));
        assert_eq!(job.urls(), ["https://example.com/x?u=http://b", "http://a.example", "raw:<p>hi"]);
        assert_eq!((job.webhook, job.warnings), (None, vec![]));
    }

    #[test]
    fn a_stream_is_asked_for_in_each_form_of_the_configuration() {
        for config in [
            json!({"stream": true}),
            json!({"type": "CrawlerRunConfig", "params": {"stream": true}}),
            json!({"type": "dict", "value": {"stream": true}}),
        ] {
            let asked = asked(&open(), json!({"urls": ["https://a.example"], "crawler_config": config.clone()}));
            let asked = asked.unwrap_or_else(|error| panic!("{error}"));
            assert!(asked.stream && asked.spec.warnings.is_empty(), "{config}");
        }
        assert!(!asked(&open(), json!({"urls": ["a.example"]})).is_ok_and(|asked| asked.stream));
    }

    #[test]
    fn keys_that_known_clients_send_without_effect_are_named() {
        let job = spec(json!({"urls": ["a.example"], "max_concurrent": 3, "priority": 5, "wait_for": "x"}));
        let named: Vec<_> = job.warnings.iter().map(|warning| warning.key.as_str()).collect();
        assert_eq!(named, ["max_concurrent", "priority", "wait_for"]);
    }

    #[test]
    fn hooks_are_not_there_yet_unless_there_are_none() {
        for hooks in [json!({"hooks": [{"action": "x"}]}), json!({"code": {"on_page": "x"}}), json!("x")] {
            let refused = asked(&open(), json!({"urls": ["a.example"], "hooks": hooks}));
            assert!(matches!(refused, Err(ApiError::NotImplemented(_))), "{hooks}");
        }
        assert!(asked(&open(), json!({"urls": ["a.example"], "hooks": {"hooks": [], "timeout": 30}})).is_ok());
    }

    #[test]
    fn an_address_may_have_options_of_its_own() {
        let configs = json!([{"url_matcher": "*b.example*", "page_timeout": 2000}]);
        let body = json!({"urls": ["a.example", "b.example"], "crawler_configs": configs});
        let job = spec(body);
        let crawl = job.task.get::<CrawlSpec>().expect("a crawl");
        let timeouts = [0, 1].map(|index| crawl.options_of(index).fetch.page_timeout.map(|time| time.as_secs()));
        assert_eq!(timeouts, [None, Some(2)]);
    }
}
