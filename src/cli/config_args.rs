//! Arguments that select and override the configuration.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::settings::{self, Loaded};

#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// Configuration file. Default: `config.yml` in the working directory, if it exists.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// IP address to listen on.
    #[arg(long)]
    host: Option<String>,
    /// Port to listen on; 0: any free port.
    #[arg(long)]
    port: Option<u16>,
    /// Directory of the embedded store.
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
}

impl ConfigArgs {
    pub fn load(&self) -> anyhow::Result<Loaded> {
        let default = Path::new("config.yml");
        let file = self.config.as_deref().or_else(|| default.exists().then_some(default));
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
