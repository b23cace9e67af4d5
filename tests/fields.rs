//! Content selection, extraction of fields, and robots.txt, against the real binary.

mod support;

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::{Value, json};
use support::TestServer;

const PAGE: &str =
    "raw:<title>Shop</title><meta property=og:title content=Lamps><nav><a href=https://a.example/n>Menu</a></nav>
    <main><div class=item data-id=7><h2>Desk lamp</h2><p class=price>$20.50</p><a href=https://b.example/x>Out</a></div>
    <div class=item data-id=8><h2>Floor lamp</h2></div><form><p>Subscribe to it</p></form></main>";

async fn crawled(server: &TestServer, url: &str, config: Value) -> Value {
    let (status, response) = server.post("/crawl", json!({"urls": [url], "crawler_config": config})).await;
    assert_eq!(status, 200, "{response}");
    assert!(response.get("warnings").is_none(), "{response}");
    response["results"][0].clone()
}

fn fields_of(result: &Value) -> Value {
    serde_json::from_str(result["extracted_content"].as_str().expect("JSON text")).expect("JSON text")
}

#[actix_web::test]
async fn selection_limits_the_content_of_a_result() {
    let server = TestServer::start().await;
    let config = json!({"css_selector": "main", "excluded_tags": ["h2"], "remove_forms": true,
        "exclude_domains": ["b.example"], "keep_data_attributes": true, "word_count_threshold": 1});
    let result = crawled(&server, PAGE, config).await;
    let markdown = result["markdown"]["raw_markdown"].as_str().unwrap();
    assert!(markdown.contains("$20.50") && markdown.contains("Out"), "{markdown}");
    for excluded in ["Menu", "lamp", "Subscribe", "b.example"] {
        assert!(!markdown.contains(excluded), "{excluded}: {markdown}");
    }
    assert!(result["cleaned_html"].as_str().unwrap().contains("data-id=\"7\""));
    assert_eq!(result["links"], json!({"internal": [], "external": []}));
    assert_eq!(result["structured_data"]["opengraph"]["title"], "Lamps");
    assert!(result["extracted_content"].is_null());
}

#[actix_web::test]
async fn each_strategy_returns_fields_as_json_text() {
    let server = TestServer::start().await;
    let strategy = |name: &str, params: Value| json!({"extraction_strategy": {"type": name, "params": params}});
    let price =
        json!({"name": "price", "selector": ".price", "type": "regex", "pattern": "([0-9.]+)", "default": null});
    let name = json!({"name": "name", "selector": "h2", "type": "text", "transform": "uppercase"});
    let id = json!({"name": "id", "type": "attribute", "attribute": "data-id"});
    let schema =
        json!({"type": "dict", "value": {"baseSelector": "div.item", "baseFields": [id], "fields": [name, price]}});
    let expected = json!([{"id": "7", "name": "DESK LAMP", "price": "20.50"}, {"id": "8", "name": "FLOOR LAMP"}]);
    for language in ["JsonCssExtractionStrategy", "JsonLxmlExtractionStrategy"] {
        let result = crawled(&server, PAGE, strategy(language, json!({"schema": schema}))).await;
        assert_eq!(fields_of(&result), expected, "{language}");
    }
    let schema = json!({"baseSelector": "//div[@class='item'][p]", "fields": [{"name": "n", "selector": "//h2", "type": "text"}]});
    let result = crawled(&server, PAGE, strategy("JsonXPathExtractionStrategy", json!({"schema": schema}))).await;
    assert_eq!(fields_of(&result), json!([{"n": "Desk lamp"}]));
    let params = json!({"pattern": 8, "custom": {"lamp": "\\w+ lamp"}, "input_format": "text"});
    let found = fields_of(&crawled(&server, PAGE, strategy("RegexExtractionStrategy", params)).await);
    let labels: Vec<_> = found.as_array().unwrap().iter().map(|found| &found["value"]).collect();
    assert_eq!(labels, ["Desk lamp", "Floor lamp"]);
}

#[actix_web::test]
async fn invalid_selectors_are_rejected_with_their_location() {
    let server = TestServer::start().await;
    let schema = json!({"baseSelector": "div", "fields": [{"name": "a", "selector": "p[", "type": "text"}]});
    let strategy = json!({"type": "JsonCssExtractionStrategy", "params": {"schema": schema}});
    let config = json!({"excluded_selector": "::", "extraction_strategy": strategy});
    let (status, response) = server.post("/crawl/job", json!({"urls": [PAGE], "crawler_config": config})).await;
    assert_eq!(status, 422);
    let locations: Vec<_> = response["detail"].as_array().unwrap().iter().map(|error| error["loc"].clone()).collect();
    let field = json!(["body", "crawler_config", "extraction_strategy", "schema", "fields", 0, "selector"]);
    assert!(locations.contains(&field), "{response}");
    assert!(locations.contains(&json!(["body", "crawler_config", "excluded_selector"])), "{response}");
}

async fn site(request: HttpRequest) -> HttpResponse {
    let page = match request.path() {
        "/robots.txt" => "User-agent: *\nDisallow: /private",
        _ => "<p>A page</p>",
    };
    HttpResponse::Ok().content_type("text/html").body(page)
}

#[actix_web::test]
async fn robots_txt_applies_by_job_or_by_configuration() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let base = format!("http://{}", listener.local_addr().expect("it is bound"));
    let app = || App::new().default_service(web::to(site));
    actix_web::rt::spawn(
        HttpServer::new(app).workers(1).disable_signals().listen(listener).expect("it is bound").run(),
    );
    let (open, private) = (format!("{base}/open"), format!("{base}/private"));
    let both = |config: Value| json!({"urls": [open, private], "crawler_config": config});
    let denied = |response: &Value| {
        let results = response["results"].as_array().unwrap();
        assert_eq!(results[0]["success"], true, "{response}");
        results[1]["error_message"] == "Access denied by robots.txt" && results[1]["status_code"] == 403
    };
    let server = TestServer::start().await;
    assert!(denied(&server.post("/crawl", both(json!({"check_robots_txt": true}))).await.1));
    assert!(!denied(&server.post("/crawl", both(json!({}))).await.1));
    let respecting =
        TestServer::with_config("crawler:\n  respect_robots: true\n  contact_url: https://me.example/bot\n").await;
    assert!(denied(&respecting.post("/crawl", both(json!({}))).await.1));
}
