//! A request is answered with a job that does what it says, or with every place where it is wrong.

use opilio_actors::domain::job::JobSpec;
use serde_json::{Value, json};
use url::Url;

use super::alike::alike;
use crate::egress::{Allowlist, Guard, Purpose};
use crate::http::WebhookDefaults;
use crate::http::body::depth;
use crate::http::crawl4ai::crawl_request::CrawlRequest;
use crate::http::crawl4ai::llm_request;
use crate::http::field_error::{FieldError, Loc};

const MAX_URLS: usize = 100;
const MAX_DEPTH: usize = 100;

/// `bytes` as the body of `POST /crawl/job` and of `POST /llm/job`, where others' addresses only may be reached.
///
/// # Panics
/// Where a job comes of it that is not what was asked for, or a refusal that names no place.
pub fn body(bytes: &[u8]) {
    if depth(bytes) > MAX_DEPTH {
        return;
    }
    let Ok(asked) = serde_json::from_slice::<Value>(bytes) else { return };
    let guard = Guard::closed(Allowlist::default());
    let defaults = WebhookDefaults { enabled: true, default_url: None, data_in_payload: false };
    match CrawlRequest::for_job(&asked, &defaults, MAX_URLS, &guard).map(CrawlRequest::into_spec) {
        Ok(job) => {
            assert_eq!(json!(job.urls()), asked["urls"], "exactly as submitted");
            keeps_its_word(&job, &asked, &guard);
        }
        Err(errors) => names_its_places(&errors),
    }
    match llm_request::parse_job(&asked, &defaults, &guard) {
        Ok(job) => {
            assert_eq!(json!(job.urls()), json!([asked["url"]]), "exactly as submitted");
            keeps_its_word(&job, &asked, &guard);
        }
        Err(errors) => names_its_places(&errors),
    }
}

fn keeps_its_word(job: &JobSpec, asked: &Value, guard: &Guard) {
    for url in job.urls().iter().filter(|url| !url.starts_with("raw:")) {
        let url = Url::parse(url).expect("an address that was accepted is one");
        assert!(guard.check(&url, Purpose::Page).is_ok(), "{url}");
    }
    let receiver = job.webhook.as_ref();
    let wanted = asked.get("webhook_config").is_some_and(|config| !config.is_null());
    assert_eq!(receiver.is_some(), wanted, "whom to tell is told");
    assert!(receiver.is_none_or(|to| guard.check(&to.url, Purpose::Webhook).is_ok() && !to.trusted));
    let stored = serde_json::to_value(job).expect("a job is stored as JSON");
    let text = stored.to_string();
    let again: JobSpec = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let again = serde_json::to_value(again).expect("a job is stored as JSON");
    assert!(alike(&stored, &again), "{stored}\nbecame\n{again}");
}

fn names_its_places(errors: &[FieldError]) {
    assert!(!errors.is_empty(), "a refusal has a reason");
    for error in errors.iter().map(FieldError::visible) {
        assert_eq!(error.loc.first(), Some(&Loc::from("body")), "{error:?}");
        assert!(!error.msg.is_empty() && !error.kind.is_empty(), "{error:?}");
        assert!(!json!(error).to_string().contains(char::is_control), "{error:?}");
    }
}
