//! Pages and webhook receivers that follow a script.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;

use crate::domain::delivery::AttemptOutcome;
use crate::ports::{FetchError, FetchedPage, PageFetcher, PageRequest, StoreError, WebhookRequest, WebhookTransport};
use crate::testing::fakes::page;

/// A behaviour by URL or host.
pub type Script<T> = Arc<dyn Fn(&str) -> T + Send + Sync>;

/// What the fetch of a page does.
#[derive(Clone, Copy)]
pub enum Fetch {
    Succeed,
    /// Fails after this time.
    Hang(Duration),
    Panic,
}

/// Fetches pages by a script. It records which fetches were started, in order, and how many are in progress.
#[derive(Clone)]
pub struct ScriptedSite {
    script: Script<Fetch>,
    started: Arc<Mutex<Vec<String>>>,
    in_progress: Arc<AtomicUsize>,
}

impl ScriptedSite {
    pub fn new(script: impl Fn(&str) -> Fetch + Send + Sync + 'static) -> Self {
        Self { script: Arc::new(script), started: Arc::default(), in_progress: Arc::default() }
    }

    pub fn started(&self) -> Vec<String> {
        self.started.lock().expect("no panic").clone()
    }

    /// The number of fetches before the first whose URL contains `name`.
    pub fn started_before(&self, name: &str) -> usize {
        self.started().iter().position(|url| url.contains(name)).expect("it was started")
    }

    pub fn in_progress(&self) -> usize {
        self.in_progress.load(Ordering::SeqCst)
    }
}

/// Counts one fetch until it is dropped.
struct InProgress(Arc<AtomicUsize>);

impl InProgress {
    fn count(counter: &Arc<AtomicUsize>) -> Self {
        counter.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(counter))
    }
}

impl Drop for InProgress {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl PageFetcher for ScriptedSite {
    async fn fetch(&self, request: PageRequest) -> Result<FetchedPage, FetchError> {
        self.started.lock().expect("no panic").push(request.url.clone());
        let _in_progress = InProgress::count(&self.in_progress);
        match (self.script)(&request.url) {
            Fetch::Succeed => Ok(page(200)),
            Fetch::Hang(time) => {
                tokio::time::sleep(time).await;
                Err(FetchError::permanent("Connection timeout"))
            }
            Fetch::Panic => panic!("this page panics"),
        }
    }
}

/// Receivers by a script: each one's response time and status, 0 for a timeout.
pub struct ScriptedReceivers {
    pub script: Script<(Duration, u16)>,
    pub received: mpsc::UnboundedSender<WebhookRequest>,
}

#[async_trait]
impl WebhookTransport for ScriptedReceivers {
    async fn post(&self, request: WebhookRequest) -> Result<AttemptOutcome, StoreError> {
        let (time, status) = (self.script)(request.target.url.host_str().unwrap_or_default());
        // The test may have ended.
        let _ = self.received.send(request);
        tokio::time::sleep(time).await;
        Ok(match status {
            0 => AttemptOutcome::Failed { reason: "timeout".to_owned() },
            status => AttemptOutcome::Answered { status, retry_after: None, excerpt: String::new() },
        })
    }
}
