//! The commands and programs that README and `docs/` show, run as printed except for addresses and ports.

use serde_json::{Value, json};
use tokio::process::Command;

use crate::programs::{Program, Workshop, output, shown_in};
use crate::providers::Providers;
use crate::support::{TestServer, TestSite};

/// The first code block of `docs/getting-started.md` in this language that contains `words`.
pub fn shown(language: &str, words: &str) -> String {
    shown_in("docs/getting-started.md", language, words)
}

#[actix::test]
async fn readme_curl_returns_the_printed_fields_and_the_webhook() {
    let (site, server) = (TestSite::start(), TestServer::start().await);
    let curl = shown_in("README.md", "sh", "curl").replace("http://localhost:11235", server.base());
    let curl = curl.replace("https://example.com", &site.url("/article"));
    let curl = curl.replace("http://localhost:8080/hook", &site.webhook_url());
    let answer = output(Command::new("sh").args(["-c", &curl]).env("no_proxy", "*").kill_on_drop(true)).await;
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    let example: Value = serde_json::from_str(&shown_in("README.md", "json", "_links")).expect("JSON");
    let webhook: Value = serde_json::from_str(&shown_in("README.md", "json", "task_type")).expect("JSON");
    let keys = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&answer), keys(&example));
    let received = site.next_webhook().await.body;
    assert_eq!((keys(&received), &received["task_id"]), (keys(&webhook), &answer["task_id"]));
    let (_, status) = server.get_url(answer["_links"]["self"]["href"].as_str().expect("a link")).await;
    assert_eq!(status["status"], "completed");
    assert!(status["results"][0]["markdown"]["raw_markdown"].as_str().is_some_and(|text| text.contains("# A title")));
}

/// Runs a receiver and checks what it prints for a completed and a failed job.
async fn receives_webhooks(mut command: Command) {
    let server = TestServer::start().await;
    let mut receiver = Program::start(&mut command);
    let listening = receiver.next_line().await;
    let port = listening.rsplit(|end: char| !end.is_ascii_digit()).find(|digits| !digits.is_empty());
    let hook = format!("http://127.0.0.1:{}/", port.expect("it says where"));
    let refused = "failed Connection refused by 127.0.0.1:1";
    for (url, outcome) in [("raw:<p>Hi", "completed"), ("http://127.0.0.1:1/", refused)] {
        let crawler = json!({"max_retries": 0});
        let job = json!({"urls": [url], "crawler_config": crawler, "webhook_config": {"webhook_url": hook}});
        let (status, answer) = server.post("/crawl/job", job).await;
        assert_eq!(status, 202, "{answer}");
        let expected = format!("crawl {} {outcome}", answer["task_id"].as_str().expect("an id"));
        assert_eq!(receiver.next_line().await.trim_end(), expected);
    }
}

#[actix::test]
async fn documented_python_receiver_gets_webhooks() {
    let workshop = Workshop::open();
    let script = workshop.write("receiver.py", &shown("python", "HTTPServer").replace("8080", "0"));
    receives_webhooks(workshop.python(&script)).await;
}

#[actix::test]
async fn documented_typescript_receiver_gets_webhooks() {
    let workshop = Workshop::open();
    let script = workshop.write("receiver.ts", &shown("ts", "createServer").replace("8080", "0"));
    receives_webhooks(workshop.typescript(&script).await).await;
}

/// The Flask handler and the TypeScript client of `docs/webhooks.md`, which users copied from Crawl4AI's documentation.
#[actix::test]
async fn documented_flask_handler_and_typescript_client_work_together() {
    let (site, providers, workshop) = (TestSite::start(), Providers::start(), Workshop::open());
    let server = crate::server_with_a_model(&providers, "").await;
    let handler = shown_in("docs/webhooks.md", "python", "flask").replace("http://localhost:11235", server.base());
    let handler = handler.replace("app.run(port=8080)", "from werkzeug.serving import make_server\n    \
        server = make_server('127.0.0.1', 0, app)\n    print(server.server_port, flush=True)\n    server.serve_forever()");
    let script = workshop.write("handler.py", &handler);
    let mut handler = Program::start(workshop.python(&script).env("PYTHONUNBUFFERED", "1"));
    let port = handler.next_line().await.trim().to_owned();
    let client = shown_in("docs/webhooks.md", "ts", "createCrawlJob").replace("http://localhost:11235", server.base());
    let client = client.replace("https://myapp.com", &format!("http://127.0.0.1:{port}"));
    let client = client.replace("llm-complete", "crawl-complete").replace("openai/gpt-4o-mini", "openai/good");
    let client = client.replace("https://example.com/article", &site.url("/article"));
    let client = client.replace("https://example.com", &site.url("/article"));
    let script = workshop.write("client.ts", &format!("{client}\nconsole.log(crawlTaskId, llmTaskId);\n"));
    let submitted = output(&mut workshop.typescript(&script).await).await;
    let (crawl, llm) = submitted.trim().split_once(' ').expect("two ids");
    let page = site.url("/article");
    let mut expected = vec![
        format!("Processing crawl results for {crawl}"),
        format!("  - {page}: "),
        format!("Processing LLM extraction for {llm}"),
        "  - Extracted: ".to_owned(),
    ];
    expected.sort();
    let mut printed = handler.next_lines_sorted(expected.len()).await;
    printed.sort();
    for (printed, expected) in printed.iter().zip(&expected) {
        assert!(printed.starts_with(expected.as_str()), "{printed} instead of {expected}");
    }
}
