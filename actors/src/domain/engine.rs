//! How pages are fetched: over HTTP, or in a browser.

use serde::{Deserialize, Serialize};

/// The engine that a job requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Engine {
    Http,
    /// Over HTTP, and in the browser if the page is rendered by scripts.
    Smart,
    Browser,
}

impl Engine {
    pub const ALL: [Self; 3] = [Self::Http, Self::Smart, Self::Browser];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Smart => "smart",
            Self::Browser => "browser",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|engine| engine.as_str() == name)
    }
}

/// What fetches one page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FetchEngine {
    #[default]
    Http,
    Browser,
}
