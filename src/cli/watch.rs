//! `opilio watch`: how jobs go, as it happens, to their end.

use std::io::{self, IsTerminal, StdoutLock, Write};
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use futures_util::future::join_all;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use opilio_actors::domain::text::visible;

use super::client::{Client, Remote};
use super::following::{Event, Following};
use super::shown;
use super::trouble::Trouble;

/// Shows bars on a terminal, else a line for what happens; with `--json` each event as a line of JSON.
#[derive(Debug, Args)]
pub struct Watch {
    #[command(flatten)]
    remote: Remote,
    /// The jobs.
    #[arg(required = true)]
    ids: Vec<String>,
    #[command(flatten)]
    manner: Manner,
}

/// How to watch.
#[derive(Debug, Args)]
pub struct Manner {
    /// Print JSON: one document, or one a line.
    #[arg(long)]
    pub json: bool,
    /// How long a server that was there may be away before watching ends.
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = humantime::parse_duration)]
    patience: Duration,
}

impl Watch {
    pub async fn run(self) -> anyhow::Result<()> {
        follow(&self.remote.client()?, &self.ids, &self.manner).await
    }
}

/// Follows each job to its end.
///
/// # Errors
/// When a job did not end well, or could not be followed; of several, the first in their order.
pub async fn follow(client: &Client, ids: &[String], manner: &Manner) -> anyhow::Result<()> {
    let bars = (!manner.json && std::io::stderr().is_terminal()).then(MultiProgress::new);
    let followed = ids.iter().map(|id| async {
        let mut following = Following::new(client, id, manner.patience);
        let screen = Screen::new(id, manner.json, bars.as_ref());
        loop {
            let event = following.next().await.with_context(|| visible(id).into_owned())?;
            screen.show(&event)?;
            if event.is_last() {
                return match shown::misfortune(&event.data) {
                    None => Ok(()),
                    Some(why) => Err(Trouble::JobFailed(why).into()),
                };
            }
        }
    });
    join_all(followed).await.into_iter().collect()
}

/// Where one job's events are shown.
struct Screen {
    json: bool,
    id: String,
    bars: Option<(MultiProgress, ProgressBar)>,
}

impl Screen {
    fn new(id: &str, json: bool, bars: Option<&MultiProgress>) -> Self {
        let bars = bars.map(|bars| (bars.clone(), bars.add(bar(id))));
        Self { json, id: id.to_owned(), bars }
    }

    fn show(&self, event: &Event) -> anyhow::Result<()> {
        if self.json {
            return print(|out| writeln!(out, "{}", serde_json::to_string(event)?));
        }
        let line = match event.event.as_str() {
            "page" => format!("{} {}", self.id, shown::page(&event.data)),
            _ if event.is_last() => shown::line(&event.data),
            name => format!("{} {name}", self.id),
        };
        let tell = || print(|out| shown::say(out, &line));
        let Some((bars, bar)) = &self.bars else { return tell() };
        let progress = &event.data["progress"];
        bar.set_length(progress["total"].as_u64().unwrap_or(1));
        bar.set_position(progress["done"].as_u64().unwrap_or_default());
        bar.set_message(visible(&event.event).into_owned());
        if event.is_last() {
            bar.finish();
        }
        let is_news = event.is_last() || event.data["success"] == false;
        if is_news { bars.suspend(tell) } else { Ok(()) }
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
