//! The browser processes: started for the first page, replaced after a number of pages or a crash, closed when idle.

use std::io;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use opilio_actors::domain::queue_key::QueueKey;
use opilio_actors::heartbeat::{beat, while_waiting};
use tokio::runtime::{Builder, Handle};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tracing::warn;

use super::counter::Counter;
use super::error::BrowserError;
use super::page_load::{LoadedPage, PageToLoad, load};
use super::process::Browser;
use super::profile;
use super::settings::BrowserSettings;
use super::socks_proxy::SocksProxy;
use super::tab::{Lease, Tab};
use crate::egress::{Egress, PageNetwork};
use crate::fair_semaphore::FairSemaphore;

/// The delay after the first failed start; doubled after each further one.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);
const MAX_BACKOFF: Duration = Duration::from_secs(60);
/// Attempts at a page during which the browser exits. The last one is made in a browser of its own.
const MAX_CRASHES: u32 = 3;
/// Time for the browsers to exit at shutdown.
const SHUTDOWN: Duration = Duration::from_secs(5);

/// Opens pages. Works on a thread of its own, because messages of the browser may be large.
pub struct Browsers {
    shared: Arc<Shared>,
    runtime: Handle,
    stop: watch::Sender<bool>,
    stopped: watch::Receiver<bool>,
}

struct Shared {
    settings: BrowserSettings,
    egress: Egress,
    tabs: Arc<FairSemaphore>,
    current: Mutex<Current>,
    /// Held while a page has a browser of its own.
    quarantine: Mutex<()>,
    open_pages: Counter,
    processes: Counter,
}

#[derive(Default)]
struct Current {
    browser: Option<Arc<Browser>>,
    /// Since the last successful start.
    failed_starts: u32,
    /// The last failure and the time before which no start is attempted.
    failure: Option<(BrowserError, Instant)>,
}

impl Browsers {
    /// Starts no browser yet. Removes the profiles of browsers that a crash left behind.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(settings: BrowserSettings, egress: Egress) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            tabs: FairSemaphore::new(settings.tabs),
            settings,
            egress,
            current: Mutex::default(),
            quarantine: Mutex::default(),
            open_pages: Counter::default(),
            processes: Counter::default(),
        });
        let (stop, stopping) = watch::channel(false);
        let (stopped_sender, stopped) = watch::channel(false);
        let (sender, runtime) = mpsc::channel();
        let of_thread = Arc::clone(&shared);
        thread::Builder::new().name("browser".to_owned()).spawn(move || {
            profile::remove_stale();
            match Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => {
                    let _ = sender.send(Ok(runtime.handle().clone()));
                    runtime.block_on(of_thread.run(stopping));
                    runtime.shutdown_timeout(Duration::from_secs(1));
                }
                Err(error) => drop(sender.send(Err(error))),
            }
            stopped_sender.send_replace(true);
        })?;
        let runtime = runtime.recv().map_err(io::Error::other)??;
        Ok(Self { shared, runtime, stop, stopped })
    }

    pub fn settings(&self) -> &BrowserSettings {
        &self.shared.settings
    }

    /// Waits for a tab, then opens the page in it.
    pub async fn load(&self, queue: &QueueKey, page: PageToLoad) -> Result<LoadedPage, BrowserError> {
        let permit = while_waiting(self.shared.tabs.acquire(queue)).await;
        beat();
        let permit = Arc::new(permit);
        let lease = Lease::new(Arc::clone(&permit), self.shared.open_pages.count());
        let shared = Arc::clone(&self.shared);
        let task = self.runtime.spawn(async move { shared.load(Arc::new(page), lease).await });
        tokio::select! {
            loaded = AbortOnDrop(task).join() => loaded,
            () = permit.revoked() => Err(BrowserError::Revoked),
        }
    }

    /// Closes the browsers. Open pages fail.
    pub async fn close(&self) {
        self.stop.send_replace(true);
        let mut stopped = self.stopped.clone();
        let _ = timeout(SHUTDOWN, stopped.wait_for(|stopped| *stopped)).await;
    }
}

impl Shared {
    async fn run(self: Arc<Self>, mut stopping: watch::Receiver<bool>) {
        tokio::select! {
            // Also if the sender was dropped.
            _ = stopping.wait_for(|stop| *stop) => {}
            () = self.close_when_idle() => {}
        }
        drop(self.current.lock().await.browser.take());
        let _ = timeout(SHUTDOWN, self.processes.wait_for(|count| count == 0)).await;
    }

