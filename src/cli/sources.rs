//! Where a command finds the settings: a file, the environment, its own flags.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::settings::{self, Loaded};

#[derive(Debug, Args)]
pub struct Sources {
    /// The configuration; without it, `config.yml` in the working directory if there is one.
    #[arg(long)]
    config: Option<PathBuf>,
    /// The address to listen on.
    #[arg(long)]
    host: Option<String>,
    /// The port to listen on; 0: any free one.
    #[arg(long)]
    port: Option<u16>,
    /// The folder of the embedded store.
    #[arg(long)]
    store: Option<PathBuf>,
}

impl Sources {
    pub fn load(&self) -> anyhow::Result<Loaded> {
        let nearby = Path::new("config.yml");
        let file = self.config.as_deref().or_else(|| nearby.exists().then_some(nearby));
        let environment: Vec<(String, String)> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let mut flags = Vec::new();
        flags.extend(self.host.clone().map(|host| ("app.host", host, "host")));
        flags.extend(self.port.map(|port| ("app.port", port.to_string(), "port")));
        flags.extend(self.store.as_ref().map(|path| ("store.path", path.display().to_string(), "store")));
        Ok(settings::load(file, &environment, &flags)?)
    }
}
