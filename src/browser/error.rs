//! Why a page could not be opened in the browser.

use std::time::Duration;

use opilio_actors::ports::FetchError;

use super::cdp::CdpError;
use crate::egress::EgressError;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrowserError {
    #[error("Browser failed to start: {0}")]
    Start(String),
    /// The permit was revoked, because others wait and its principal holds more than its share.
    #[error("The page was interrupted for others")]
    Revoked,
    /// The browser exited while the page was open.
    #[error("The browser exited while the page was open")]
    Exited,
    #[error("The page crashed: its process exited or used more than browser.page_memory")]
    PageCrashed,
    /// The page failed as it would have over HTTP.
    #[error(transparent)]
    Egress(#[from] EgressError),
    /// The page exceeds a limit or cannot be shown. One sentence.
    #[error("{0}")]
    Page(String),
}

impl BrowserError {
    pub fn timeout(limit: Duration) -> Self {
        Self::Egress(EgressError::timeout(limit))
    }

    fn is_transient(&self) -> bool {
        match self {
            Self::Start(_) | Self::Revoked | Self::Exited | Self::PageCrashed => true,
            Self::Egress(error) => error.is_transient(),
            Self::Page(_) => false,
        }
    }
}

impl From<CdpError> for BrowserError {
    fn from(error: CdpError) -> Self {
        match error {
            CdpError::BrowserExited => Self::Exited,
            CdpError::PageCrashed | CdpError::PageClosed => Self::PageCrashed,
            CdpError::TooManyEvents => Self::Page("The page causes too many events".to_owned()),
            CdpError::TooLarge => Self::Page("The page is too large".to_owned()),
            CdpError::Timeout(_) => Self::Egress(EgressError::Transient("The page does not respond".to_owned())),
            CdpError::Refused { .. } => Self::Page(format!("The browser could not open the page: {error}")),
        }
    }
}

impl From<BrowserError> for FetchError {
    fn from(error: BrowserError) -> Self {
        let reason = error.to_string();
        if error.is_transient() { Self::transient(reason) } else { Self::permanent(reason) }
    }
}