    async fn close_when_idle(&self) {
        loop {
            self.open_pages.wait_for(|pages| pages > 0).await;
            self.open_pages.wait_for(|pages| pages == 0).await;
            tokio::select! {
                () = self.open_pages.wait_for(|pages| pages > 0) => {}
                () = tokio::time::sleep(self.settings.idle) => drop(self.current.lock().await.browser.take()),
            }
        }
    }

    /// Opens a page. If the browser exits meanwhile, which any of its pages may have caused, it is opened again.
    async fn load(&self, page: Arc<PageToLoad>, lease: Lease) -> Result<LoadedPage, BrowserError> {
        let deadline = Instant::now() + page.timeout;
        let out_of_time = || Err(BrowserError::timeout(page.timeout));
        for crashes in 0.. {
            let is_alone = crashes + 1 == MAX_CRASHES;
            let attempt = self.attempt(&page, &lease, deadline, is_alone);
            match tokio::time::timeout_at(deadline, attempt).await {
                Err(_) => return out_of_time(),
                Ok(Err(BrowserError::Exited)) if !is_alone => {
                    warn!(crashes = crashes + 1, "browser exited while a page was open");
                }
                Ok(Err(BrowserError::Exited)) => {
                    return Err(BrowserError::Page("The browser crashed on this page".to_owned()));
                }
                Ok(result) => return result,
            }
        }
        out_of_time()
    }

    async fn attempt(
        &self,
        page: &Arc<PageToLoad>,
        lease: &Lease,
        deadline: Instant,
        is_alone: bool,
    ) -> Result<LoadedPage, BrowserError> {
        let _quarantine = if is_alone { Some(self.quarantine.lock().await) } else { None };
        let browser = if is_alone { self.start_browser().await? } else { self.current_browser().await? };
        let network = PageNetwork::new(&self.egress, page.url.clone());
        let proxy = SocksProxy::start(network, self.settings.max_transfer).await;
        let proxy = proxy.map_err(|error| BrowserError::Start(format!("cannot start the page's proxy: {error}")))?;
        // In a task, so that a context is disposed of even if this page is cancelled while it is being created.
        let tab = tokio::spawn(Tab::open(browser, proxy, lease.clone())).await;
        let tab = tab.map_err(|_| BrowserError::PageCrashed)??;
        load(tab, page, &self.settings, deadline).await
    }

    /// The running browser, which is started if necessary.
    async fn current_browser(&self) -> Result<Arc<Browser>, BrowserError> {
        let mut current = self.current.lock().await;
        if current.browser.as_ref().is_some_and(|browser| browser.is_gone()) {
            current.browser = None;
        }
        if let Some(browser) = current.browser.clone() {
            if browser.count_page() >= self.settings.recycle_after {
                // It is closed after its last page.
                current.browser = None;
            }
            return Ok(browser);
        }
        if let Some((error, until)) = &current.failure
            && Instant::now() < *until
        {
            return Err(error.clone());
        }
        match self.start_browser().await {
            Ok(browser) => {
                browser.count_page();
                *current = Current { browser: Some(Arc::clone(&browser)), ..Current::default() };
                Ok(browser)
            }
            Err(error) => {
                let backoff = FIRST_BACKOFF.saturating_mul(1 << current.failed_starts.min(16)).min(MAX_BACKOFF);
                warn!(%error, retry_in = ?backoff, "browser start failed");
                current.failed_starts += 1;
                current.failure = Some((error.clone(), Instant::now() + backoff));
                Err(error)
            }
        }
    }

    async fn start_browser(&self) -> Result<Arc<Browser>, BrowserError> {
        Browser::start(&self.settings, self.processes.count()).await
    }
}

/// A task that is cancelled if its result is no longer awaited.
struct AbortOnDrop<T>(JoinHandle<T>);

impl<T> AbortOnDrop<Result<T, BrowserError>> {
    async fn join(mut self) -> Result<T, BrowserError> {
        // The thread was stopped, or the task panicked.
        (&mut self.0).await.unwrap_or(Err(BrowserError::Exited))
    }
}

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
