//! A job that a client wants: it asks under the same key until it is told an id.

use serde_json::{Value, json};

use super::environment::World;
use super::support::TestServer;

pub struct Wish {
    key: String,
    path: &'static str,
    body: Value,
    pub id: Option<String>,
}

/// Three pages; `gated` ones wait for the world's gate.
pub fn crawl(number: usize, gated: bool, world: &World) -> Wish {
    let kind = if gated { "gated" } else { "page" };
    let pages = (0..3).map(|page| world.address(&format!("/{kind}/{number}/{page}")));
    let body = json!({"urls": pages.collect::<Vec<_>>(), "webhook_config": webhook(world)});
    Wish { key: format!("wish-{number}"), path: "/crawl/job", body, id: None }
}

pub fn extraction(number: usize, world: &World) -> Wish {
    let body = json!({"url": world.address(&format!("/page/{number}/0")), "q": format!("question-{number}."),
        "provider": "openai/m", "webhook_config": webhook(world)});
    Wish { key: format!("wish-{number}"), path: "/llm/job", body, id: None }
}

fn webhook(world: &World) -> Value {
    json!({"webhook_url": world.address("/hook"), "webhook_data_in_payload": true})
}

impl Wish {
    /// Until there is an answer; no answer is one that the process died before it gave.
    pub async fn ask(&mut self, server: &TestServer) {
        if self.id.is_none() {
            self.id = self.answer(server).await;
        }
    }

    /// What it is told when it asks, again perhaps.
    pub async fn answer(&self, server: &TestServer) -> Option<String> {
        let (status, answer) = server.try_post_with_key(self.path, &self.key, self.body.clone()).await.ok()?;
        assert!([202, 503].contains(&status), "{answer}");
        answer["task_id"].as_str().map(str::to_owned)
    }

    pub fn pages(&self) -> Vec<String> {
        let urls = self.body["urls"].as_array().into_iter().flatten();
        urls.filter_map(|url| url.as_str().map(str::to_owned)).collect()
    }
}
