//! Section `browser`.

use std::num::{NonZeroU32, NonZeroU64};
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Browser {
    pub executable: Option<PathBuf>,
    pub tabs: usize,
    #[serde(with = "humantime_serde")]
    pub idle: Duration,
    pub recycle_after: NonZeroU32,
    #[serde(with = "humantime_serde")]
    pub settle_timeout: Duration,
    pub page_memory: NonZeroU64,
    pub memory: NonZeroU64,
    pub max_transfer: NonZeroU64,
    pub max_requests: NonZeroU32,
    pub sandbox: Sandbox,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sandbox {
    Required,
    Off,
}

impl Browser {
    pub fn check(&self) -> Result<(), String> {
        match &self.executable {
            Some(path) if !path.is_file() => Err(format!("browser.executable ({}) is not a file", path.display())),
            _ => Ok(()),
        }
    }
}
