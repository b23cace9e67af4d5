//! Where the log goes, and what it looks like there.

use std::io::{self, Write};
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use opilio_actors::domain::text::visible_but;
use tracing::error;
use tracing_subscriber::EnvFilter;

use crate::settings::{LogFormat, Settings};

/// Standard output begins with the address; what is logged before `listening` is set goes to standard error. A panic is a
/// line like any other.
pub fn start(settings: &Settings, listening: Arc<AtomicBool>) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(settings.logging.level.to_ascii_lowercase()).context("logging.level")?;
    // It would tell of every message, and of what is secret in it.
    let filter = filter.add_directive("rmcp=off".parse()?);
    // Colours are control characters, and none get through.
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false);
    let log = log.with_writer(move || -> Box<dyn Write> {
        match listening.load(Ordering::Acquire) {
            true => Box::new(Line(io::stdout())),
            false => Box::new(Line(io::stderr())),
        }
    });
    match settings.log_format() {
        LogFormat::Json => log.json().init(),
        LogFormat::Text => log.init(),
    }
    panic::set_hook(Box::new(|panic| {
        let at = panic.location().map(ToString::to_string).unwrap_or_default();
        let payload = panic.payload();
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no text");
        error!(target: "panic", at, "{text}");
    }));
    Ok(())
}

/// The one place through which all text reaches the log: whatever an event holds, it stays one line, and nothing in it
/// does anything to the terminal.
struct Line<W>(W);

impl<W: Write> Write for Line<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        // One write, so that the lines of several threads do not mix.
        let mut clean = visible_but(line, |c| c == '\t').into_owned();
        clean.push('\n');
        self.0.write_all(clean.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_whatever_it_holds() {
        let mut out = Vec::new();
        let event = "INFO webhook: refused reason=x\nINFO admin: all is well\x1b[2K\r\n";
        assert_eq!(Line(&mut out).write(event.as_bytes()).ok(), Some(event.len()));
        assert_eq!(out, b"INFO webhook: refused reason=x\\nINFO admin: all is well\\u{1b}[2K\\r\n");
    }
}
