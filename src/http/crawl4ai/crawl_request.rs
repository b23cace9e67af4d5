//! A crawl job's request: read whole, with everything that is wrong in it named at once.

use opilio_actors::domain::crawl::CrawlSpec;
use opilio_actors::domain::job::{JobSpec, Warning};
use opilio_actors::domain::task::Task;
use serde_json::{Map, Value};

use super::crawl_options;
use super::webhook_config::{self, WebhookDefaults, web_address};
use crate::http::field_error::{FieldError, Loc, shortened};

/// What is wrong and what has no effect, gathered while a request is read.
#[derive(Debug, Default)]
pub struct Fields {
    pub errors: Vec<FieldError>,
    pub warnings: Vec<Warning>,
}

/// Warnings are kept with the job; keys without effect beyond these are counted, not named.
const MOST_WARNINGS: usize = 100;

impl Fields {
    /// Warns of each of these keys, the names shortened, at the place `within` the body.
    pub fn without_effect<'a>(&mut self, within: &str, keys: impl Iterator<Item = &'a String>, reason: &str) {
        let key = |key: &String| Warning { key: format!("{within}{}", shortened(key)), reason: reason.to_owned() };
        self.warn(keys.map(key));
    }

    /// Keeps as many of the warnings as there is room for, and says how many there were beyond.
    pub fn warn(&mut self, warnings: impl IntoIterator<Item = Warning>) {
        let mut more = warnings.into_iter();
        let room = MOST_WARNINGS.saturating_sub(self.warnings.len());
        self.warnings.extend(more.by_ref().take(room));
        let unnamed = more.count();
        if unnamed > 0 {
            let reason = format!("and {unnamed} more keys without effect");
            self.warnings.push(Warning { key: "…".to_owned(), reason });
        }
    }
}

/// The keys of `given` beyond those that are known. One that is `null` is absent.
pub fn beyond<'a>(given: &'a Map<String, Value>, known: &'a [&str]) -> impl Iterator<Item = &'a String> {
    given.iter().filter(|(key, value)| !value.is_null() && !known.contains(&key.as_str())).map(|(key, _)| key)
}

/// An error at a path of keys within the body.
pub fn field_error(path: &[&str], kind: &'static str, msg: impl Into<String>) -> FieldError {
    let loc = ["body"].iter().chain(path).map(|key| Loc::from(*key)).collect();
    FieldError { loc, msg: msg.into(), kind }
}

/// The job that `body` asks for.
///
/// # Errors
/// All wrong fields.
pub fn crawl_job(body: &Value, defaults: &WebhookDefaults, max_urls: usize) -> Result<JobSpec, Vec<FieldError>> {
    let Value::Object(body) = body else {
        return Err(vec![field_error(&[], "model_attributes_type", "an object is needed")]);
    };
    let mut fields = Fields::default();
    let urls = urls(body, max_urls, &mut fields.errors);
    let parsed = crawl_options::parse(body.get("browser_config"), body.get("crawler_config"));
    fields.errors.extend(parsed.errors);
    fields.warn(parsed.warnings);
    let webhook = webhook_config::target(body.get("webhook_config"), defaults, &mut fields);
    fields.without_effect("", beyond(body, &KEYS), "not a key of this request");
    if !fields.errors.is_empty() {
        return Err(fields.errors);
    }
    let task = Task::new(CrawlSpec { urls, options: parsed.options, each: vec![] });
    Ok(JobSpec { task, webhook, warnings: fields.warnings, interactive: false })
}

const KEYS: [&str; 4] = ["urls", "browser_config", "crawler_config", "webhook_config"];

fn urls(body: &Map<String, Value>, max_urls: usize, errors: &mut Vec<FieldError>) -> Vec<String> {
    let list = match body.get("urls") {
        None | Some(Value::Null) => {
            errors.push(field_error(&["urls"], "missing", "the pages to crawl are needed"));
            return vec![];
        }
        Some(Value::Array(list)) => list,
        Some(_) => {
            errors.push(field_error(&["urls"], "list_type", "a list of URLs is needed"));
            return vec![];
        }
    };
    if list.is_empty() {
        errors.push(field_error(&["urls"], "too_short", "at least one URL is needed"));
    }
    if list.len() > max_urls {
        errors.push(field_error(&["urls"], "too_long", format!("at most {max_urls} URLs")));
        return vec![];
    }
    let mut urls = Vec::with_capacity(list.len());
    for (index, given) in list.iter().enumerate() {
        match page_address(given) {
            Ok(url) => urls.push(url.to_owned()),
            Err((kind, msg)) => {
                let loc = vec![Loc::from("body"), Loc::from("urls"), Loc::from(index)];
                errors.push(FieldError { loc, msg, kind });
            }
        }
    }
    urls
}

