//! The programs in `examples/`: each in Python and in TypeScript, each with data in the webhook and without.

use serde_json::{Value, json};
use tokio::process::Command;

use crate::programs::{Program, Workshop, file, output};
use crate::providers::Providers;
use crate::support::{TestServer, TestSite};
use crate::{id, server_with_a_model};

const SIGNED: &str = "webhooks: {secrets: [whsec_c2VjcmV0]}";

/// A program by its name, in a language by its file's ending.
async fn example(workshop: &Workshop, name: &str, language: &str) -> Command {
    let script = file("examples").join(name).with_extension(language);
    if language == "py" { workshop.python(&script) } else { workshop.typescript(&script).await }
}

async fn submit(server: &TestServer, path: &str, job: &Value) -> String {
    let (status, answer) = server.post(path, job.clone()).await;
    assert_eq!(status, 202, "{answer}");
    answer["task_id"].as_str().expect("an id").to_owned()
}

/// A receiver has its webhook before the server knows; sending again means nothing until then.
async fn until_delivered(server: &TestServer, job: &str) {
    while server.get(&format!("/crawl/job/{job}")).await.1["webhook"]["state"] != "delivered" {}
}

/// It tells apart both kinds of job and whether they failed, gets their data from the webhook or the server, does nothing
/// twice, and believes nobody else.
async fn a_receiver_works(language: &str) {
    let (site, providers, workshop) = (TestSite::start(), Providers::start(), Workshop::open());
    let server = server_with_a_model(&providers, SIGNED).await;
    let mut receiver = example(&workshop, "receiver", language).await;
    receiver.env("WEBHOOK_SECRET", "whsec_c2VjcmV0").env("OPILIO", server.base()).arg("0");
    let mut receiver = Program::start(&mut receiver);
    let base = receiver.says().await.replace("listening on ", "");
    let (page, missing) = (site.url("/article"), site.url("/missing"));
    for data in [true, false] {
        let webhook = json!({"webhook_url": base, "webhook_data_in_payload": data});
        let crawl = json!({"urls": ["raw:<p>Hi", missing], "webhook_config": webhook});
        let job = submit(&server, "/crawl/job", &crawl).await;
        assert_eq!(receiver.says().await, format!("crawl {job} completed"));
        assert_eq!(receiver.says().await, "  raw:<p>Hi: 3 characters");
        assert_eq!(receiver.says().await, format!("  {missing}: HTTP 404 Not Found"));
        let extraction = json!({"url": page, "q": "the title", "webhook_config": webhook});
        let job = submit(&server, "/llm/job", &extraction).await;
        assert_eq!(receiver.says().await, format!("llm_extraction {job} completed"));
        assert_eq!(receiver.says().await.replace(": ", ":"), "  {\"title\":\"T\"}");
        let failing = json!({"urls": [missing], "webhook_config": webhook});
        let job = submit(&server, "/crawl/job", &failing).await;
        assert_eq!(receiver.says().await, format!("crawl {job} failed HTTP 404 Not Found"));
        until_delivered(&server, &job).await;
        let (status, _) = server.post(&format!("/jobs/{job}/deliveries"), json!({})).await;
        assert_eq!(status, 202);
        assert!(receiver.says().await.starts_with("again "));
    }
    for (id, time, signature) in [("msg_x", "1", "v1,x"), ("", "", "")] {
        let forged = server.client().post(&base).body("{}").header("webhook-id", id);
        let forged = forged.header("webhook-timestamp", time).header("webhook-signature", signature);
        assert_eq!(forged.send().await.expect("it answers").status().as_u16(), 401);
    }
}

#[actix::test]
async fn the_python_receiver_works_for_both_kinds_of_job_and_believes_nobody_else() {
    a_receiver_works("py").await;
}

#[actix::test]
async fn the_typescript_receiver_works_for_both_kinds_of_job_and_believes_nobody_else() {
    a_receiver_works("ts").await;
}

/// It says how each page went, and what came of the job; a receiver is told as well.
async fn a_crawl_is_followed(language: &str) {
    let (site, server, workshop) = (TestSite::start(), TestServer::start().await, Workshop::open());
    let (page, missing) = (site.url("/article"), site.url("/missing"));
    for data in [true, false] {
        let mut command = example(&workshop, "crawl_job", language).await;
        command.args([&page, &missing]).env("OPILIO", server.base()).env("RECEIVER", site.webhook_url());
        if !data {
            command.env("NO_DATA", "1");
        }
        let said = output(&mut command).await;
        let mut lines: Vec<_> = said.lines().map(str::trim_end).collect();
        // The pages are crawled side by side.
        lines[1..3].sort_unstable();
        let submitted = format!("submitted {}", id(&said, "submitted"));
        let (crawled, failed) = (format!("crawled {page}"), format!("failed {missing} HTTP 404 Not Found"));
        let found = format!("{page}: The page, 1 links");
        assert_eq!(lines, [&submitted, &crawled, &failed, "completed", &found]);
        let next_webhook = site.next_webhook().await.body;
        assert_eq!(
            (next_webhook["task_id"].as_str(), next_webhook.get("data").is_some()),
            (Some(id(&said, "submitted")), data)
        );
    }
}

#[actix::test]
async fn the_python_program_follows_its_crawl() {
    a_crawl_is_followed("py").await;
}

#[actix::test]
async fn the_typescript_program_follows_its_crawl() {
    a_crawl_is_followed("ts").await;
}

/// It submits an LLM job and listens for its end.
async fn an_extraction_gets_its_data(language: &str) {
    let (site, providers, workshop) = (TestSite::start(), Providers::start(), Workshop::open());
    let server = server_with_a_model(&providers, "").await;
    for data in [true, false] {
        let mut command = example(&workshop, "llm_job", language).await;
        command.arg(site.url("/article")).env("OPILIO", server.base());
        if !data {
            command.env("NO_DATA", "1");
        }
        let said = output(&mut command).await;
        assert!(id(&said, "submitted").starts_with("llm_"), "{said}");
        assert_eq!(id(&said, "extracted").replace(": ", ":"), "{\"title\":\"T\"}");
    }
}

#[actix::test]
async fn the_python_program_gets_its_extraction() {
    an_extraction_gets_its_data("py").await;
}

#[actix::test]
async fn the_typescript_program_gets_its_extraction() {
    an_extraction_gets_its_data("ts").await;
}
