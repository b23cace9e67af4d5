//! Extracted content that is used again for the same page, instruction, schema, model and temperature.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
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
    pub most: usize,
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
    contents: HashMap<Same, (Instant, Content)>,
    order: VecDeque<Same>,
}

impl Answers {
    /// `None`: nothing is kept.
    pub fn new(bounds: Option<AnswerCache>) -> Self {
        Self { bounds: bounds.filter(|bounds| bounds.most > 0), kept: Mutex::default() }
    }

    pub fn find(&self, same: &Same) -> Option<Content> {
        let bounds = self.bounds?;
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, content) = kept.contents.get(same)?;
        (since.elapsed() < bounds.keep).then(|| content.clone())
    }

    pub fn keep(&self, same: Same, content: &Content) {
        let Some(bounds) = self.bounds else { return };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.contents.insert(same.clone(), (Instant::now(), content.clone())).is_none() {
            kept.order.push_back(same);
        }
        while kept.order.len() > bounds.most
            && let Some(oldest) = kept.order.pop_front()
        {
            kept.contents.remove(&oldest);
        }
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
        let answers = Answers::new(Some(AnswerCache { most: 2, keep }));
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
