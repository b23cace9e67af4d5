//! Sets up the log.

use std::io::{self, Write};
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use opilio_actors::domain::text::escape_except;
use tracing::error;
use tracing_subscriber::EnvFilter;

use super::log_queue::LogQueue;
use crate::settings::{LogFormat, Settings};

/// Logs to standard output, whose first line is the address; to standard error before `listening` is set. Panics are logged
/// as errors.
pub fn start(settings: &Settings, listening: Arc<AtomicBool>) -> anyhow::Result<LogQueue> {
    let filter = EnvFilter::try_new(settings.logging.level.to_ascii_lowercase()).context("logging.level")?;
    // rmcp logs every message, including its secrets.
    let filter = filter.add_directive("rmcp=off".parse()?);
    // Colours are control characters, which are escaped.
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false);
    let queue = LogQueue::start(LineWriter(Output { listening }))?;
    let writer = queue.clone();
    let log = log.with_writer(move || writer.clone());
    match settings.log_format() {
        LogFormat::Json => log.json().init(),
        LogFormat::Text => log.init(),
    }
    panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        let payload = panic.payload();
        let text = payload.downcast_ref::<&str>().copied();
        let reason = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("unknown");
        error!(target: "panic", location, reason, "panicked");
    }));
    Ok(queue)
}

/// Standard output once `listening` is set, before that standard error.
struct Output {
    listening: Arc<AtomicBool>,
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.listening.load(Ordering::Acquire) {
            true => io::stdout().write(bytes),
            false => io::stderr().write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush()
    }
}

/// Writes each event as one line and escapes its control characters, so text from outside cannot forge lines or act on a
/// terminal.
struct LineWriter<W>(W);

impl<W: Write> Write for LineWriter<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        // One write, so that lines of several threads do not mix.
        let mut escaped = escape_except(line, |c| c == '\t').into_owned();
        escaped.push('\n');
        self.0.write_all(escaped.as_bytes())?;
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
    fn event_is_written_as_one_escaped_line() {
        let mut out = Vec::new();
        let event = "INFO webhook: refused reason=x\nINFO admin: all is well\x1b[2K\r\n";
        assert_eq!(LineWriter(&mut out).write(event.as_bytes()).ok(), Some(event.len()));
        assert_eq!(out, b"INFO webhook: refused reason=x\\nINFO admin: all is well\\u{1b}[2K\\r\n");
    }
}
