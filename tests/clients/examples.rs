//! The programs in `examples/`, each in Python and TypeScript, each with and without data in the webhook.

use serde_json::{Value, json};
use tokio::process::Command;

use crate::programs::{Program, Workshop, file, output};
use crate::providers::Providers;
use crate::support::{TestServer, TestSite};
use crate::{id, server_with_a_model};

const SIGNED: &str = "webhooks: {secrets: [whsec_c2VjcmV0]}";

/// The program of this name in the language with this file extension.
async fn example(workshop: &Workshop, name: &str, language: &str) -> Command {
    let script = file("examples").join(name).with_extension(language);
    if language == "py" { workshop.python(&script) } else { workshop.typescript(&script).await }
}

async fn submit(server: &TestServer, path: &str, job: &Value) -> String {
    let (status, response) = server.post(path, job.clone()).await;
    assert_eq!(status, 202, "{response}");
    response["task_id"].as_str().expect("an id").to_owned()
}

/// The receiver distinguishes job kinds and failures, reads the data from the webhook or the API, recognises a repeated
/// webhook, and rejects a wrong signature.
async fn check_receiver(language: &str) {
    let (site, providers, workshop) = (TestSite::start(), Providers::start(), Workshop::open());
    let server = server_with_a_model(&providers, SIGNED).await;
    let mut receiver = example(&workshop, "receiver", language).await;
    receiver.env("WEBHOOK_SECRET", "whsec_c2VjcmV0").env("OPILIO", server.base()).arg("0");
    let mut receiver = Program::start(&mut receiver);
    let base = receiver.next_line().await.replace("listening on ", "");
    let (page, missing) = (site.url("/article"), site.url("/missing"));
    for data in [true, false] {
        let webhook = json!({"webhook_url": base, "webhook_data_in_payload": data});
        let crawl = json!({"urls": ["raw:<p>Hi", missing], "webhook_config": webhook});
        let job = submit(&server, "/crawl/job", &crawl).await;
        assert_eq!(receiver.next_line().await, format!("crawl {job} completed"));
        assert_eq!(receiver.next_line().await, "  raw:<p>Hi: 3 characters");
        assert_eq!(receiver.next_line().await, format!("  {missing}: HTTP 404 Not Found"));
        let extraction = json!({"url": page, "q": "the title", "webhook_config": webhook});
        let job = submit(&server, "/llm/job", &extraction).await;
        assert_eq!(receiver.next_line().await, format!("llm_extraction {job} completed"));
        assert_eq!(receiver.next_line().await.replace(": ", ":"), "  {\"title\":\"T\"}");
        let failing = json!({"urls": [missing], "webhook_config": webhook});
        let job = submit(&server, "/crawl/job", &failing).await;
        assert_eq!(receiver.next_line().await, format!("crawl {job} failed HTTP 404 Not Found"));
        // The receiver has the webhook before the server records the delivery.
        server.wait_for_webhook_state(&job, "delivered").await;
        let (status, _) = server.post(&format!("/jobs/{job}/deliveries"), json!({})).await;
        assert_eq!(status, 202);
        assert!(receiver.next_line().await.starts_with("repeated "));
    }
    for (id, time, signature) in [("msg_x", "1", "v1,x"), ("", "", "")] {
        let forged = server.client().post(&base).body("{}").header("webhook-id", id);
        let forged = forged.header("webhook-timestamp", time).header("webhook-signature", signature);
        assert_eq!(forged.send().await.expect("the server responds").status().as_u16(), 401);
    }
}

#[actix::test]
async fn python_receiver_handles_both_job_kinds_and_verifies_signatures() {
    check_receiver("py").await;
}

#[actix::test]
async fn typescript_receiver_handles_both_job_kinds_and_verifies_signatures() {
    check_receiver("ts").await;
}

/// The program prints each page's outcome and the job's result; a webhook is sent as well.
async fn check_crawl_job(language: &str) {
    let (site, server, workshop) = (TestSite::start(), TestServer::start().await, Workshop::open());
    let (page, missing) = (site.url("/article"), site.url("/missing"));
    for data in [true, false] {
        let mut command = example(&workshop, "crawl_job", language).await;
        command.args([&page, &missing]).env("OPILIO", server.base()).env("RECEIVER", site.webhook_url());
        if !data {
            command.env("NO_DATA", "1");
        }
        let printed = output(&mut command).await;
        let mut lines: Vec<_> = printed.lines().map(str::trim_end).collect();
        // The pages are crawled concurrently.
        lines[1..3].sort_unstable();
        let submitted = format!("submitted {}", id(&printed, "submitted"));
        let (crawled, failed) = (format!("crawled {page}"), format!("failed {missing} HTTP 404 Not Found"));
        let found = format!("{page}: The page, 1 links");
        assert_eq!(lines, [&submitted, &crawled, &failed, "completed", &found]);
        let received = site.next_webhook().await.body;
        assert_eq!(
            (received["task_id"].as_str(), received.get("data").is_some()),
            (Some(id(&printed, "submitted")), data)
        );
    }
}

#[actix::test]
async fn python_program_follows_its_crawl_job() {
    check_crawl_job("py").await;
}

#[actix::test]
async fn typescript_program_follows_its_crawl_job() {
    check_crawl_job("ts").await;
}

/// The program submits an LLM job and waits for its webhook.
async fn check_llm_job(language: &str) {
    let (site, providers, workshop) = (TestSite::start(), Providers::start(), Workshop::open());
    let server = server_with_a_model(&providers, "").await;
    for data in [true, false] {
        let mut command = example(&workshop, "llm_job", language).await;
        command.arg(site.url("/article")).env("OPILIO", server.base());
        if !data {
            command.env("NO_DATA", "1");
        }
        let printed = output(&mut command).await;
        assert!(id(&printed, "submitted").starts_with("llm_"), "{printed}");
        assert_eq!(id(&printed, "extracted").replace(": ", ":"), "{\"title\":\"T\"}");
    }
}

#[actix::test]
async fn python_program_gets_its_extraction() {
    check_llm_job("py").await;
}

#[actix::test]
async fn typescript_program_gets_its_extraction() {
    check_llm_job("ts").await;
}
