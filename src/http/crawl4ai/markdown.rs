//! `POST /md`: a page as Markdown: all of it, its main content, what matches a query, or what a language model returns.

use actix_web::{HttpRequest, HttpResponse, web};
use opilio_actors::domain::crawl_options::{CacheOptions, CrawlOptions};
use opilio_actors::domain::engine::Engine;
use opilio_actors::domain::extraction::ExtractionSpec;
use opilio_actors::domain::job::Warning;
use opilio_page::{Bm25, ContentFilter};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::crawl_options::MAX_QUERY_BYTES;
use super::llm_answer;
use super::llm_request::ModelChoice;
use super::markdown_filter::Filter;
use super::report::Report;
use super::request_fields::RequestFields;
use super::schemas;
use super::sync_page;
use super::url_policy::{PageUrl, UrlPolicy};
use crate::egress::Guard;
use crate::http::api::Api;
use crate::http::body::{self, Body};
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::field_error::{InvalidValue, Rejection};
use crate::http::openapi::operation_builder::operation;
use crate::http::response;
use crate::http::route::{POST, Route, SUBMIT, SYNCHRONOUS, route};
use crate::http::schemas::Warning as WarningSchema;

const FIELDS: [&str; 7] = ["url", "f", "q", "c", "engine", "provider", "temperature"];
const DEFAULT_INSTRUCTION: &str =
    "Write down the main content of the page as Markdown, word for word, and nothing else.";

pub fn routes() -> Vec<Route> {
    let page = json!({
        "url": "https://example.com", "filter": "raw", "query": null, "cache": "0", "markdown": "# Example Domain",
        "success": true,
    });
    let markdown_operation = operation("sync", "markdown", "Convert a page to Markdown")
        .request::<schemas::MarkdownRequest>(json!({"url": "https://example.com", "f": "raw"}))
        .response::<MarkdownResponse>(200, "The page", page)
        .errors(&[400, 409, 501, 502])
        .build();
    vec![route(POST, "/md", SUBMIT, SYNCHRONOUS, markdown, markdown_operation)]
}

/// The response of `POST /md`.
#[derive(Serialize, ToSchema)]
#[schema(as = Markdown)]
pub struct MarkdownResponse {
    url: String,
    #[schema(value_type = String)]
    filter: &'static str,
    #[schema(required)]
    query: Option<String>,
    cache: String,
    markdown: String,
    success: bool,
    /// Keys of the request that had no effect.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<WarningSchema>)]
    warnings: Vec<Warning>,
}

/// The body of `POST /md`.
#[derive(Debug)]
struct MarkdownRequest {
    url: PageUrl,
    filter: Filter,
    query: Option<String>,
    cache: String,
    engine: Option<Engine>,
    /// For [`Filter::Llm`].
    model: ModelChoice,
}

