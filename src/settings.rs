//! What the operator chose: `config.yml`, the environment and the command line, over the compiled-in defaults.

mod environment;
mod error;
mod families;
mod layers;
mod llm;
mod model;
mod peer_keys;
mod rate;
mod report;
mod security;
mod source;

#[cfg(test)]
mod tests;

use std::path::Path;

pub use error::BadSettings;
pub use families::variable_prefix;
pub use llm::{Family, Llm, Speaks};
pub use model::{Jobs, Limits, LogFormat, Settings, StoreBackend};
pub use rate::Rate;
pub use security::Security;
pub use source::Source;

use layers::{Given, Layers};

/// Every key, its default and its meaning; shipped as `config.yml`.
pub const DEFAULTS: &str = include_str!("../config.yml");

/// The effective settings and where they came from.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub settings: Settings,
    /// Keys of existing files that mean nothing here, each with the reason: to be said once at start.
    pub notices: Vec<String>,
    layers: Layers,
}

/// Lays the file, the environment and what the command line says (key, value, flag) over the defaults, the later one
/// winning.
///
/// # Errors
/// The first thing that is wrong: where it stands, what it is, and what would be right.
pub fn load(
    file: Option<&Path>,
    environment: &[(String, String)],
    flags: &[(&str, String, &str)],
) -> Result<Loaded, BadSettings> {
    lay(file.map(Source::open).transpose()?.as_ref(), environment, flags)
}

/// [`load`], of a file that was read already.
pub fn lay(
    file: Option<&Source>,
    environment: &[(String, String)],
    flags: &[(&str, String, &str)],
) -> Result<Loaded, BadSettings> {
    let mut layers = Layers::defaults()?;
    let mut notices = Vec::new();
    if let Some(file) = file {
        let given = source::read(file, &mut layers, &mut notices)?;
        layers.lay(given)?;
    }
    for given in environment::read(environment, &mut layers)? {
        layers.lay(given)?;
    }
    let flags = flags.iter().map(|(key, value, flag)| Given::text(*key, value, format!("--{flag}")));
    layers.lay(flags.collect())?;
    let of_families = environment::families(environment, &mut layers);
    layers.lay(of_families)?;
    let mut settings: Settings = layers.read()?;
    if settings.logging.format.contains('%') {
        notices.push("logging.format: a format of Python's logging; `text` is used".to_owned());
        settings.logging.format = "text".to_owned();
    }
    settings.check()?;
    notices.extend(settings.llm.notice());
    notices.extend(settings.security.notice());
    Ok(Loaded { settings, notices, layers })
}

impl Loaded {
    /// The effective settings as YAML, secrets masked, each line ending in where its value came from.
    pub fn report(&self) -> String {
        report::write(&self.layers)
    }

    /// The same by key, for a program.
    pub fn document(&self) -> serde_json::Map<String, serde_json::Value> {
        report::document(&self.layers)
    }
}
