//! The body of `POST /crawl/job`, `POST /crawl` and `POST /crawl/stream`. All invalid fields are reported at once.

use std::collections::BTreeSet;

use opilio_actors::domain::crawl::CrawlSpec;
use opilio_actors::domain::job::{JobSpec, Warning};
use opilio_actors::domain::task::Task;
use opilio_actors::domain::webhook::Target;
use opilio_actors::ports::LanguageModel;
use serde_json::Value;

use super::crawl_options::{self, OptionsBuilder, Usage};
use super::crawler_configs;
use super::hooks::{self, Hooks};
use super::report::Report;
use super::request_fields::RequestFields;
use super::url_policy::{self, PageUrl, UrlPolicy};
use super::webhook_config::{self, WebhookDefaults};
use crate::egress::Guard;
use crate::http::field_error::{FieldPath, InvalidValue, Rejection};

/// URLs of one synchronous request, as in Crawl4AI.
const MAX_SYNC_URLS: usize = 100;

const FIELDS: [&str; 6] = ["urls", "browser_config", "crawler_config", "webhook_config", "crawler_configs", "hooks"];

/// The addresses and models that a request may name.
#[derive(Clone, Copy)]
pub struct RequestPolicy<'a> {
    pub guard: &'a Guard,
    pub models: &'a dyn LanguageModel,
}

/// A crawl as a request describes it.
#[derive(Debug)]
pub struct CrawlRequest {
    crawl: CrawlSpec,
    webhook: Option<Target>,
    /// Keys without effect.
    pub warnings: Vec<Warning>,
    /// `stream: true` of `crawler_config`; always `false` for a job.
    pub stream: bool,
    pub hooks: Hooks,
}

/// The rules of one route.
struct Rules<'a> {
    usage: Usage,
    max_urls: usize,
    webhooks: &'a WebhookDefaults,
    policy: UrlPolicy<'a>,
    models: &'a dyn LanguageModel,
}

impl CrawlRequest {
    /// The body of `POST /crawl/job`.
    ///
    /// # Errors
    /// All invalid fields, or all keys that are not supported.
    pub fn for_job(
        body: &Value,
        webhooks: &WebhookDefaults,
        max_urls: usize,
        RequestPolicy { guard, models }: RequestPolicy<'_>,
    ) -> Result<Self, Rejection> {
        let (usage, policy) = (Usage::Job, UrlPolicy::new(guard));
        Self::parse(body, &Rules { usage, max_urls, webhooks, policy, models })
    }

    /// The body of a synchronous crawl. It has no webhook: the client waits for the result.
    ///
    /// # Errors
    /// All invalid fields, or all keys that are not supported.
    pub fn for_sync(body: &Value, RequestPolicy { guard, models }: RequestPolicy<'_>) -> Result<Self, Rejection> {
        let (usage, policy) = (Usage::Sync, UrlPolicy::with_default_scheme(guard));
        let webhooks = &WebhookDefaults::default();
        Self::parse(body, &Rules { usage, max_urls: MAX_SYNC_URLS, webhooks, policy, models })
    }

    fn parse(body: &Value, rules: &Rules<'_>) -> Result<Self, Rejection> {
        let body = RequestFields::of_body(body)?;
        let mut report = Report::default();
        let urls = urls(&body, rules, &mut report);
        let mut browser = OptionsBuilder::default();
        if let Some(config) = body.get("browser_config") {
            crawl_options::parse_browser(config, &body.path("browser_config"), &mut browser, &mut report);
        }
        let mut crawler = browser.clone();
        if let Some(config) = body.get("crawler_config") {
            let path = body.path("crawler_config");
            crawl_options::parse_crawler(config, &path, rules.usage, &mut crawler, &mut report);
        }
        let stream = crawler.stream;
        let configs = body.get("crawler_configs");
        let mut crawl = crawler_configs::options_per_url(configs, &browser, crawler, &urls, &mut report);
        let path = body.path("hooks");
        let hooks = body.get("hooks").map(|hooks| hooks::parse(hooks, &path, &mut report)).unwrap_or_default();
        hooks.apply(&mut crawl.options);
        crawl.variants.iter_mut().for_each(|options| hooks.apply(options));
        let webhook = webhook_config::parse(body.get("webhook_config"), rules.webhooks, rules.policy, &mut report);
        let fields = if given_urls(&body) == "url" { &[&FIELDS[..], &["url"]].concat() } else { &FIELDS[..] };
        body.warn_unknown(fields, "not a key of this request", &mut report);
        let urls = urls.into_iter().map(PageUrl::into_string).collect();
        let crawl = CrawlSpec { urls, ..crawl };
        check_models(&crawl, rules.models, &mut report);
        let (crawl, warnings) = report.finish(Some(crawl))?;
        Ok(Self { crawl, webhook, warnings, stream, hooks })
    }

