//! The body of a request that submits a job.

use opilio::egress::{Allowlist, Guard, Purpose};
use opilio::http::WebhookDefaults;
use opilio::http::body::depth;
use opilio::http::crawl4ai::crawl_request::CrawlRequest;
use opilio::http::crawl4ai::llm_request;
use opilio::http::field_error::{FieldError, Loc};
use opilio_actors::domain::job::JobSpec;
use serde_json::{Value, json};
use url::Url;

use super::json::is_equivalent;

const MAX_URLS: usize = 100;
const MAX_DEPTH: usize = 100;

/// An accepted body of `POST /crawl/job` or `POST /llm/job` becomes a job with exactly the requested URLs and webhook, all of
/// them allowed, that can be stored. A rejected body has errors with locations.
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
    match CrawlRequest::for_job(&request, &defaults, MAX_URLS, &guard).map(CrawlRequest::into_spec) {
        Ok(job) => {
            assert_eq!(json!(job.urls()), request["urls"], "exactly as submitted");
            check_job(&job, &request, &guard);
        }
        Err(errors) => check_errors(&errors),
    }
    match llm_request::parse_job(&request, &defaults, &guard) {
        Ok(job) => {
            assert_eq!(json!(job.urls()), json!([request["url"]]), "exactly as submitted");
            check_job(&job, &request, &guard);
        }
        Err(errors) => check_errors(&errors),
    }
}

fn check_job(job: &JobSpec, request: &Value, guard: &Guard) {
    for url in job.urls().iter().filter(|url| !url.starts_with("raw:")) {
        let url = Url::parse(url).expect("an accepted URL is valid");
        assert!(guard.check(&url, Purpose::Page).is_ok(), "{url}");
    }
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
