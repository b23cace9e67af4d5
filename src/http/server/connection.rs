//! A client's connection that does not wait for ever: neither for the head of a request nor for somebody who does not
//! read the answer. (Bodies of requests have a time of their own, in `src/http/body.rs`.) Who hangs up while an answer is
//! made has left: the work for it is dropped.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::rt::net::TcpStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::connection_limit::ConnectionPermit;

/// How long a client may take.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// From the first moment, or the end of the last answer's wait, to the end of a request's head.
    pub head: Duration,
    /// Between two requests.
    pub between: Duration,
    /// With an answer that waits for the client, in all, but for what it earns by reading.
    pub write: Duration,
}

/// How long a client may still leave an answer waiting. Otherwise one that takes a byte now and then holds it for ever.
struct Credit {
    left: Duration,
    most: Duration,
}

impl Credit {
    /// What a client earns by each byte that it takes: a second by 4 KiB.
    const EARNED: Duration = Duration::from_nanos(1_000_000_000 / 4096);

    fn new(most: Duration) -> Self {
        Self { left: most, most }
    }

    fn took(&mut self, bytes: usize, waited: Duration) {
        let earned = Self::EARNED.saturating_mul(u32::try_from(bytes).unwrap_or(u32::MAX));
        self.left = self.left.saturating_sub(waited).saturating_add(earned).min(self.most);
    }
}

/// Where a connection stands, told by the routes.
#[derive(Clone)]
pub struct Phase {
    /// By when the next head must be there; `None`: a request is being answered.
    deadline: Rc<Cell<Option<Instant>>>,
    /// What the deadline is set to, from the last byte of an answer.
    allowance: Rc<Cell<Duration>>,
    timeouts: Timeouts,
}

/// For who was told that the connection ends, to read it.
const LINGER: Duration = Duration::from_secs(1);

impl Phase {
    fn new(timeouts: Timeouts) -> Self {
        let phase = Self { deadline: Rc::default(), allowance: Rc::new(Cell::new(timeouts.head)), timeouts };
        phase.prolong();
        phase
    }

    /// A head has arrived.
    pub fn begin(&self) {
        self.deadline.set(None);
    }

    /// An answer has been given, perhaps (`closing`) the connection's last.
    pub fn end(&self, closing: bool) {
        self.allowance.set(if closing { LINGER } else { self.timeouts.between + self.timeouts.head });
        self.prolong();
    }

    fn prolong(&self) {
        self.deadline.set(Some(Instant::now() + self.allowance.get()));
    }
}

pub struct Connection {
    stream: TcpStream,
    phase: Phase,
    head: Timer,
    write: Timer,
    /// When an answer began to wait for the client.
    waiting_since: Option<Instant>,
    credit: Credit,
    /// All that had come was read, and more was waited for.
    waits: bool,
    _permit: ConnectionPermit,
}

impl Connection {
    pub fn new(stream: TcpStream, timeouts: Timeouts, permit: ConnectionPermit) -> Self {
        let (head, write) = (Timer::default(), Timer::default());
        let credit = Credit::new(timeouts.write);
        let phase = Phase::new(timeouts);
        Self { stream, phase, head, write, waiting_since: None, credit, waits: false, _permit: permit }
    }

    pub fn phase(&self) -> Phase {
        self.phase.clone()
    }

    /// What came of a write; one that waits too long ends the connection.
    fn written(&mut self, cx: &mut Context<'_>, done: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(outcome) = &done {
            self.write.stop();
            let waited = self.waiting_since.take().map_or(Duration::ZERO, |since| since.elapsed());
            self.credit.took(outcome.as_ref().map_or(0, |bytes| *bytes), waited);
            // An answer that is being read has not ended, though its last byte left the routes.
            if self.phase.deadline.get().is_some() {
                self.phase.prolong();
            }
            return done;
        }
        let since = *self.waiting_since.get_or_insert_with(Instant::now);
        self.write.over(since + self.credit.left, cx)
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let waited = std::mem::replace(&mut self.waits, read.is_pending());
        let Some(deadline) = self.phase.deadline.get() else {
            // An end that comes with the request is no leaving: some say by it that there is no more of it.
            let hung_up = waited && matches!(read, Poll::Ready(Ok(()))) && buffer.filled().len() == before;
            return if hung_up { Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into())) } else { read };
        };
        if self.write.deadline().is_some() {
            return read;
        }
        // Also where something was read: bytes that drip in do not prolong it.
        match self.head.over(deadline, cx) {
            Poll::Ready(late) => Poll::Ready(late),
            Poll::Pending => read,
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.written(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.written(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Made when it is first needed: most connections never wait.
#[derive(Default)]
struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    fn deadline(&self) -> Option<Instant> {
        self.0.as_ref().map(|sleep| sleep.deadline())
    }

    fn stop(&mut self) {
        self.0 = None;
    }

    /// Ready with an error once `deadline` has passed.
    fn over<T>(&mut self, deadline: Instant, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if sleep.deadline() != deadline {
            sleep.as_mut().reset(deadline);
        }
        sleep.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How long a client is waited for, that takes so many bytes after each so many milliseconds; at most a day.
    fn waited_for(bytes: usize, every: u64) -> Duration {
        let (mut credit, mut waited, every) =
            (Credit::new(Duration::from_secs(30)), Duration::ZERO, Duration::from_millis(every));
        while credit.left >= every && waited < Duration::from_secs(86_400) {
            credit.took(bytes, every);
            waited += every;
        }
        waited
    }

    #[test]
    fn who_reads_on_is_waited_for_and_who_drips_is_not() {
        assert!(waited_for(64 * 1024, 10_000) >= Duration::from_secs(86_400));
        assert!(waited_for(0, 100) <= Duration::from_secs(30));
        assert!(waited_for(1, 1000) <= Duration::from_secs(31));
        assert!(waited_for(1024, 1000) <= Duration::from_secs(41));
    }
}
