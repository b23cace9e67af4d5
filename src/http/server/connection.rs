//! A client connection with timeouts for the headers of a request and for reading a response. (The timeout for request
//! bodies is in `src/http/body.rs`.) If the client disconnects while a request is handled, the handler is dropped.

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

#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// From the start of the connection, or the end of `keep_alive`, to the end of a request's headers.
    pub header: Duration,
    /// Between two requests.
    pub keep_alive: Duration,
    /// Total time for which writes may block, extended as the client reads. See [`WriteAllowance`].
    pub write: Duration,
}

/// The time for which writes may still block. A fixed timeout per write would let a client that reads a byte now and then
/// hold a response forever.
struct WriteAllowance {
    remaining: Duration,
    max: Duration,
}

impl WriteAllowance {
    /// Added for each byte that the client reads: 1 s per 4 KiB.
    const PER_BYTE: Duration = Duration::from_nanos(1_000_000_000 / 4096);

    fn new(max: Duration) -> Self {
        Self { remaining: max, max }
    }

    fn written(&mut self, bytes: usize, blocked: Duration) {
        let added = Self::PER_BYTE.saturating_mul(u32::try_from(bytes).unwrap_or(u32::MAX));
        self.remaining = self.remaining.saturating_sub(blocked).saturating_add(added).min(self.max);
    }
}

/// Whether the connection waits for a request. Set by the middleware when a request begins and ends.
#[derive(Clone)]
pub struct Phase {
    /// When the next headers must be complete; `None` while a request is handled.
    deadline: Rc<Cell<Option<Instant>>>,
    /// The time from the last byte of a response to the deadline.
    allowance: Rc<Cell<Duration>>,
    timeouts: Timeouts,
}

/// Time for a client to read the last response of a connection.
const LINGER: Duration = Duration::from_secs(1);

impl Phase {
    fn new(timeouts: Timeouts) -> Self {
        let phase = Self { deadline: Rc::default(), allowance: Rc::new(Cell::new(timeouts.header)), timeouts };
        phase.extend();
        phase
    }

    /// The headers of a request are complete.
    pub fn begin(&self) {
        self.deadline.set(None);
    }

    /// The handler has finished the response, which may be (`closing`) the connection's last.
    pub fn end(&self, closing: bool) {
        self.allowance.set(if closing { LINGER } else { self.timeouts.keep_alive + self.timeouts.header });
        self.extend();
    }

    fn extend(&self) {
        self.deadline.set(Some(Instant::now() + self.allowance.get()));
    }
}

pub struct Connection {
    stream: TcpStream,
    phase: Phase,
    header_timer: Timer,
    write_timer: Timer,
    /// When the current write began to block.
    blocked_since: Option<Instant>,
    write_allowance: WriteAllowance,
    /// The last read found no data.
    read_pending: bool,
    _permit: ConnectionPermit,
}

impl Connection {
    pub fn new(stream: TcpStream, timeouts: Timeouts, permit: ConnectionPermit) -> Self {
        Self {
            stream,
            phase: Phase::new(timeouts),
            header_timer: Timer::default(),
            write_timer: Timer::default(),
            blocked_since: None,
            write_allowance: WriteAllowance::new(timeouts.write),
            read_pending: false,
            _permit: permit,
        }
    }

    pub fn phase(&self) -> Phase {
        self.phase.clone()
    }

    /// The result of a write; an error if it has blocked for too long.
    fn after_write(&mut self, cx: &mut Context<'_>, write: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(result) = &write {
            self.write_timer.stop();
            let blocked = self.blocked_since.take().map_or(Duration::ZERO, |since| since.elapsed());
            self.write_allowance.written(result.as_ref().map_or(0, |bytes| *bytes), blocked);
            // The handler may have finished the response before the client has read it.
            if self.phase.deadline.get().is_some() {
                self.phase.extend();
            }
            return write;
        }
        let since = *self.blocked_since.get_or_insert_with(Instant::now);
        self.write_timer.poll(since + self.write_allowance.remaining, cx)
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let was_pending = std::mem::replace(&mut self.read_pending, read.is_pending());
        let Some(deadline) = self.phase.deadline.get() else {
            // An end of stream together with the request is not a disconnect: some clients close their sending side then.
            let is_end = matches!(read, Poll::Ready(Ok(()))) && buffer.filled().len() == before;
            let disconnected = was_pending && is_end;
            return if disconnected { Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into())) } else { read };
        };
        if self.write_timer.is_running() {
            return read;
        }
        // Also if bytes were read, so that slow headers do not extend the deadline.
        match self.header_timer.poll(deadline, cx) {
            Poll::Ready(timeout) => Poll::Ready(timeout),
            Poll::Pending => read,
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let write = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.after_write(cx, write)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let write = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.after_write(cx, write)
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

/// Created on first use: most connections never block.
#[derive(Default)]
struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    fn is_running(&self) -> bool {
        self.0.is_some()
    }

    fn stop(&mut self) {
        self.0 = None;
    }

    /// Ready with an error after `deadline`.
    fn poll<T>(&mut self, deadline: Instant, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
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

    const DAY: Duration = Duration::from_secs(86_400);

    /// How long a client that reads `bytes` every `interval_ms` can hold a response; at most a day.
    fn held_for(bytes: usize, interval_ms: u64) -> Duration {
        let (mut held, interval) = (Duration::ZERO, Duration::from_millis(interval_ms));
        let mut allowance = WriteAllowance::new(Duration::from_secs(30));
        while allowance.remaining >= interval && held < DAY {
            allowance.written(bytes, interval);
            held += interval;
        }
        held
    }

    #[test]
    fn slow_readers_time_out_and_steady_readers_do_not() {
        assert!(held_for(64 * 1024, 10_000) >= DAY);
        assert!(held_for(0, 100) <= Duration::from_secs(30));
        assert!(held_for(1, 1000) <= Duration::from_secs(31));
        assert!(held_for(1024, 1000) <= Duration::from_secs(41));
    }
}
