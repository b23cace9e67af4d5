//! The effective settings: defaults, `config.yml`, environment variables and command-line flags, in ascending precedence.

mod backoff;
mod browser;
mod crawl4ai_keys;
mod crawler;
mod defaults;
mod egress;
mod environment;
mod error;
mod jobs;
mod layers;
mod limits;
mod llm;
mod model;
mod providers;
mod rate;
mod report;
mod security;
mod server;
mod source;
mod webhooks;

#[cfg(test)]
mod tests;

use std::path::Path;

pub use backoff::Backoff;
pub use browser::Sandbox;
pub use error::SettingsError;
pub use jobs::Jobs;
pub use limits::Limits;
pub use llm::{Family, Llm, Protocol};
pub use model::Settings;
pub use providers::variable_prefix;
pub use rate::Rate;
pub use security::Security;
pub use server::{LogFormat, StoreBackend};
pub use source::Source;

use layers::{Entry, Layers};

/// The effective settings and the origin of each value.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub settings: Settings,
    /// Keys that have no effect, each with the reason. Logged once at start.
    pub notices: Vec<String>,
    layers: Layers,
}

/// Loads the file at `path`, then applies `environment` and `flags` (key, value, name of the flag).
///
/// # Errors
/// The first invalid key or value, with its origin.
pub fn load(
    path: Option<&Path>,
    environment: &[(String, String)],
    flags: &[(&str, String, &str)],
) -> Result<Loaded, SettingsError> {
    load_source(path.map(Source::open).transpose()?.as_ref(), environment, flags)
}

/// [`load`] for a file that has been read already.
pub fn load_source(
    file: Option<&Source>,
    environment: &[(String, String)],
    flags: &[(&str, String, &str)],
) -> Result<Loaded, SettingsError> {
    let mut layers = Layers::defaults();
    providers::add_missing_keys(&mut layers);
    let mut notices = Vec::new();
    if let Some(file) = file {
        let entries = source::read(file, &mut layers, &mut notices)?;
        layers.apply(entries)?;
    }
    for entries in environment::read(environment, &mut layers)? {
        layers.apply(entries)?;
    }
    let flags = flags.iter().map(|(key, value, flag)| Entry::text(*key, value, format!("--{flag}")));
    layers.apply(flags.collect())?;
    let of_providers = environment::providers(environment, &mut layers);
    layers.apply(of_providers)?;
    let mut settings: Settings = layers.read()?;
    notices.extend(settings.logging.replace_python_format());
    settings.check()?;
    notices.extend(settings.llm.notice());
    notices.extend(settings.security.notice());
    Ok(Loaded { settings, notices, layers })
}

impl Loaded {
    /// The effective settings as YAML. Secrets are masked; each line ends with the origin of its value.
    pub fn report(&self) -> String {
        report::write(&self.layers)
    }

    /// The effective settings by key, each with its origin. Secrets are masked.
    pub fn document(&self) -> serde_json::Map<String, serde_json::Value> {
        report::document(&self.layers)
    }
}
