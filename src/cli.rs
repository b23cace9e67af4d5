//! The command line: one file a command.

mod config;
mod health;
mod serve;
mod sources;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A job server for crawling that never loses a job.
#[derive(Debug, Parser)]
#[command(name = "opilio", version, args_conflicts_with_subcommands = true)]
struct Command {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    serve: serve::Serve,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Start the server (also what a bare `opilio` does).
    Serve(serve::Serve),
    /// Print the effective configuration, secrets masked, and where each value came from.
    Config(config::Config),
    /// Ask the configured address whether a server is alive.
    Health(health::Health),
}

/// Does what the command line asks for. What goes wrong is said on standard error.
pub fn run() -> ExitCode {
    let Command { action, serve } = Command::parse();
    let done = match action {
        Some(Action::Serve(serve)) => serve.run(),
        Some(Action::Config(config)) => config.run(),
        Some(Action::Health(health)) => health.run(),
        None => serve.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("opilio: {error:#}");
            ExitCode::FAILURE
        }
    }
}
