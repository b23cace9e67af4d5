//! The engines of this server, from the settings and the browser that was found.

use std::path::Path;

use anyhow::bail;
use opilio_actors::domain::engine::Engine;
use tracing::info;

use crate::http::Engines;
use crate::settings::Settings;

/// Logs which browser is used, or how to install one.
///
/// # Errors
/// The settings require a browser, and there is none.
pub fn engines(settings: &Settings, executable: Option<&Path>) -> anyhow::Result<Engines> {
    let default = settings.crawler.engine;
    if let Some(executable) = executable {
        info!(executable = %executable.display(), "browser found; it is started when a page needs it");
        return Ok(Engines { default: default.unwrap_or(Engine::Smart), has_browser: true });
    }
    if default == Some(Engine::Browser) {
        bail!("crawler.engine is `browser`, but no Chromium was found: apt-get install chromium-headless-shell");
    }
    info!(
        "no browser found: pages are fetched over HTTP only; to install one: apt-get install chromium-headless-shell"
    );
    Ok(Engines { default: default.unwrap_or(Engine::Http), has_browser: false })
}
