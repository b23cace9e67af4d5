//! What requests may hold.
#![allow(dead_code, reason = "they are described, never built")]

use std::collections::HashMap;

use serde_json::Value;
use utoipa::openapi::schema::{AnyOfBuilder, ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::http::openapi::configuration::{BrowserConfig, CrawlerConfig};

/// A crawl job.
#[derive(ToSchema)]
pub struct CrawlJobRequest {
    /// What to crawl: absolute http(s) addresses, or pages brought along as `raw:<html>`.
    #[schema(min_items = 1, max_items = 10000)]
    urls: Vec<PageAddress>,
    browser_config: Option<BrowserConfig>,
    crawler_config: Option<CrawlerConfig>,
    webhook_config: Option<WebhookConfig>,
}

/// An absolute http(s) address, or a page brought along as `raw:<html>`.
#[derive(ToSchema)]
#[schema(value_type = String, format = "uri")]
pub struct PageAddress(String);

/// Whom to tell when the job has ended.
#[derive(ToSchema)]
pub struct WebhookConfig {
    #[schema(format = "uri")]
    webhook_url: String,
    /// Whether the result is sent along; without it, as the server is set up.
    webhook_data_in_payload: Option<bool>,
    /// Sent with each webhook; at most 20. They are never shown again.
    #[schema(example = json!({"X-Webhook-Secret": "my-secret"}))]
    webhook_headers: Option<HashMap<String, String>>,
}

/// An extraction by a language model.
#[derive(ToSchema)]
pub struct LlmJobRequest {
    #[schema(format = "uri")]
    url: String,
    /// The instruction.
    #[schema(min_length = 1, pattern = r"\S")]
    q: String,
    /// What the answer must conform to: a JSON Schema, or a text that holds one.
    schema: Option<TextOrSchema>,
    /// Whether a page fetched earlier may do.
    cache: Option<Switch>,
    /// `family/model`; without it, the server's own.
    #[schema(example = "openai/gpt-4o-mini")]
    provider: Option<String>,
    #[schema(minimum = 0, maximum = 2)]
    temperature: Option<f64>,
    webhook_config: Option<WebhookConfig>,
}

/// A text, or a JSON Schema, which is an object or a boolean.
pub struct TextOrSchema;

impl PartialSchema for TextOrSchema {
    fn schema() -> RefOr<Schema> {
        let of = |kind: Type| ObjectBuilder::new().schema_type(kind);
        AnyOfBuilder::new().item(of(Type::String)).item(of(Type::Object)).item(of(Type::Boolean)).into()
    }
}

impl ToSchema for TextOrSchema {}

/// Yes or no, also as the digits that existing clients send.
pub struct Switch;

impl PartialSchema for Switch {
    fn schema() -> RefOr<Schema> {
        let of = |kind: Type| ObjectBuilder::new().schema_type(kind);
        let texts = of(Type::String).enum_values(Some(["0", "1"]));
        let digits = of(Type::Integer).minimum(Some(0)).maximum(Some(1));
        AnyOfBuilder::new().item(of(Type::Boolean)).item(texts).item(digits).into()
    }
}

impl ToSchema for Switch {}

/// Pages for a caller who waits.
#[derive(ToSchema)]
pub struct CrawlRequest {
    #[schema(min_items = 1, max_items = 100)]
    urls: Vec<PageAddress>,
    browser_config: Option<BrowserConfig>,
    /// With `stream: true` the answer is that of `/crawl/stream`.
    crawler_config: Option<CrawlerConfig>,
    /// The first whose `url_matcher` fits an address holds for it; then `crawler_config`.
    #[schema(max_items = 100)]
    crawler_configs: Option<Vec<CrawlerConfig>>,
    /// Anything but an empty one is a 501.
    hooks: Option<NoHooks>,
}

#[derive(ToSchema)]
pub struct NoHooks {
    code: Option<HashMap<String, Value>>,
    timeout: Option<Value>,
}

#[derive(ToSchema)]
pub struct MarkdownRequest {
    url: PageAddress,
    /// `fit`: the main content; `bm25`: what answers to `q`; `llm`: what a model makes of it. Without it: `fit`.
    f: Option<Filter>,
    /// What is looked for, or the instruction to the model.
    q: Option<String>,
    /// `1`: a page fetched earlier may do.
    #[schema(example = "0")]
    c: Option<String>,
    /// `family/model`, for `llm`.
    provider: Option<Value>,
    /// For `llm`.
    temperature: Option<Value>,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum Filter {
    Fit,
    Raw,
    Bm25,
    Llm,
}

#[derive(ToSchema)]
pub struct HtmlRequest {
    url: PageAddress,
}

#[derive(ToSchema)]
pub struct PageRequest {
    #[schema(format = "uri")]
    url: String,
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

#[derive(ToSchema)]
pub struct TokenRequest {
    #[schema(example = "user@example.com")]
    email: String,
    /// The operator's own token.
    api_token: Option<String>,
}

/// Which webhooks to send again; without anything, all.
#[derive(ToSchema)]
pub struct ReplayRequest {
    state: Option<DeliveryState>,
    /// Of jobs that ended at this time or later.
    #[schema(format = "date-time")]
    since: Option<String>,
    /// Those to the host of this address.
    #[schema(format = "uri")]
    receiver: Option<String>,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum DeliveryState {
    Pending,
    Delivered,
    Exhausted,
    Refused,
}
