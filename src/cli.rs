//! The command line: one module for each command.

mod backup;
mod cancel;
mod client;
mod config;
mod config_args;
mod deliveries;
mod error;
mod event_stream;
mod health;
mod jobs;
mod listen;
mod log;
mod log_queue;
mod mcp;
mod output;
mod page;
mod redeliver;
mod serve;
mod status;
mod submit;
mod token;
mod watch;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

const AFTER_HELP: &str = "\
Exit codes:
  0  success
  1  the job failed or was cancelled, or the command failed
  2  invalid arguments
  3  the server is unreachable
  4  the server rejected the request: credential, invalid field, unknown job, conflict
  5  the server is temporarily unable: queue full, store unavailable, internal error

With --json an error is one line of JSON on standard error: {\"error\", \"exit_code\"}, and {\"status\", \"response\"} if a
server responded.

Client commands find the server with --url or OPILIO_URL, and authenticate with OPILIO_TOKEN or --token-file.";

/// A job server for crawling and LLM extraction.
#[derive(Debug, Parser)]
#[command(name = "opilio", version, args_conflicts_with_subcommands = true, after_help = AFTER_HELP)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: serve::Serve,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the server (the default command).
    Serve(serve::Serve),
    /// Print the effective configuration with the origin of each value. Secrets are masked.
    Config(config::Config),
    /// Copy the embedded store into a file, also while a server uses it.
    Backup(backup::Backup),
    /// Read one page without a server and print its content.
    Page(page::Page),
    /// Check whether the server at the configured address is alive.
    Health(health::Health),
    /// Submit a crawl job or an LLM job.
    Submit(Box<submit::Submit>),
    /// Show a job and its result.
    Status(status::Status),
    /// Follow jobs until they settle.
    Watch(watch::Watch),
    /// List jobs, newest first.
    Jobs(jobs::Jobs),
    /// Cancel jobs.
    Cancel(cancel::Cancel),
    /// Show the delivery attempts of a job's webhook.
    Deliveries(deliveries::Deliveries),
    /// Send webhooks again.
    Redeliver(redeliver::Redeliver),
    /// Receive webhooks on this machine, show them and verify their signatures.
    Listen(listen::Listen),
    /// Serve the Model Context Protocol over standard input and output.
    Mcp(mcp::Mcp),
    /// Create a token and print the configuration that accepts it.
    Token(token::Token),
}

/// Runs the command of the process's arguments. Errors are printed on standard error.
pub fn run() -> ExitCode {
    let Arguments { command, serve } = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return error::exit_invalid_arguments(&error),
    };
    error::exit(match command {
        Some(Command::Serve(serve)) => serve.run(),
        Some(Command::Config(config)) => config.run(),
        Some(Command::Backup(backup)) => backup.run(),
        Some(Command::Page(page)) => page.run(),
        Some(Command::Health(health)) => health.run(),
        Some(Command::Submit(submit)) => block_on(submit.run()),
        Some(Command::Status(status)) => block_on(status.run()),
        Some(Command::Watch(watch)) => block_on(watch.run()),
        Some(Command::Jobs(jobs)) => block_on(jobs.run()),
        Some(Command::Cancel(cancel)) => block_on(cancel.run()),
        Some(Command::Deliveries(deliveries)) => block_on(deliveries.run()),
        Some(Command::Redeliver(redeliver)) => block_on(redeliver.run()),
        Some(Command::Listen(listen)) => block_on(listen.run()),
        Some(Command::Mcp(mcp)) => block_on(mcp.run()),
        Some(Command::Token(token)) => token.run(),
        None => serve.run(),
    })
}

fn block_on(command: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    actix_web::rt::System::new().block_on(command)
}