/// Yes or no, also as forms and environments spell it: `"true"`, `"1"`, `1`.
pub fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(choice) => Some(*choice),
        Value::Number(digit) => digit.as_u64().filter(|digit| *digit < 2).map(|digit| digit == 1),
        Value::String(word) => match word.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// The address of a page, or a page brought along.
pub fn page_address(given: &Value) -> Result<&str, (&'static str, String)> {
    let Value::String(text) = given else { return Err(("url_type", "a URL is a text".to_owned())) };
    match text.strip_prefix("raw:") {
        Some(html) if html.trim().is_empty() => Err(("value_error", "raw: is followed by HTML".to_owned())),
        Some(_) => Ok(text),
        None => web_address(text).map(|_| text.as_str()).map_err(|why| ("url_parsing", why)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn defaults() -> WebhookDefaults {
        WebhookDefaults { enabled: true, default_url: None, data_in_payload: false }
    }

    fn wrong_places(body: Value) -> Vec<String> {
        let errors = crawl_job(&body, &defaults(), 3).expect_err("something is wrong with it");
        let path = |error: &FieldError| serde_json::to_value(&error.loc).map(|loc| loc.to_string());
        errors.iter().map(|error| path(error).expect("a path is JSON")).collect()
    }

    #[test]
    fn a_plain_request_is_taken_as_it_is() {
        let urls = json!(["https://example.com", "https://example.com", "raw:<p>hi"]);
        let job = crawl_job(&json!({ "urls": urls }), &defaults(), 3).expect("nothing is wrong with it");
        assert_eq!(job.urls(), ["https://example.com", "https://example.com", "raw:<p>hi"]);
        assert_eq!((job.webhook, job.warnings), (None, vec![]));
    }

    #[test]
    fn everything_wrong_is_named_at_once() {
        let places = wrong_places(json!({
            "urls": ["notaurl", "https://example.com", 7],
            "webhook_config": {"webhook_url": "ftp://x", "webhook_data_in_payload": 3, "webhook_headers": {"Host": "x"}},
        }));
        assert_eq!(
            places,
            [
                r#"["body","urls",0]"#,
                r#"["body","urls",2]"#,
                r#"["body","webhook_config","webhook_url"]"#,
                r#"["body","webhook_config","webhook_data_in_payload"]"#,
                r#"["body","webhook_config","webhook_headers","Host"]"#,
            ]
        );
    }

    #[test]
    fn each_wrong_list_of_urls_is_named() {
        let many = vec!["https://example.com"; 4];
        for urls in [json!(null), json!("https://example.com"), json!([]), json!(many)] {
            assert_eq!(wrong_places(json!({ "urls": urls })), [r#"["body","urls"]"#], "{urls}");
        }
        assert_eq!(wrong_places(json!([])), [r#"["body"]"#]);
    }

    #[test]
    fn a_key_without_effect_is_named_in_the_warnings() {
        let body = json!({"urls": ["https://example.com"], "priority": 10});
        let job = crawl_job(&body, &defaults(), 3).expect("nothing is wrong with it");
        assert_eq!(job.warnings[0].key, "priority");
    }

    #[test]
    fn keys_without_effect_beyond_a_hundred_are_counted_and_long_ones_shortened() {
        let stray = (0..5000).map(|number| (format!("{number:0>100}"), json!(1)));
        let hook: Map<_, _> = stray.clone().chain([("webhook_url".to_owned(), json!("http://a.example"))]).collect();
        let body: Map<_, _> = stray.chain([("urls".to_owned(), json!(["raw:x"]))]).collect();
        let mut body = Value::Object(body);
        body["webhook_config"] = Value::Object(hook);
        let job = crawl_job(&body, &defaults(), 3).expect("nothing is wrong with it");
        assert!(job.warnings.len() <= 102 && job.warnings.iter().all(|warning| warning.key.chars().count() <= 80));
        let last = job.warnings.last().map(|warning| warning.reason.as_str());
        assert_eq!(last, Some("and 5000 more keys without effect"));
    }

    #[test]
    fn the_default_receiver_is_told_when_the_request_names_none() {
        let url = "http://receiver.example/hook".parse().ok();
        let defaults = WebhookDefaults { enabled: true, default_url: url, data_in_payload: true };
        let body = json!({"urls": ["https://example.com"]});
        let target = crawl_job(&body, &defaults, 3).expect("nothing is wrong with it").webhook.expect("the default");
        assert!(target.trusted && target.data_in_payload);
        let off = WebhookDefaults { enabled: false, ..defaults };
        assert_eq!(crawl_job(&body, &off, 3).expect("nothing is wrong with it").webhook, None);
    }
}
