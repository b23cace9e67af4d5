//! A tab: a browser context with one page and its own proxy. Nothing is shared with other contexts: no cookies, storage,
//! caches, service workers, history or window names.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tracing::warn;

use super::cdp::{CdpClient, CdpError, Events};
use super::counter::Counted;
use super::error::BrowserError;
use super::process::Browser;
use super::socks_proxy::SocksProxy;
use crate::fair_semaphore::Permit;

/// Time for a call that does not depend on the page.
const CALL: Duration = Duration::from_secs(10);
/// Time to dispose of a context. Hostile pages take up to 1.4 s on an idle machine.
const DISPOSAL: Duration = Duration::from_secs(10);

/// The share of the browser that a page uses, released when its tab has been disposed of.
#[derive(Clone)]
pub struct Lease {
    _permit: Arc<Permit>,
    _counted: Arc<Counted>,
}

impl Lease {
    pub fn new(permit: Arc<Permit>, counted: Counted) -> Self {
        Self { _permit: permit, _counted: Arc::new(counted) }
    }
}

/// Disposed of, in the background, when dropped.
pub struct Tab {
    pub browser: Arc<Browser>,
    pub proxy: SocksProxy,
    pub events: Events,
    /// Also the id of the page's main frame.
    pub target: String,
    pub context: String,
    session: String,
    lease: Option<Lease>,
}

impl Tab {
    /// Opens an empty page.
    ///
    /// The caller runs it in a task of its own: a context whose id is not known yet cannot be disposed of.
    pub async fn open(browser: Arc<Browser>, proxy: SocksProxy, lease: Lease) -> Result<Self, BrowserError> {
        let client = &browser.client;
        let context = json!({
            "disposeOnDetach": true,
            "proxyServer": proxy.url(),
            // Without it, loopback addresses bypass the proxy.
            "proxyBypassList": "<-loopback>",
        });
        let ContextId { id: context } = client.call("", "Target.createBrowserContext", context, CALL).await?;
        browser.targets.add(&context);
        let guard = DisposeOnDrop { browser: &browser, context: &context };
        let target = json!({"url": "about:blank", "browserContextId": context});
        let TargetId { id: target } = client.call("", "Target.createTarget", target, CALL).await?;
        let attach = json!({"targetId": target, "flatten": true});
        let SessionId { id: session } = client.call("", "Target.attachToTarget", attach, CALL).await?;
        std::mem::forget(guard);
        let events = client.events(&session);
        Ok(Self { browser, proxy, events, target, context, session, lease: Some(lease) })
    }

    /// A handle for calls to the page, apart from its events.
    pub fn page(&self) -> PageHandle {
        PageHandle { client: self.browser.client.clone(), session: self.session.clone() }
    }
}

impl Drop for Tab {
    fn drop(&mut self) {
        self.browser.client.forget(&self.session);
        dispose(&self.browser, &self.context, self.lease.take());
    }
}

/// Disposes of a context if opening its tab fails.
struct DisposeOnDrop<'a> {
    browser: &'a Arc<Browser>,
    context: &'a str,
}

impl Drop for DisposeOnDrop<'_> {
    fn drop(&mut self) {
        dispose(self.browser, self.context, None);
    }
}

/// Disposes of a context in the background. A browser that cannot do so in time is ended, because its page may still run.
fn dispose(browser: &Arc<Browser>, context: &str, lease: Option<Lease>) {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    let (browser, context) = (Arc::clone(browser), context.to_owned());
    runtime.spawn(async move {
        let params = json!({"browserContextId": context});
        let disposed = browser.client.call::<Value>("", "Target.disposeBrowserContext", params, DISPOSAL).await;
        browser.targets.remove(&context);
        match disposed {
            Ok(_) | Err(CdpError::BrowserExited) => {}
            Err(error) => {
                warn!(%error, "browser killed: it cannot dispose of a page");
                browser.kill();
            }
        }
        drop((browser, lease));
    });
}

/// Calls to one page.
#[derive(Clone)]
pub struct PageHandle {
    client: CdpClient,
    session: String,
}

impl PageHandle {
    /// A call that the page's scripts can delay: its caller has a deadline.
    pub async fn call<T: DeserializeOwned>(&self, method: &'static str, params: Value) -> Result<T, CdpError> {
        self.client.call(&self.session, method, params, Duration::from_secs(3600)).await
    }

    /// A call whose response has no content.
    pub async fn command(&self, method: &'static str, params: Value) -> Result<(), CdpError> {
        self.call::<Value>(method, params).await.map(drop)
    }

    /// A call to the browser.
    pub async fn browser_command(&self, method: &'static str, params: Value) -> Result<(), CdpError> {
        self.client.call::<Value>("", method, params, CALL).await.map(drop)
    }

    pub fn notify(&self, method: &'static str, params: Value) {
        self.client.notify(&self.session, method, params);
    }
}

#[derive(Deserialize)]
struct ContextId {
    #[serde(rename = "browserContextId")]
    id: String,
}

#[derive(Deserialize)]
struct TargetId {
    #[serde(rename = "targetId")]
    id: String,
}

#[derive(Deserialize)]
struct SessionId {
    #[serde(rename = "sessionId")]
    id: String,
}
