//! The queue of the log: a thread of its own writes it, so that an unread pipe blocks no other thread.

use std::io::Write;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;

/// Lines that wait to be written. Further ones are dropped.
const MAX_LINES: usize = 4096;

/// The time for the last lines when the process exits.
const LAST_LINES: Duration = Duration::from_millis(500);

enum Message {
    Line(Vec<u8>),
    /// Answered when the lines before it are written.
    Flush(SyncSender<()>),
}

/// All clones share the queue.
#[derive(Clone)]
pub struct LogQueue {
    sender: SyncSender<Message>,
    /// The number of dropped lines.
    pub dropped: Counter,
}

impl LogQueue {
    /// `output` gets one call of `write_all` for each event.
    pub fn start(output: impl Write + Send + 'static) -> std::io::Result<Self> {
        let (sender, messages) = sync_channel(MAX_LINES);
        std::thread::Builder::new().name("log".to_owned()).spawn(move || write_all(output, &messages))?;
        Ok(Self { sender, dropped: Counter::default() })
    }

    /// Waits until the queued lines are written, for at most half a second. An unread pipe does not delay it further.
    pub fn flush(&self) {
        let (done, flushed) = sync_channel(1);
        if self.sender.try_send(Message::Flush(done)).is_ok() {
            let _ = flushed.recv_timeout(LAST_LINES);
        }
    }
}

fn write_all(mut output: impl Write, messages: &Receiver<Message>) {
    for message in messages {
        match message {
            // A closed pipe: there is no reader to report it to.
            Message::Line(line) => drop(output.write_all(&line)),
            Message::Flush(done) => {
                let _ = output.flush();
                let _ = done.try_send(());
            }
        }
    }
}

impl Write for LogQueue {
    fn write(&mut self, event: &[u8]) -> std::io::Result<usize> {
        match self.sender.try_send(Message::Line(event.to_vec())) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.dropped.inc();
            }
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::mpsc::{Sender, channel};

    use super::*;

    /// Writes to a channel, but only while `gate` is open.
    struct Gated {
        gate: Receiver<()>,
        lines: Sender<Vec<u8>>,
    }

    impl Write for Gated {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            let _ = self.gate.recv();
            self.lines.send(line.to_vec()).map_err(io::Error::other)?;
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn full_queue_drops_and_counts_lines() {
        let ((open, gate), (lines, written)) = (channel(), channel());
        let mut queue = LogQueue::start(Gated { gate, lines }).unwrap();
        for _ in 0..MAX_LINES + 10 {
            assert_eq!(queue.write(b"line").unwrap(), 4);
        }
        // The thread may have taken one line from the queue.
        assert!((9..=10).contains(&queue.dropped.get()), "{}", queue.dropped.get());
        LogQueue::flush(&queue);
        drop(open);
        let expected = MAX_LINES + 10 - usize::try_from(queue.dropped.get()).unwrap();
        assert_eq!(written.iter().take(expected).count(), expected);
    }
}
