//! The operator's settings of the browser.

use std::path::PathBuf;
use std::time::Duration;

#[derive(Clone, Debug)]
pub struct BrowserSettings {
    /// Chromium's headless shell.
    pub executable: PathBuf,
    /// Pages that are open at the same time.
    pub tabs: usize,
    /// The browser is closed after this time without a page.
    pub idle: Duration,
    /// The browser is replaced after this many pages.
    pub recycle_after: u32,
    /// Memory of one page's process, in bytes.
    pub page_memory: u64,
    /// Memory of all of the browser's processes, in bytes.
    pub memory: u64,
    /// Bytes that one page may receive.
    pub max_transfer: u64,
    /// Requests of one page.
    pub max_requests: u32,
    /// Time after `DOMContentLoaded` in which an app must have rendered.
    pub settle_timeout: Duration,
    pub sandbox: Sandbox,
}

/// Whether Chromium confines its page processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sandbox {
    /// Always. The browser does not start where the system does not support it.
    Required,
    /// Never: a page that exploits a defect of the browser has the permissions of its user.
    Off,
}
