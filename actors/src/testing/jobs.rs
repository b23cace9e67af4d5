//! Jobs, pages and webhooks for tests.

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;

use crate::domain::crawl::{CrawlSpec, Exchange, PageRecord, PageResult};
use crate::domain::extraction::ExtractionSpec;
use crate::domain::id::{JobId, NodeId, Principal};
use crate::domain::job::JobSpec;
use crate::domain::kind::JobKind;
use crate::domain::task::Task;
use crate::domain::webhook::Target;
use crate::kinds::{CRAWL, LLM_EXTRACTION};
use crate::ports::{Idempotency, NewJob};

/// A crawl of `pages` pages, with a webhook.
pub fn crawl(pages: usize) -> NewJob {
    let spec = JobSpec {
        task: Task::new(CrawlSpec {
            urls: (0..pages).map(|n| format!("https://example.com/{n}")).collect(),
            ..CrawlSpec::default()
        }),
        webhook: Some(target("http://receiver.example/hook")),
        warnings: vec![],
        interactive: false,
    };
    NewJob { id: fresh_id(), principal: Principal::anonymous(), max_open: None, spec, idempotency: None }
}

/// An extraction with a webhook.
pub fn extraction(instruction: &str) -> NewJob {
    let spec = JobSpec {
        task: Task::new(ExtractionSpec {
            url: "https://example.com/article".to_owned(),
            instruction: instruction.to_owned(),
            schema: None,
            provider: Some("openai/test".to_owned()),
            temperature: None,
            cache: false,
            engine: None,
        }),
        webhook: Some(target("http://receiver.example/hook")),
        warnings: vec![],
        interactive: false,
    };
    NewJob { id: next_id(LLM_EXTRACTION), principal: Principal::anonymous(), max_open: None, spec, idempotency: None }
}

pub fn target(url: &str) -> Target {
    Target { url: url.parse().expect("a valid URL"), headers: vec![], data_in_payload: false, trusted: false }
}

/// An id that no other job of this process has.
pub fn fresh_id() -> JobId {
    next_id(CRAWL)
}

fn next_id(kind: JobKind) -> JobId {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    JobId::new(kind, Timestamp::UNIX_EPOCH, u128::from(NEXT.fetch_add(1, Ordering::Relaxed)))
}

/// An idempotency key with the fingerprint of its request.
pub fn key(key: &str, fingerprint: &str) -> Option<Idempotency> {
    Some(Idempotency { key: key.to_owned(), fingerprint: fingerprint.to_owned() })
}

pub fn node(name: &str) -> NodeId {
    NodeId::new(name)
}

/// A successful page.
pub fn good_page(index: u32) -> PageRecord {
    let mut result = PageResult::failed("https://example.com", Exchange::default(), None, "");
    result.success = true;
    PageRecord::new(index, &result)
}

/// A failed page.
pub fn bad_page(index: u32, error: &str) -> PageRecord {
    PageRecord::failed(index, "https://example.com", error)
}
