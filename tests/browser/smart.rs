//! The engine `smart`: over HTTP, and in the browser if the page is rendered by scripts.

use serde_json::{Value, json};

use super::pages::APP;
use super::site::{Response, Site, html};
use super::support::TestServer;
use super::{browser_processes, crawl, markdown};

const ARTICLE: &str = "<!DOCTYPE html><title>Article</title><h1>Article</h1><p>It has text that a server wrote, more than \
    enough of it for a page without scripts.</p>";

/// An application that loads its script and its data, and renders them 1.5 s later.
const LATE_APP: &str = "<!DOCTYPE html><title>Late</title><noscript>You need to enable JavaScript to run this app.</noscript>\
    <div id=root></div><script src=/late.js></script>";
const LATE_SCRIPT: &str = "addEventListener('load', () => setTimeout(async () => {
    const data = await (await fetch('/data')).json(); root.innerHTML = `<h1>${data.title}</h1>` }, 1500))";

fn site() -> Site {
    Site::start(|path| match path {
        "/article" => Some(html(ARTICLE)),
        "/app" => Some(html(APP)),
        "/late" => Some(html(LATE_APP)),
        "/late.js" => Some(Response(200, vec![("content-type", "text/javascript".to_owned())], LATE_SCRIPT.to_owned())),
        "/data" => Some(Response(
            200,
            vec![("content-type", "application/json".to_owned())],
            r#"{"title": "Loaded"}"#.to_owned(),
        )),
        "/redirecting" => Some(html("<script>location.href = '/article'</script>Redirecting")),
        "/condition" => Some(html(format!(
            "{ARTICLE}<script>setTimeout(() => document.body.innerHTML += '<i class=x>Added</i>', 300)</script>"
        ))),
        _ => None,
    })
}

#[actix::test]
async fn only_pages_that_scripts_render_are_opened_in_the_browser() {
    let (site, server) = (site(), TestServer::start().await);
    let page = crawl(&server, &site.url("/article"), json!({})).await;
    assert_eq!(
        (&page["engine"], &page["engine_reason"], &page["warnings"]),
        (&json!("http"), &Value::Null, &json!([]))
    );
    let met = crawl(&server, &site.url("/article"), json!({"wait_for": "h1"})).await;
    assert_eq!(met["engine"], "http", "{met}");
    assert_eq!(browser_processes(&server), Vec::<u32>::new());
    for (path, config, reason, text) in [
        ("/app", json!({}), "app_shell", "Rendered"),
        ("/redirecting", json!({"engine": "smart"}), "script_redirect", "Article"),
        ("/condition", json!({"wait_for": "css:.x"}), "wait_for", "Added"),
    ] {
        let page = crawl(&server, &site.url(path), config).await;
        assert_eq!((&page["engine"], &page["engine_reason"]), (&json!("browser"), &json!(reason)), "{page}");
        assert!(markdown(&page).contains(text), "{path}: {page}");
    }
}

#[actix::test]
async fn application_that_renders_late_is_read_complete() {
    let config = "browser: {settle_timeout: 60s}";
    let (site, server) = (site(), TestServer::with_config(config).await);
    let page = crawl(&server, &site.url("/late"), json!({})).await;
    assert_eq!(markdown(&page).trim(), "# Loaded", "{page}");
}

#[actix::test]
async fn without_a_browser_pages_that_need_one_have_a_warning() {
    let (site, server) = (site(), TestServer::with_config("browser: {tabs: 0}").await);
    for engine in [json!(null), json!("http"), json!("smart")] {
        let page = crawl(&server, &site.url("/app"), json!({"engine": engine})).await;
        assert_eq!((&page["engine"], &page["success"]), (&json!("http"), &json!(true)), "{page}");
        let warning = page["warnings"][0].as_str().unwrap_or_default();
        assert!(warning.contains("app_shell") && warning.contains("no browser"), "{page}");
        let article = crawl(&server, &site.url("/article"), json!({"engine": engine})).await;
        assert_eq!(article["warnings"], json!([]), "{article}");
    }
    let body = json!({"urls": [site.url("/app")], "crawler_config": {"engine": "browser"}});
    for path in ["/crawl/job", "/crawl"] {
        let (status, response) = server.post(path, body.clone()).await;
        assert_eq!(status, 400, "{response}");
        assert!(response.to_string().contains("apt-get install chromium-headless-shell"), "{response}");
    }
}

#[actix::test]
async fn other_routes_use_the_engines() {
    let (site, server) = (site(), TestServer::start().await);
    let (status, page) = server.post("/md", json!({"url": site.url("/app"), "f": "raw"})).await;
    assert!(status == 200 && page["markdown"].as_str().unwrap_or_default().contains("Rendered"), "{page}");
    let (status, page) = server.post("/html", json!({"url": site.url("/app"), "engine": "browser"})).await;
    assert!(status == 200 && page["html"].as_str().unwrap_or_default().contains("Rendered"), "{page}");
    let (status, page) = server.post("/md", json!({"url": site.url("/app"), "f": "raw", "engine": "http"})).await;
    assert!(status == 200 && !page["markdown"].as_str().unwrap_or_default().contains("Rendered"), "{page}");
    let (status, response) = server.post("/md", json!({"url": site.url("/app"), "engine": "none"})).await;
    assert!(status == 422 && response.to_string().contains("http, smart or browser"), "{response}");
}
