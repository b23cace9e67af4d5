//! Checkpoints of an extraction: the page's text and each model response, so a later attempt repeats no work.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::domain::usage::Usage;
use crate::ports::{Message, ModelResponse, Role};

/// The checkpoint with the text that data is extracted from.
pub const PAGE: &str = "page";
/// The checkpoint with the text whose main content is selected.
pub const WHOLE_PAGE: &str = "whole page";

/// Begins the names of the checkpoints of one page of a crawl.
pub fn page_prefix(index: u32) -> String {
    format!("page {index}: ")
}

/// The page of a crawl whose checkpoint has this name.
pub fn page_of(name: &str) -> Option<u32> {
    name.strip_prefix("page ")?.split_once(": ")?.0.parse().ok()
}

/// Whether the checkpoint is a model response.
fn is_response(name: &str) -> bool {
    !name.split(": ").last().is_some_and(|name| [PAGE, WHOLE_PAGE].contains(&name))
}

/// A request independent of the model that responds.
pub struct Prompt {
    /// The readable part of the checkpoint's name.
    pub label: String,
    pub system: Arc<str>,
    pub messages: Vec<Message>,
    pub schema: Option<Arc<Value>>,
    /// An earlier response did not conform.
    pub is_repair: bool,
}

impl Prompt {
    /// The name of the response's checkpoint: the same in every attempt and version, different for each prompt.
    pub fn checkpoint_name(&self) -> String {
        let mut hash = Sha256::new();
        let mut update = |text: &str| {
            hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
            hash.update(text);
        };
        update(&self.system);
        for message in &self.messages {
            update(match message.role {
                Role::User => "user",
                Role::Assistant => "assistant",
            });
            update(&message.text);
        }
        let hash = hash.finalize().iter().take(16).fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        format!("{} {hash}", self.label)
    }
}

/// A model response as a checkpoint.
#[derive(Serialize, Deserialize)]
pub struct ResponseCheckpoint {
    pub family: String,
    pub is_repair: bool,
    pub response: ModelResponse,
}

impl ResponseCheckpoint {
    pub fn parse(stored: &[u8]) -> Option<Self> {
        serde_json::from_slice(stored).ok()
    }

    pub fn add_to(&self, usage: &mut Usage) {
        usage.add(self.response.prompt_tokens, self.response.completion_tokens);
        usage.repairs += u32::from(self.is_repair);
        usage.provider = Some(self.family.clone());
        usage.model = Some(self.response.model.clone());
    }
}

/// The usage of all model responses among these checkpoints.
pub fn usage_of(checkpoints: &[(String, Bytes)]) -> Usage {
    let mut usage = Usage::default();
    responses(checkpoints).for_each(|(_, response)| response.add_to(&mut usage));
    usage
}

/// The usage of the model responses for each page of a crawl.
pub fn usage_by_page(checkpoints: &[(String, Bytes)]) -> HashMap<u32, Usage> {
    let mut pages = HashMap::new();
    for (name, response) in responses(checkpoints) {
        if let Some(page) = page_of(name) {
            response.add_to(pages.entry(page).or_default());
        }
    }
    pages
}

fn responses(checkpoints: &[(String, Bytes)]) -> impl Iterator<Item = (&str, ResponseCheckpoint)> {
    let responses = checkpoints.iter().filter(|(name, _)| is_response(name));
    responses.filter_map(|(name, value)| Some((name.as_str(), ResponseCheckpoint::parse(value)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(messages: &[(Role, &str)]) -> Prompt {
        let messages = messages.iter().map(|(role, text)| Message { role: *role, text: (*text).to_owned() });
        Prompt {
            label: "page, 0".to_owned(),
            system: "Extract data.".into(),
            messages: messages.collect(),
            schema: None,
            is_repair: false,
        }
    }

    #[test]
    fn only_responses_count_towards_the_usage_of_their_page() {
        let response =
            ModelResponse { text: "x".to_owned(), model: "m".to_owned(), prompt_tokens: 100, completion_tokens: 10 };
        let response = ResponseCheckpoint { family: "openai".to_owned(), is_repair: false, response };
        let value = Bytes::from(serde_json::to_vec(&response).unwrap());
        let names = [
            "page",
            "page 1: page",
            "page 1: whole page",
            "page 1: page, 0 ab",
            "page 12: page, 0 cd",
            "page 12: page, 1 ef",
            "x",
        ];
        let checkpoints: Vec<_> = names.map(|name| (name.to_owned(), value.clone())).into();
        let pages = usage_by_page(&checkpoints);
        assert_eq!((pages.len(), pages[&1].requests, pages[&12].total_tokens), (2, 1, 220));
        assert_eq!(usage_of(&checkpoints).requests, 4);
        assert_eq!((page_of(&page_prefix(7)), page_of("page, 0 ab")), (Some(7), None));
    }

    #[test]
    fn checkpoint_name_is_stable() {
        let name = prompt(&[(Role::User, "the title")]).checkpoint_name();
        assert_eq!(name, "page, 0 670b165a7f2ddc721affc5306534ab02");
    }

    #[test]
    fn checkpoint_name_differs_for_each_prompt() {
        let prompts = [
            vec![(Role::User, "ab")],
            vec![(Role::Assistant, "ab")],
            vec![(Role::User, "a"), (Role::User, "b")],
            vec![(Role::User, "a"), (Role::Assistant, "b")],
        ];
        let mut names: Vec<_> = prompts.iter().map(|messages| prompt(messages).checkpoint_name()).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), prompts.len());
    }
}
