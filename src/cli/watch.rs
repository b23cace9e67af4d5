//! `opilio watch`: follows jobs until they settle.

use std::io::{self, IsTerminal, StdoutLock, Write};
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use futures_util::future::join_all;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use opilio_actors::domain::text::visible;

use super::client::{Client, ServerArgs};
use super::error::ClientError;
use super::event_stream::{Event, EventStream};
use super::output;

/// Shows progress bars on a terminal, otherwise one line per event.
#[derive(Debug, Args)]
pub struct Watch {
    #[command(flatten)]
    server: ServerArgs,
    /// Job ids.
    #[arg(required = true)]
    ids: Vec<String>,
    #[command(flatten)]
    options: WatchOptions,
}

#[derive(Debug, Args)]
pub struct WatchOptions {
    /// Print JSON: one document, or one event per line.
    #[arg(long)]
    pub json: bool,
    /// Fail if the server is unavailable for longer than this.
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = humantime::parse_duration)]
    reconnect_timeout: Duration,
}

impl Watch {
    pub async fn run(self) -> anyhow::Result<()> {
        follow(&self.server.client()?, &self.ids, &self.options).await
    }
}

/// Follows jobs until all have settled.
///
/// # Errors
/// A job failed, was cancelled, or could not be followed. With several errors, that of the first job.
pub async fn follow(client: &Client, ids: &[String], options: &WatchOptions) -> anyhow::Result<()> {
    let bars = (!options.json && std::io::stderr().is_terminal()).then(MultiProgress::new);
    let followed = ids.iter().map(|id| async {
        let mut events = EventStream::new(client, id, options.reconnect_timeout);
        let display = Display::new(id, options.json, bars.as_ref());
        loop {
            let event = events.next().await.with_context(|| visible(id).into_owned())?;
            display.show(&event)?;
            if event.is_terminal() {
                return match output::failure(&event.data) {
                    None => Ok(()),
                    Some(reason) => Err(ClientError::JobFailed(reason).into()),
                };
            }
        }
    });
    join_all(followed).await.into_iter().collect()
}

/// Shows the events of one job.
struct Display {
    json: bool,
    id: String,
    bars: Option<(MultiProgress, ProgressBar)>,
}

impl Display {
    fn new(id: &str, json: bool, bars: Option<&MultiProgress>) -> Self {
        let bars = bars.map(|bars| (bars.clone(), bars.add(bar(id))));
        Self { json, id: id.to_owned(), bars }
    }

    fn show(&self, event: &Event) -> anyhow::Result<()> {
        if self.json {
            return print(|out| writeln!(out, "{}", serde_json::to_string(event)?));
        }
        let line = match event.event.as_str() {
            "page" => format!("{} {}", self.id, output::page_line(&event.data)),
            _ if event.is_terminal() => output::job_line(&event.data),
            name => format!("{} {name}", self.id),
        };
        let print_line = || print(|out| output::write_line(out, &line));
        let Some((bars, bar)) = &self.bars else { return print_line() };
        let progress = &event.data["progress"];
        bar.set_length(progress["total"].as_u64().unwrap_or(1));
        bar.set_position(progress["done"].as_u64().unwrap_or_default());
        bar.set_message(visible(&event.event).into_owned());
        if event.is_terminal() {
            bar.finish();
        }
        let is_printed = event.is_terminal() || event.data["success"] == false;
        if is_printed { bars.suspend(print_line) } else { Ok(()) }
    }
}

fn bar(id: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix} [{bar:30}] {pos}/{len} {msg} {elapsed}");
    let bar = ProgressBar::new(1).with_prefix(id.to_owned());
    bar.enable_steady_tick(Duration::from_secs(1));
    style.map(|style| bar.set_style(style.progress_chars("=> "))).ok();
    bar
}

fn print(line: impl FnOnce(&mut StdoutLock<'_>) -> io::Result<()>) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    line(&mut out)?;
    Ok(out.flush()?)
}
