//! The command line: one file a command.

mod cancel;
mod client;
mod config;
mod deliveries;
mod following;
mod health;
mod jobs;
mod listen;
mod log;
mod mcp;
mod page;
mod redeliver;
mod serve;
mod shown;
mod sources;
mod status;
mod submit;
mod token;
mod trouble;
mod watch;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  the job failed or was cancelled, or this command could not do its work
  2  the command line makes no sense
  3  no server answers
  4  the server refuses: credential, request, unknown job, conflict
  5  the server cannot do it now: queue full, store away, internal error

With --json, what goes wrong is one line of JSON on standard error: {\"error\", \"exit_code\"} and, where a server answered,
{\"status\", \"answer\"}.

The commands that talk to a server find it by --url or OPILIO_URL, and bring the token of --token or OPILIO_TOKEN.";

/// A job server for crawling that never loses a job.
#[derive(Debug, Parser)]
#[command(name = "opilio", version, args_conflicts_with_subcommands = true, after_help = EXIT_CODES)]
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
    /// Read one page, without a server, and print what it says.
    Page(page::Page),
    /// Ask the configured address whether a server is alive.
    Health(health::Health),
    /// Submit a job: pages to crawl, or a question about one.
    Submit(Box<submit::Submit>),
    /// Show a job as it stands, and its result.
    Status(status::Status),
    /// Follow jobs to their end.
    Watch(watch::Watch),
    /// List jobs, newest first.
    Jobs(jobs::Jobs),
    /// Cancel jobs.
    Cancel(cancel::Cancel),
    /// Show what became of a job's webhook.
    Deliveries(deliveries::Deliveries),
    /// Send webhooks again.
    Redeliver(redeliver::Redeliver),
    /// Receive webhooks on this machine, show them and check their signatures.
    Listen(listen::Listen),
    /// Be an MCP server over standard input and output, for a client that starts its servers itself.
    Mcp(mcp::Mcp),
    /// Make a token for somebody, and the lines of the configuration that let them in.
    Token(token::Token),
}

/// Does what the command line asks for. What goes wrong is said on standard error.
pub fn run() -> ExitCode {
    let Command { action, serve } = match Command::try_parse() {
        Ok(command) => command,
        Err(error) => return trouble::misunderstood(&error),
    };
    trouble::exit(match action {
        Some(Action::Serve(serve)) => serve.run(),
        Some(Action::Config(config)) => config.run(),
        Some(Action::Page(page)) => page.run(),
        Some(Action::Health(health)) => health.run(),
        Some(Action::Submit(submit)) => block_on(submit.run()),
        Some(Action::Status(status)) => block_on(status.run()),
        Some(Action::Watch(watch)) => block_on(watch.run()),
        Some(Action::Jobs(jobs)) => block_on(jobs.run()),
        Some(Action::Cancel(cancel)) => block_on(cancel.run()),
        Some(Action::Deliveries(deliveries)) => block_on(deliveries.run()),
        Some(Action::Redeliver(redeliver)) => block_on(redeliver.run()),
        Some(Action::Listen(listen)) => block_on(listen.run()),
        Some(Action::Mcp(mcp)) => block_on(mcp.run()),
        Some(Action::Token(token)) => token.run(),
        None => serve.run(),
    })
}

fn block_on(command: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    actix_web::rt::System::new().block_on(command)
}
