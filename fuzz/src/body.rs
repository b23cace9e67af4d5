//! The body of a request that submits a job.

use opilio::egress::{Allowlist, Guard, Purpose};
use opilio::http::WebhookDefaults;
use opilio::http::body::depth;
use opilio::http::crawl4ai::crawl_request::{CrawlRequest, RequestPolicy};
use opilio::http::crawl4ai::llm_request;
use opilio::http::field_error::{FieldError, Loc};
use opilio_actors::domain::job::JobSpec;
use opilio_actors::ports::ModelRequest;
use opilio_actors::testing::fakes::ScriptedModel;
use serde_json::{Value, json};
use url::Url;

use super::json::is_equivalent;

const MAX_URLS: usize = 100;
const MAX_DEPTH: usize = 100;

/// An accepted body of `POST /crawl/job` or `POST /llm/job` becomes a job with exactly the requested URLs and webhook, at
/// least one of the URLs and the webhook allowed, that can be stored. A rejected body has errors with locations.
///
/// # Panics
/// If the property does not hold for the body `bytes`.
pub fn body(bytes: &[u8]) {
    if depth(bytes) > MAX_DEPTH {
        return;
    }
    let Ok(request) = serde_json::from_slice::<Value>(bytes) else { return };
    let guard = Guard::closed(Allowlist::default());
    let defaults = WebhookDefaults { enabled: true, default_url: None, data_in_payload: false };
    let models = ScriptedModel { context_tokens: 2000, script: |_: &ModelRequest| None };
    let policy = RequestPolicy { guard: &guard, models: &models };
    match CrawlRequest::for_job(&request, &defaults, MAX_URLS, policy).map(CrawlRequest::into_spec) {
        Ok(job) => {
            let urls = request.get("urls").filter(|urls| !urls.is_null()).unwrap_or(&request["url"]);
            let urls = if urls.is_string() { json!([urls]) } else { urls.clone() };
            assert_eq!(json!(job.urls()), urls, "exactly as submitted");
            check_job(&job, &request, &guard);
        }
        Err(rejection) => check_errors(rejection.errors()),
    }
    match llm_request::parse_job(&request, &defaults, &guard) {
        Ok(job) => {
            assert_eq!(json!(job.urls()), json!([request["url"]]), "exactly as submitted");
            check_job(&job, &request, &guard);
        }
        Err(rejection) => check_errors(rejection.errors()),
    }
}

fn check_job(job: &JobSpec, request: &Value, guard: &Guard) {
    let is_allowed = |url: &String| Url::parse(url).is_ok_and(|url| guard.check(&url, Purpose::Page).is_ok());
    assert!(job.urls().iter().any(|url| url.starts_with("raw:") || is_allowed(url)), "{:?}", job.urls());
    let webhook = job.webhook.as_ref();
    let is_requested = request.get("webhook_config").is_some_and(|config| !config.is_null());
    assert_eq!(webhook.is_some(), is_requested, "the requested webhook");
    assert!(webhook.is_none_or(|to| guard.check(&to.url, Purpose::Webhook).is_ok() && !to.trusted));
    let stored = serde_json::to_value(job).expect("a job is valid JSON");
    let text = stored.to_string();
    let loaded: JobSpec = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let loaded = serde_json::to_value(loaded).expect("a job is valid JSON");
    assert!(is_equivalent(&stored, &loaded), "{stored}\nbecame\n{loaded}");
}

fn check_errors(errors: &[FieldError]) {
    assert!(!errors.is_empty(), "a rejected body has an error");
    for error in errors.iter().map(FieldError::visible) {
        assert_eq!(error.loc.first(), Some(&Loc::from("body")), "{error:?}");
        assert!(!error.msg.is_empty() && !error.kind.is_empty(), "{error:?}");
        assert!(!json!(error).to_string().contains(char::is_control), "{error:?}");
    }
}
