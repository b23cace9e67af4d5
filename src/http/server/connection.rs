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

use super::doors::Pass;

/// How long a client may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// From the first moment, or the end of the last answer's wait, to the end of a request's head.
    pub head: Duration,
    /// Between two requests.
    pub between: Duration,
    /// Without taking a byte of an answer.
    pub write: Duration,
}

/// Where a connection stands, told by the routes.
#[derive(Clone)]
pub struct Phase {
    /// By when the next head must be there; `None`: a request is being answered.
    deadline: Rc<Cell<Option<Instant>>>,
    /// What the deadline is set to, from the last byte of an answer.
    allowance: Rc<Cell<Duration>>,
    patience: Patience,
}

/// For who was told that the connection ends, to read it.
const LINGER: Duration = Duration::from_secs(1);

impl Phase {
    fn new(patience: Patience) -> Self {
        let phase = Self { deadline: Rc::default(), allowance: Rc::new(Cell::new(patience.head)), patience };
        phase.prolong();
        phase
    }

    /// A head has arrived.
    pub fn begin(&self) {
        self.deadline.set(None);
    }

    /// An answer has been given, perhaps (`closing`) the connection's last.
    pub fn end(&self, closing: bool) {
        self.allowance.set(if closing { LINGER } else { self.patience.between + self.patience.head });
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
    /// All that had come was read, and more was waited for.
    waits: bool,
    _pass: Pass,
}

impl Connection {
    pub fn new(stream: TcpStream, patience: Patience, pass: Pass) -> Self {
        let (head, write) = (Timer::default(), Timer::default());
        Self { stream, phase: Phase::new(patience), head, write, waits: false, _pass: pass }
    }

    pub fn phase(&self) -> Phase {
        self.phase.clone()
    }

    /// What came of a write; one that waits too long ends the connection.
    fn written<T>(&mut self, cx: &mut Context<'_>, done: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if done.is_ready() {
            self.write.stop();
            // An answer that is being read has not ended, though its last byte left the routes.
            if self.phase.deadline.get().is_some() {
                self.phase.prolong();
            }
            return done;
        }
        let deadline = self.write.deadline().unwrap_or_else(|| Instant::now() + self.phase.patience.write);
        self.write.over(deadline, cx)
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
