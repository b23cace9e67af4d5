//! `opilio backup`: copies the embedded store, also while a server uses it.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;

use super::config_args::ConfigArgs;
use crate::settings::StoreBackend;
use crate::stores::embedded;

#[derive(Debug, Args)]
pub struct Backup {
    /// The file to write. It must not exist.
    file: PathBuf,
    #[command(flatten)]
    config: ConfigArgs,
}

impl Backup {
    pub fn run(self) -> anyhow::Result<()> {
        let store = self.config.load()?.settings.store;
        if store.backend == StoreBackend::Redis {
            bail!("jobs are stored in Redis; back up its append-only file or snapshots");
        }
        let file = self.file.display();
        if self.file.exists() {
            bail!("{file} exists; a backup overwrites no file");
        }
        let copied = embedded::copy_into(&store.path, &self.file);
        copied.with_context(|| format!("the store in {} cannot be copied to {file}", store.path.display()))
    }
}