async fn markdown(
    api: web::Data<Api>,
    caller: Caller,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, ApiError> {
    let (body, _reservation) = body::json(&request, body)?.into_parts();
    response::json(&api.response_memory, &respond(api.clone(), &caller, body).await?)
}

/// Responds to the body of `POST /md`.
pub async fn respond(api: web::Data<Api>, caller: &Caller, body: Value) -> Result<MarkdownResponse, ApiError> {
    let (request, warnings) = MarkdownRequest::parse(&body, &api.guard)?;
    drop(body);
    let markdown = match request.filter {
        Filter::Llm => llm_answer::text(api, caller, request.extraction(), warnings.clone()).await?,
        filter => {
            let (url, options) = (request.url.clone(), request.options());
            let page = sync_page::crawl(api, caller, url, options, warnings.clone()).await?;
            match filter {
                Filter::Raw => page.markdown.raw_markdown,
                _ => page.markdown.fit_markdown.unwrap_or_default(),
            }
        }
    };
    Ok(MarkdownResponse {
        url: request.url.into_string(),
        filter: request.filter.as_str(),
        query: request.query,
        cache: request.cache,
        markdown,
        success: true,
        warnings,
    })
}

impl MarkdownRequest {
    fn parse(body: &Value, guard: &Guard) -> Result<(Self, Vec<Warning>), Rejection> {
        let body = RequestFields::of_body(body)?;
        let (mut report, policy) = (Report::default(), UrlPolicy::new(guard));
        let filter = filter(&body);
        let is_llm = filter == Ok(Filter::Llm);
        // A model is only asked about a fetched page.
        let parse = if is_llm { UrlPolicy::web_page } else { UrlPolicy::page };
        let url = sync_page::url_field(&body, |text| parse(&policy, text), &mut report);
        let query = body.text("q", &mut report).filter(|query| !query.trim().is_empty()).map(str::to_owned);
        let cache = body.text("c", &mut report).unwrap_or("0").to_owned();
        let engine = body.engine(&mut report);
        let filter = report.check(&body.path("f"), filter);
        if filter == Some(Filter::Bm25) && query.as_ref().is_some_and(|query| query.len() > MAX_QUERY_BYTES) {
            let msg = format!("must have at most {MAX_QUERY_BYTES} bytes");
            report.fail(&body.path("q"), InvalidValue::new("string_too_long", msg));
        }
        let model = match is_llm {
            true => ModelChoice::parse(&body, &mut report),
            false => ModelChoice::default(),
        };
        for name in ModelChoice::FIELDS.into_iter().filter(|name| !is_llm && body.get(name).is_some()) {
            report.warn(&body.path(name), "applies only to the filter `llm`");
        }
        body.warn_unknown(&FIELDS, "not a key of this request", &mut report);
        report.finish(url.zip(filter).map(|(url, filter)| Self { url, filter, query, cache, engine, model }))
    }

    /// The options of the crawl, for every filter but [`Filter::Llm`].
    fn options(&self) -> CrawlOptions {
        let mut options = CrawlOptions::default();
        options.fetch.engine = self.engine;
        options.page.content_filter = match self.filter {
            Filter::Raw => None,
            Filter::Bm25 => {
                let query = self.query.clone().unwrap_or_default();
                Some(ContentFilter::Bm25(Bm25 { query, ..Bm25::default() }))
            }
            Filter::Fit | Filter::Llm => Some(ContentFilter::default()),
        };
        if self.cache == "1" {
            options.cache = CacheOptions { read: true, write: true, ..CacheOptions::default() };
        }
        options
    }

    fn extraction(&self) -> ExtractionSpec {
        let ModelChoice { provider, temperature } = self.model.clone();
        ExtractionSpec {
            url: self.url.as_str().to_owned(),
            instruction: self.query.clone().unwrap_or_else(|| DEFAULT_INSTRUCTION.to_owned()),
            schema: None,
            provider,
            temperature,
            cache: false,
            engine: self.engine,
        }
    }
}

fn filter(body: &RequestFields<'_>) -> Result<Filter, InvalidValue> {
    let name = match body.get("f") {
        None => return Ok(Filter::Fit),
        Some(Value::String(name)) => name,
        Some(_) => return Err(InvalidValue::new("string_type", "must be a string")),
    };
    let filter = Filter::ALL.into_iter().find(|filter| filter.as_str() == name);
    filter.ok_or_else(|| {
        let names = Filter::ALL.map(Filter::as_str).join(", ");
        InvalidValue::new("enum", format!("must be one of {names}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egress::Allowlist;
    use crate::http::field_error::FieldError;

    fn parse(body: Value) -> Result<MarkdownRequest, Value> {
        let parsed = MarkdownRequest::parse(&body, &Guard::open(Allowlist::default()));
        let path = |error: &FieldError| json!([error.loc[1], error.kind]);
        parsed.map(|(request, _)| request).map_err(|rejection| rejection.errors().iter().map(path).collect())
    }

    #[test]
    fn request_becomes_crawl_options() {
        for (body, filter, reads_cache) in [
            (json!({"url": "raw:<p>"}), Some(ContentFilter::default()), false),
            (json!({"url": "raw:<p>", "f": "raw", "c": "1"}), None, true),
            (json!({"url": "raw:<p>", "f": "bm25"}), Some(ContentFilter::Bm25(Bm25::default())), false),
            (
                json!({"url": "raw:<p>", "f": "bm25", "q": "a b"}),
                Some(ContentFilter::Bm25(Bm25 { query: "a b".to_owned(), ..Bm25::default() })),
                false,
            ),
        ] {
            let options = parse(body.clone()).expect("the request is valid").options();
            assert_eq!((options.page.content_filter, options.cache.read), (filter, reads_cache), "{body}");
        }
    }

    #[test]
    fn llm_filter_accepts_only_fetched_pages_and_a_valid_model() {
        let body = json!({"url": "raw:<p>", "f": "llm", "provider": "none", "temperature": 9});
        let expected = json!([["provider", "value_error"], ["temperature", "value_error"]]);
        assert_eq!(parse(body).expect_err("the request is invalid"), expected);
        let body = json!({"url": "raw:<p>", "f": "llm"});
        assert_eq!(parse(body).expect_err("the URL is not supported"), json!([["url", "url_parsing"]]));
        let body = json!({"url": "https://a.example", "f": "llm", "q": " ", "temperature": "0.5"});
        let extraction = parse(body).expect("the request is valid").extraction();
        assert_eq!((extraction.instruction.as_str(), extraction.temperature), (DEFAULT_INSTRUCTION, Some(0.5)));
    }
}
