//! Schemas of the requests in Crawl4AI's form. Handlers read them from JSON field by field, so that all invalid fields are
//! reported.
#![allow(dead_code, reason = "only described, never constructed")]

use std::borrow::Cow;
use std::collections::HashMap;

use opilio_actors::domain::engine::Engine;
use serde_json::Value;
use utoipa::openapi::schema::{AnyOfBuilder, ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::config_schema::{BrowserConfig, CrawlerConfig};
use super::markdown_filter;
use crate::http::schemas::enumeration;

/// A crawl job.
#[derive(ToSchema)]
pub struct CrawlJobRequest {
    /// The pages: absolute http(s) URLs, or HTML as `raw:<html>`.
    #[schema(min_items = 1, max_items = 10000)]
    urls: Vec<PageAddress>,
    browser_config: Option<BrowserConfig>,
    crawler_config: Option<CrawlerConfig>,
    /// The first configuration whose `url_matcher` matches a URL applies to it; otherwise `crawler_config`.
    #[schema(max_items = 100)]
    crawler_configs: Option<Vec<CrawlerConfig>>,
    hooks: Option<Hooks>,
    webhook_config: Option<WebhookConfig>,
}

/// An absolute http(s) URL, or HTML as `raw:<html>`.
#[derive(ToSchema)]
#[schema(value_type = String, format = "uri")]
pub struct PageAddress(String);

/// The receiver of a notification when the job is settled.
#[derive(ToSchema)]
pub struct WebhookConfig {
    #[schema(format = "uri")]
    webhook_url: String,
    /// Whether the webhook contains the result. The default is configured on the server.
    webhook_data_in_payload: Option<bool>,
    /// Sent with each webhook; at most 20. Responses mask the values.
    #[schema(example = json!({"X-Webhook-Secret": "my-secret"}))]
    webhook_headers: Option<HashMap<String, String>>,
}

/// An extraction with a language model.
#[derive(ToSchema)]
pub struct LlmJobRequest {
    #[schema(format = "uri")]
    url: String,
    /// The instruction.
    #[schema(min_length = 1, pattern = r"\S")]
    q: String,
    /// The JSON Schema of the result, as an object or as text.
    schema: Option<TextOrSchema>,
    /// Whether a cached page may be used.
    cache: Option<BooleanOrDigit>,
    engine: Option<EngineName>,
    /// `family/model`. The default is configured on the server.
    #[schema(example = "openai/gpt-4o-mini")]
    provider: Option<String>,
    #[schema(minimum = 0, maximum = 2)]
    temperature: Option<f64>,
    webhook_config: Option<WebhookConfig>,
}

/// A JSON Schema (an object or a boolean), or its text.
pub struct TextOrSchema;

impl PartialSchema for TextOrSchema {
    fn schema() -> RefOr<Schema> {
        let of = |kind: Type| ObjectBuilder::new().schema_type(kind);
        AnyOfBuilder::new().item(of(Type::Object)).item(of(Type::String)).item(of(Type::Boolean)).into()
    }
}

impl ToSchema for TextOrSchema {
    fn name() -> Cow<'static, str> {
        "TextOrSchema".into()
    }
}

/// A boolean, or the digit that existing clients send.
pub struct BooleanOrDigit;

impl PartialSchema for BooleanOrDigit {
    fn schema() -> RefOr<Schema> {
        let of = |kind: Type| ObjectBuilder::new().schema_type(kind);
        let texts = of(Type::String).enum_values(Some(["0", "1"]));
        let digits = of(Type::Integer).minimum(Some(0)).maximum(Some(1));
        AnyOfBuilder::new().item(of(Type::Boolean)).item(texts).item(digits).into()
    }
}

impl ToSchema for BooleanOrDigit {
    fn name() -> Cow<'static, str> {
        "BooleanOrDigit".into()
    }
}

/// A synchronous crawl.
#[derive(ToSchema)]
pub struct CrawlRequest {
    #[schema(min_items = 1, max_items = 100)]
    urls: Vec<PageAddress>,
    browser_config: Option<BrowserConfig>,
    /// With `stream: true` the response is that of `/crawl/stream`.
    crawler_config: Option<CrawlerConfig>,
    /// The first configuration whose `url_matcher` matches a URL applies to it; otherwise `crawler_config`.
    #[schema(max_items = 100)]
    crawler_configs: Option<Vec<CrawlerConfig>>,
    hooks: Option<Hooks>,
}

/// Actions that apply to each page of a crawl.
#[derive(ToSchema)]
pub struct Hooks {
    #[schema(max_items = 10)]
    hooks: Option<Vec<Hook>>,
    /// Seconds for hooks that run in a browser.
    #[schema(minimum = 1, maximum = 120)]
    timeout: Option<u32>,
}

#[derive(ToSchema)]
pub struct Hook {
    /// One of the actions that `GET /hooks/info` lists.
    #[schema(example = "set_headers")]
    action: String,
    #[schema(example = json!({"headers": {"Accept-Language": "de"}}))]
    params: Option<HashMap<String, Value>>,
}

#[derive(ToSchema)]
pub struct MarkdownRequest {
    url: PageAddress,
    /// `fit` (the default): the main content; `raw`: the whole page; `bm25`: the parts that match `q`; `llm`: the answer of
    /// a model.
    f: Option<Filter>,
    /// The query, or the instruction to the model.
    q: Option<String>,
    /// `1`: a cached page may be used.
    #[schema(example = "0")]
    c: Option<String>,
    engine: Option<EngineName>,
    /// `family/model`, for `llm`.
    provider: Option<Value>,
    /// For `llm`.
    temperature: Option<Value>,
}

pub struct Filter;

impl PartialSchema for Filter {
    fn schema() -> RefOr<Schema> {
        enumeration(&markdown_filter::Filter::ALL.map(markdown_filter::Filter::as_str))
    }
}

impl ToSchema for Filter {
    fn name() -> Cow<'static, str> {
        "Filter".into()
    }
}

#[derive(ToSchema)]
pub struct HtmlRequest {
    url: PageAddress,
    engine: Option<EngineName>,
}

/// `http`; `browser`; or `smart`: over HTTP, and in the browser if the content of the page is produced by scripts. The
/// default is configured on the server.
pub struct EngineName;

impl PartialSchema for EngineName {
    fn schema() -> RefOr<Schema> {
        enumeration(&Engine::ALL.map(Engine::as_str))
    }
}

impl ToSchema for EngineName {
    fn name() -> Cow<'static, str> {
        "Engine".into()
    }
}

/// A configuration in its typed form.
#[derive(ToSchema)]
pub struct ConfigDump {
    #[schema(rename = "type")]
    kind: ConfigType,
    params: Option<HashMap<String, Value>>,
}

#[derive(ToSchema)]
pub enum ConfigType {
    CrawlerRunConfig,
    BrowserConfig,
}
