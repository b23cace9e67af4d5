//! What the README shows, done as it is printed there, but for addresses and ports.

use serde_json::{Value, json};
use tokio::process::Command;

use crate::programs::{Program, Workshop, output, shown_in};
use crate::support::{Server, TestSite};

/// The first piece of the README in this language that holds these words.
pub fn shown(language: &str, words: &str) -> String {
    shown_in("README.md", language, words)
}

#[actix::test]
async fn the_curl_of_the_readme_gets_what_is_shown_and_then_the_page() {
    let (site, server) = (TestSite::start(), Server::start().await);
    let curl = shown("sh", "curl").replace("http://localhost:11235", server.base());
    let curl = curl.replace("https://example.com", &site.page("/article"));
    let curl = curl.replace("http://localhost:8080/hook", &site.hook());
    let answer = output(Command::new("sh").args(["-c", &curl]).env("no_proxy", "*").kill_on_drop(true)).await;
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    let example: Value = serde_json::from_str(&shown("json", "task_id")).expect("JSON");
    let keys = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&answer), keys(&example));
    assert_eq!(site.next_webhook().await.body["task_id"], answer["task_id"]);
    let (_, status) = server.get_url(answer["_links"]["self"]["href"].as_str().expect("a link")).await;
    assert_eq!(status["status"], "completed");
    assert!(status["results"][0]["markdown"]["raw_markdown"].as_str().is_some_and(|text| text.contains("# A title")));
}

/// The receiver is told of a job that completed and of one that failed.
async fn is_told(mut command: Command) {
    let server = Server::start().await;
    let mut receiver = Program::start(&mut command);
    let listening = receiver.says().await;
    let port = listening.rsplit(|end: char| !end.is_ascii_digit()).find(|digits| !digits.is_empty());
    let hook = format!("http://127.0.0.1:{}/", port.expect("it says where"));
    let refused = "failed Connection refused by 127.0.0.1:1";
    for (url, outcome) in [("raw:<p>Hi", "completed"), ("http://127.0.0.1:1/", refused)] {
        let crawler = json!({"max_retries": 0});
        let job = json!({"urls": [url], "crawler_config": crawler, "webhook_config": {"webhook_url": hook}});
        let (status, answer) = server.post("/crawl/job", job).await;
        assert_eq!(status, 202, "{answer}");
        let expected = format!("crawl {} {outcome}", answer["task_id"].as_str().expect("an id"));
        assert_eq!(receiver.says().await.trim_end(), expected);
    }
}

#[actix::test]
async fn the_python_receiver_of_the_readme_is_told() {
    let workshop = Workshop::open();
    let script = workshop.write("receiver.py", &shown("python", "HTTPServer").replace("8080", "0"));
    is_told(workshop.python(&script)).await;
}

#[actix::test]
async fn the_typescript_receiver_of_the_readme_is_told() {
    let workshop = Workshop::open();
    let script = workshop.write("receiver.ts", &shown("ts", "createServer").replace("8080", "0"));
    is_told(workshop.typescript(&script).await).await;
}
