//! `opilio serve`: the server, until it is told to stop.

use std::io::IsTerminal;
use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;

use crate::app::{self, Config};

#[derive(Debug, Args)]
pub struct Serve {
    /// The address to listen on.
    #[arg(long, default_value = "127.0.0.1")]
    host: IpAddr,
    /// The port to listen on; 0: any free one.
    #[arg(long, default_value_t = 11235)]
    port: u16,
    /// The folder of the embedded store.
    #[arg(long, default_value = "data")]
    store: PathBuf,
}

impl Serve {
    pub fn run(self) -> anyhow::Result<()> {
        tracing_subscriber::fmt().with_ansi(std::io::stdout().is_terminal()).init();
        let Self { host, port, store } = self;
        actix_web::rt::System::new().block_on(async {
            app::run(Config { host, port, store, ..Config::default() }).await?;
            // What was promised is written. Threads that look up a name or read a page are not waited for: they can take
            // longer than the one who stops us does.
            std::process::exit(0)
        })
    }
}
