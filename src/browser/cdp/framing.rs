//! Splits a stream into messages that end with a zero byte, each up to a maximum size.

use tokio::io::{AsyncRead, AsyncReadExt};

/// Capacity that is kept for the next message.
const KEPT_CAPACITY: usize = 1 << 20;
/// Bytes at the start of a message that is too large.
const START: usize = 64;

pub enum Frame {
    Message(Vec<u8>),
    /// The message is skipped; these are its first bytes.
    TooLarge {
        start: Vec<u8>,
    },
}

pub struct FrameReader<R> {
    incoming: R,
    max: usize,
    chunk: Vec<u8>,
    /// The unread part of `chunk`.
    unread: std::ops::Range<usize>,
    message: Vec<u8>,
    skipping: bool,
}

impl<R: AsyncRead + Unpin> FrameReader<R> {
    pub fn new(incoming: R, max: usize) -> Self {
        Self { incoming, max, chunk: vec![0; 1 << 16], unread: 0..0, message: Vec::new(), skipping: false }
    }

    /// `None`: the stream has ended.
    pub async fn next(&mut self) -> Option<Frame> {
        loop {
            while !self.unread.is_empty() {
                if let Some(frame) = self.take() {
                    return Some(frame);
                }
            }
            let length = self.incoming.read(&mut self.chunk).await.ok().filter(|length| *length > 0)?;
            self.unread = 0..length;
        }
    }

    /// Reads up to the next zero byte of the chunk, or its end.
    fn take(&mut self) -> Option<Frame> {
        let unread = &self.chunk[self.unread.clone()];
        let end = unread.iter().position(|byte| *byte == 0);
        let part = &unread[..end.unwrap_or(unread.len())];
        self.unread.start += part.len() + usize::from(end.is_some());
        if !self.skipping {
            self.message.extend_from_slice(part);
        }
        if self.message.len() > self.max {
            self.skipping = end.is_none();
            let mut start = std::mem::take(&mut self.message);
            start.truncate(START);
            start.shrink_to_fit();
            return Some(Frame::TooLarge { start });
        }
        end?;
        if std::mem::take(&mut self.skipping) {
            return None;
        }
        let message = std::mem::take(&mut self.message);
        self.message.reserve(message.len().min(KEPT_CAPACITY));
        Some(Frame::Message(message))
    }
}
