//! A site with a huge robots.txt and redirects to long URLs, and URLs that are too long.

use actix_web::{App, HttpResponse, HttpServer, web};
use serde_json::{Value, json};

use crate::support::TestServer;

/// The address of a site whose robots.txt has 30,000 rules for every agent.
fn site() -> String {
    let rules = format!("User-agent: *\nDisallow: /denied\n{}", "Disallow: /*a*b*c\n".repeat(27_000));
    let server = HttpServer::new(move || {
        let rules = rules.clone();
        let robots = move || {
            let rules = rules.clone();
            async move { HttpResponse::Ok().content_type("text/plain").body(rules) }
        };
        let moved = || async {
            let location = format!("/{}", "a".repeat(300_000));
            HttpResponse::Found().insert_header(("location", location)).finish()
        };
        let page = || async { HttpResponse::Ok().content_type("text/html").body("<p>page") };
        App::new()
            .route("/robots.txt", web::get().to(robots))
            .route("/moved", web::get().to(moved))
            .default_service(web::get().to(page))
    });
    let server = server.workers(1).disable_signals().bind(("127.0.0.1", 0)).expect("a free port");
    let address = format!("http://{}", server.addrs()[0]);
    actix::spawn(server.run());
    address
}

#[actix::test]
async fn huge_robots_txt_is_obeyed_and_long_redirects_fail() {
    let (server, site) = (TestServer::start().await, site());
    let long = format!("{site}/{}", "a".repeat(8_000));
    let urls = [format!("{site}/page"), format!("{site}/denied"), format!("{site}/moved"), long];
    let request = json!({"urls": urls, "crawler_config": {"check_robots_txt": true}});
    let (status, job) = server.post("/crawl/job", request).await;
    assert_eq!(status, 202, "{job}");
    let job = server.wait_until_settled(job["task_id"].as_str().expect("an id")).await;
    let errors: Vec<&Value> = (0..4).map(|n| &job["results"][n]["error_message"]).collect();
    let long_redirect = "Redirect to a URL longer than 8192 bytes";
    assert_eq!(errors, ["", "Access denied by robots.txt", long_redirect, ""]);
}

#[actix::test]
async fn url_longer_than_8_kib_is_rejected_but_not_raw_html() {
    let server = TestServer::start().await;
    let long = format!("https://a.example/{}", "a".repeat(8_192));
    for (path, request) in [
        ("/crawl/job", json!({"urls": [long]})),
        ("/crawl", json!({"urls": [long]})),
        ("/llm/job", json!({"url": long, "q": "x"})),
    ] {
        let (status, response) = server.post(path, request).await;
        assert_eq!((status, &response["detail"][0]["type"]), (422, &json!("url_too_long")), "{path}: {response}");
    }
    let (status, response) = server.post("/md", json!({"url": long})).await;
    assert_eq!((status, &response["errors"][0]["type"]), (400, &json!("url_too_long")), "{response}");
    let raw = format!("raw:<p>{}", "a".repeat(100_000));
    assert_eq!(server.post("/crawl/job", json!({"urls": [raw]})).await.0, 202);
}

#[actix::test]
async fn metrics_contain_the_lag_of_the_actor_loop() {
    let server = TestServer::start().await;
    let metrics = server.client().get(format!("{}/metrics", server.base())).send().await.expect("it responds");
    let metrics = metrics.text().await.expect("text");
    assert!(metrics.contains("\nopilio_actor_loop_lag_seconds "), "{metrics}");
}
