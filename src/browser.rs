//! Opens pages in Chromium: one process, one isolated browser context for each page.
//!
//! Chromium is controlled through a pipe (`cdp`, the Chrome DevTools Protocol), so its processes exit when Opilio's
//! process ends, however it ends. All of its traffic passes a SOCKS proxy in this process (`socks_proxy`), one for each
//! page, which asks the page's [`PageNetwork`](crate::egress::PageNetwork) for every connection. No browser process runs
//! while no page is open.

mod cdp;
mod counter;
mod error;
mod executable;
mod memory_watchdog;
mod net_error;
mod observer;
mod page_load;
mod pool;
mod process;
mod profile;
mod settings;
mod socks_proxy;
mod tab;
mod targets;

pub use error::BrowserError;
pub use executable::find as find_executable;
pub use page_load::{Completion, LoadedPage, PageToLoad};
pub use pool::Browsers;
pub use settings::{BrowserSettings, Sandbox};
