//! Options of Crawl4AI that concern a browser and are honoured without one.

mod support;

use serde_json::{Value, json};
use support::{TestServer, TestSite};

/// The pages of a synchronous crawl.
async fn crawl(server: &TestServer, body: Value) -> Vec<Value> {
    let (status, response) = server.post("/crawl", body).await;
    response["results"].as_array().unwrap_or_else(|| panic!("{status} {response}")).clone()
}

#[actix::test]
async fn wait_for_is_evaluated_on_the_fetched_html() {
    let (site, server) = (TestSite::start(), TestServer::start().await);
    let urls = [site.url("/full"), site.url("/article"), site.url("/text"), "raw:<table></table>".to_owned()];
    for condition in ["css:table", "table"] {
        let pages = crawl(&server, json!({"urls": urls, "crawler_config": {"wait_for": condition}})).await;
        let success: Vec<_> = pages.iter().map(|page| page["success"] == true).collect();
        assert_eq!(success, [true, false, false, true], "{pages:?}");
        let error = pages[1]["error_message"].as_str().unwrap_or_default();
        assert!(error.contains("wait_for") && error.contains("table"), "{error}");
    }
}