    pub fn into_spec(self) -> JobSpec {
        let Self { crawl, webhook, warnings, .. } = self;
        JobSpec { task: Task::new(crawl), webhook, warnings, interactive: false }
    }
}

/// Rejects models that are unknown, not allowed, or have no API key.
fn check_models(crawl: &CrawlSpec, models: &dyn LanguageModel, report: &mut Report) {
    let extraction = ["extraction_strategy", "llm_config", "provider"];
    let filter = ["markdown_generator", "content_filter", "llm_config", "provider"];
    let mut providers = BTreeSet::new();
    for options in crawl.all_options() {
        let filter = options.model_filter.iter().map(|model| (&filter[..], model.provider.as_deref()));
        let extraction = options.model_extraction.iter().map(|model| (&extraction[..], model.provider.as_deref()));
        providers.extend(filter.chain(extraction));
    }
    for (keys, provider) in providers {
        let Err(error) = models.resolve(provider) else { continue };
        let path = keys.iter().fold(FieldPath::body().child("crawler_config"), |path, key| path.child(*key));
        report.reject(&path, InvalidValue::new("model_unusable", error.to_string()));
    }
}

/// The key that contains the URLs.
fn given_urls(body: &RequestFields<'_>) -> &'static str {
    if body.get("urls").is_none() && body.get("url").is_some() { "url" } else { "urls" }
}

/// The URLs in their order. If at least one is valid, the others are accepted as well: only their pages fail. A single
/// string counts as a list of one.
fn urls(body: &RequestFields<'_>, rules: &Rules<'_>, report: &mut Report) -> Vec<PageUrl> {
    let given = body.get(given_urls(body));
    let path = body.path(given_urls(body));
    let list = match given {
        None => Err(InvalidValue::new("missing", "the URLs of the pages to crawl are required")),
        Some(url @ Value::String(_)) => Ok(std::slice::from_ref(url)),
        Some(Value::Array(list)) if list.is_empty() => {
            Err(InvalidValue::new("too_short", "must have at least one URL"))
        }
        Some(Value::Array(list)) if list.len() > rules.max_urls => {
            Err(InvalidValue::new("too_long", format!("must have at most {} URLs", rules.max_urls)))
        }
        Some(Value::Array(list)) => Ok(list.as_slice()),
        Some(_) => Err(InvalidValue::new("list_type", "must be a list of URLs, or one URL as a string")),
    };
    let Some(list) = report.check(&path, list) else { return vec![] };
    let path_of = |index: usize| if given.is_some_and(Value::is_array) { path.child(index) } else { path.clone() };
    let (mut urls, mut invalid) = (Vec::with_capacity(list.len()), Vec::new());
    for (index, url) in list.iter().enumerate() {
        let Some(text) = report.check(&path_of(index), url_policy::string(url)) else { continue };
        urls.push(rules.policy.page(text).unwrap_or_else(|error| {
            invalid.push((index, error));
            PageUrl::invalid(text)
        }));
    }
    if invalid.len() == urls.len() {
        invalid.into_iter().for_each(|(index, error)| report.fail(&path_of(index), error));
    }
    urls
}

#[cfg(test)]
mod tests;
