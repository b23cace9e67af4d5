//! Opilio's responses contain every key of Crawl4AI 0.9.2's responses, with types that its clients accept. The fixture was
//! recorded from Crawl4AI. [`DIFFERENCES`] lists the intended exceptions.

mod support;

use serde_json::{Value, json};
use support::{TestServer, TestSite};

/// Intended differences: the end of the path, and the reason.
const DIFFERENCES: &[(&str, &str)] = &[
    ("detail[].input", "missing: the input may contain secrets"),
    ("detail[].ctx", "missing: `msg` contains it"),
    ("page.fit_html", "null unless requested"),
];

fn shapes() -> Value {
    serde_json::from_str(include_str!("fixtures/crawl4ai-shapes.json")).expect("it is JSON")
}

/// Compares responses with shapes and collects the paths that differ.
#[derive(Default)]
struct Comparison {
    found: Vec<String>,
}

impl Comparison {
    fn of(&mut self, name: &str, ours: &Value) {
        let shapes = shapes();
        self.compare(&shapes[name], Some(ours), name.to_owned());
    }

    fn compare(&mut self, shape: &Value, ours: Option<&Value>, path: String) {
        let Some(ours) = ours else { return self.differs(path) };
        let same = match shape {
            Value::String(kind) => match kind.as_str() {
                "any" => true,
                "text" => ours.is_string(),
                "number" => ours.is_number(),
                "bool" => ours.is_boolean(),
                "map" => ours.is_object(),
                "list" => ours.is_array(),
                other => panic!("unknown kind: {other}"),
            },
            Value::Object(keys) => {
                for (key, shape) in keys {
                    self.compare(shape, ours.get(key), format!("{path}.{key}"));
                }
                ours.is_object()
            }
            Value::Array(elements) => {
                let ours = ours.as_array().map(Vec::as_slice).unwrap_or_default();
                for (index, ours) in ours.iter().enumerate() {
                    let shape = elements.get(index).unwrap_or(&elements[0]);
                    self.compare(shape, Some(ours), format!("{path}[]"));
                }
                // An empty list would compare nothing.
                !ours.is_empty()
            }
            other => panic!("not a shape: {other}"),
        };
        if !same {
            self.differs(path);
        }
    }

    fn differs(&mut self, path: String) {
        if !self.found.contains(&path) {
            self.found.push(path);
        }
    }
}

#[actix::test]
async fn responses_contain_every_key_of_crawl4ai_except_listed_differences() {
    let (site, server) = (TestSite::start(), TestServer::start().await);
    let mut shapes = Comparison::default();

    let urls = [site.url("/full"), site.url("/nowhere")];
    let webhook = json!({"webhook_url": site.webhook_url(), "webhook_data_in_payload": true});
    let (_, accepted) = server.post("/crawl/job", json!({"urls": urls, "webhook_config": webhook})).await;
    shapes.of("accepted", &accepted);
    let received = site.next_webhook().await.body;
    shapes.of("webhook", &received);
    shapes.of("result", &received["data"]);
    shapes.of("page", &received["data"]["results"][0]);
    shapes.of("unreachable_page", &received["data"]["results"][1]);
    let path = format!("/crawl/job/{}", accepted["task_id"].as_str().expect("an id"));
    let (_, status) = server.get(&path).await;
    shapes.of("processing", &status);
    shapes.of("result", &status["result"]);
    shapes.of("page", &status["result"]["results"][0]);

    let webhook = json!({"webhook_url": site.webhook_url(), "webhook_data_in_payload": false});
    let unreachable = json!({"urls": ["http://127.0.0.1:1/x"], "webhook_config": webhook});
    let (_, accepted) = server.post("/crawl/job", unreachable).await;
    let received = site.next_webhook().await.body;
    shapes.of("webhook", &received);
    assert_eq!(received.get("data"), None);
    let (_, status) = server.get(&format!("/crawl/job/{}", accepted["task_id"].as_str().expect("an id"))).await;
    shapes.of("result", &status["result"]);
    shapes.of("unreachable_page", &status["result"]["results"][0]);

    let (_, running) = server.post("/crawl/job", json!({"urls": [site.url("/gated")]})).await;
    let (_, running) = server.get(&format!("/crawl/job/{}", running["task_id"].as_str().expect("an id"))).await;
    assert_eq!(running["status"], "processing");
    shapes.of("processing", &running);

    let (status, missing) = server.get("/crawl/job/crawl_nope").await;
    assert_eq!((status, &missing), (404, &json!({"detail": "Task not found"})));
    shapes.of("not_found", &missing);
    let (status, invalid) = server.post("/crawl/job", json!({"urls": ["notaurl"]})).await;
    assert_eq!((status, &invalid["detail"][0]["loc"]), (422, &json!(["body", "urls", 0])));
    assert_eq!(invalid["detail"][0]["type"], "url_parsing");
    shapes.of("invalid", &invalid);
    shapes.of("health", &server.get("/health").await.1);
    let closed = TestServer::with_config("security: {api_token: a-token-that-is-long-enough}").await;
    let (status, unauthorised) = closed.post("/crawl/job", json!({"urls": ["raw:x"]})).await;
    assert_eq!(status, 401);
    shapes.of("unauthorised", &unauthorised);

    let listed = |path: &&String| DIFFERENCES.iter().any(|(end, _)| path.ends_with(end));
    let unlisted: Vec<_> = shapes.found.iter().filter(|path| !listed(path)).collect();
    assert!(unlisted.is_empty(), "{unlisted:#?}");
    for (end, reason) in DIFFERENCES {
        assert!(shapes.found.iter().any(|path| path.ends_with(end)), "{end} no longer differs ({reason})");
    }
}
