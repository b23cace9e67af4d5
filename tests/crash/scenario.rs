//! The jobs of a campaign. Each is submitted with the same idempotency key until the client gets an id.

use serde_json::{Value, json};

use super::environment::Environment;
use super::support::TestServer;

pub struct Submission {
    key: String,
    path: &'static str,
    body: Value,
    pub id: Option<String>,
}

/// A crawl of three pages; `gated` ones wait for the gate of the environment.
pub fn crawl(number: usize, gated: bool, environment: &Environment) -> Submission {
    let kind = if gated { "gated" } else { "page" };
    let pages = (0..3).map(|page| environment.url(&format!("/{kind}/{number}/{page}")));
    let body = json!({"urls": pages.collect::<Vec<_>>(), "webhook_config": webhook(environment)});
    Submission { key: format!("job-{number}"), path: "/crawl/job", body, id: None }
}

pub fn extraction(number: usize, environment: &Environment) -> Submission {
    let body = json!({"url": environment.url(&format!("/page/{number}/0")), "q": format!("question-{number}."),
        "provider": "openai/m", "webhook_config": webhook(environment)});
    Submission { key: format!("job-{number}"), path: "/llm/job", body, id: None }
}

fn webhook(environment: &Environment) -> Value {
    json!({"webhook_url": environment.url("/hook"), "webhook_data_in_payload": true})
}

impl Submission {
    /// Submits the job, unless it already has an id. Without a response it stays without one.
    pub async fn submit(&mut self, server: &TestServer) {
        if self.id.is_none() {
            self.id = self.submit_again(server).await;
        }
    }

    /// Submits the job whether or not it has an id, and returns the id of the response.
    pub async fn submit_again(&self, server: &TestServer) -> Option<String> {
        let (status, response) = server.try_post_with_key(self.path, &self.key, self.body.clone()).await.ok()?;
        assert!([202, 503].contains(&status), "{response}");
        response["task_id"].as_str().map(str::to_owned)
    }

    pub fn pages(&self) -> Vec<String> {
        let urls = self.body["urls"].as_array().into_iter().flatten();
        urls.filter_map(|url| url.as_str().map(str::to_owned)).collect()
    }
}
