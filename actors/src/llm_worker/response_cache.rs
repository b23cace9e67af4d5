//! Extracted content that is used again for the same page, instruction, schema, model and temperature.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

/// What has to be the same. The whole of it is compared: a digest would let one page's content pass for another's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Same {
    pub page: String,
    pub instruction: String,
    pub schema: Option<String>,
    pub model: String,
    /// The bits of the number.
    pub temperature: Option<u64>,
}

/// How much is kept, in this process's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerCache {
    /// Of what was asked and of what was answered.
    pub max_bytes: usize,
    pub keep: Duration,
}

/// Content that conformed.
#[derive(Clone, Debug, PartialEq)]
pub struct Content {
    pub value: Value,
    /// Said about it.
    pub notes: Vec<String>,
}

/// The newest answers.
pub struct Answers {
    bounds: Option<AnswerCache>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    contents: HashMap<Arc<Same>, (Instant, Content)>,
    order: VecDeque<(Arc<Same>, usize)>,
    bytes: usize,
}

impl Answers {
    /// `None`: nothing is kept.
    pub fn new(bounds: Option<AnswerCache>) -> Self {
        Self { bounds: bounds.filter(|bounds| bounds.max_bytes > 0), kept: Mutex::default() }
    }

    pub fn find(&self, same: &Same) -> Option<Content> {
        let bounds = self.bounds?;
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, content) = kept.contents.get(same)?;
        (since.elapsed() < bounds.keep).then(|| content.clone())
    }

    pub fn keep(&self, same: Same, content: &Content) {
        let Some(bounds) = self.bounds else { return };
        let same = Arc::new(same);
        let size = same.size() + content.size();
        if size > bounds.max_bytes {
            return;
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.contents.insert(Arc::clone(&same), (Instant::now(), content.clone())).is_none() {
            kept.order.push_back((same, size));
            kept.bytes += size;
        }
        while kept.bytes > bounds.max_bytes
            && let Some((oldest, size)) = kept.order.pop_front()
        {
            kept.contents.remove(&oldest);
            kept.bytes -= size;
        }
    }
}

impl Same {
    fn size(&self) -> usize {
        let Self { page, instruction, schema, model, .. } = self;
        page.len() + instruction.len() + schema.as_ref().map_or(0, String::len) + model.len() + size_of::<Self>()
    }
}

impl Content {
    fn size(&self) -> usize {
        self.value.to_string().len() + self.notes.iter().map(String::len).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(page: &str) -> Same {
        let (instruction, model) = ("the title".to_owned(), "openai/x".to_owned());
        Same { page: page.to_owned(), instruction, schema: None, model, temperature: None }
    }

    fn content(text: &str) -> Content {
        Content { value: text.into(), notes: vec![] }
    }

    #[tokio::test(start_paused = true)]
    async fn the_newest_answers_are_found_while_they_are_fresh() {
        let keep = Duration::from_secs(60);
        let room_for_two = 2 * (same("a").size() + content("a").size());
        let answers = Answers::new(Some(AnswerCache { max_bytes: room_for_two, keep }));
        answers.keep(same(&"x".repeat(room_for_two)), &content("x"));
        for page in ["a", "b", "c"] {
            answers.keep(same(page), &content(page));
        }
        assert_eq!((answers.find(&same("a")), answers.find(&same("c"))), (None, Some(content("c"))));
        tokio::time::advance(keep).await;
        assert_eq!(answers.find(&same("c")), None);
    }

    #[tokio::test]
    async fn nothing_is_kept_unless_it_is_asked_for() {
        let answers = Answers::new(None);
        answers.keep(same("a"), &content("a"));
        assert_eq!(answers.find(&same("a")), None);
    }
}
