//! What is told to a receiver: short, or as long as a job's result, which is then read from the store as it is sent.

use std::fmt;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, BoxStream, Stream, StreamExt};

use super::{JobStore, StoreError};
use crate::domain::id::JobId;

/// Bytes read from the store at once. A body no longer than this is in memory.
pub const CHUNK: usize = 1 << 20;

/// JSON; the same bytes each time it is read, at every attempt and replay.
#[derive(Clone)]
pub struct WebhookBody {
    parts: Vec<Part>,
}

#[derive(Clone)]
enum Part {
    Here(Bytes),
    /// All pages of a settled job, a comma between two.
    Stored {
        store: Arc<dyn JobStore>,
        job: JobId,
        pages: u32,
    },
}

impl WebhookBody {
    /// Pieces that are in memory; short ones become one.
    pub fn of(pieces: Vec<Bytes>) -> Self {
        let length = pieces.iter().map(Bytes::len).sum();
        if length > CHUNK {
            return Self { parts: pieces.into_iter().map(Part::Here).collect() };
        }
        let mut whole = BytesMut::with_capacity(length);
        pieces.iter().for_each(|piece| whole.extend_from_slice(piece));
        whole.freeze().into()
    }

    /// The pages of `job`, of which there are so many, between these.
    pub fn around(before: Bytes, store: Arc<dyn JobStore>, job: JobId, pages: u32, after: Bytes) -> Self {
        Self { parts: vec![Part::Here(before), Part::Stored { store, job, pages }, Part::Here(after)] }
    }

    /// The whole of a short one.
    pub fn whole(&self) -> Option<&Bytes> {
        match &self.parts[..] {
            [Part::Here(whole)] => Some(whole),
            _ => None,
        }
    }

    /// The body from its beginning, of which no more is in memory than is read at once.
    pub fn pieces(&self) -> BoxStream<'static, Result<Bytes, StoreError>> {
        let parts = self.parts.clone().into_iter().map(|part| match part {
            Part::Here(piece) => stream::iter([Ok(piece)]).left_stream(),
            Part::Stored { store, job, pages } => stored(store, job, pages).right_stream(),
        });
        stream::iter(parts).flatten().boxed()
    }
}

impl From<Bytes> for WebhookBody {
    fn from(whole: Bytes) -> Self {
        Self { parts: vec![Part::Here(whole)] }
    }
}

impl fmt::Debug for WebhookBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.whole() {
            Some(whole) => whole.fmt(f),
            None => f.write_str("a long body"),
        }
    }
}

fn stored(store: Arc<dyn JobStore>, job: JobId, pages: u32) -> impl Stream<Item = Result<Bytes, StoreError>> {
    let chunks = stream::try_unfold(0, move |from| {
        let (store, job) = (Arc::clone(&store), job.clone());
        async move {
            if from >= pages {
                return Ok(None);
            }
            let (mut pieces, mut next) = (Vec::new(), from);
            for (index, page) in store.pages(&job, from, CHUNK).await? {
                if index != next {
                    return Err(StoreError::Damaged(format!("page {next} of {job} is missing")));
                }
                if index > 0 {
                    pieces.push(Ok(Bytes::from_static(b",")));
                }
                pieces.push(Ok(page));
                next += 1;
            }
            // Each page of a settled job has its record, unless the job is gone.
            if next == from { Err(StoreError::NotFound) } else { Ok(Some((stream::iter(pieces), next))) }
        }
    });
    chunks.flat_map(|chunk| match chunk {
        Ok(pieces) => pieces.left_stream(),
        Err(error) => stream::iter([Err(error)]).right_stream(),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::TryStreamExt;

    use super::*;
    use crate::domain::id::TaskType;
    use crate::testing::clock::ManualClock;
    use crate::testing::contract::RETENTION;
    use crate::testing::jobs;
    use crate::testing::memory::MemoryStore;

    #[tokio::test]
    async fn short_pieces_become_one_and_long_ones_stay_as_they_are() {
        let short = WebhookBody::of(vec![Bytes::from_static(b"[1"), Bytes::from_static(b",2]")]);
        assert_eq!(short.whole().map(|whole| &whole[..]), Some(&b"[1,2]"[..]));
        let long = WebhookBody::of(vec![Bytes::from(vec![b' '; CHUNK]), Bytes::from_static(b"1")]);
        assert!(long.whole().is_none());
        for _ in 0..2 {
            let pieces: Vec<_> = long.pieces().map(|piece| piece.map(|piece| piece.len())).collect().await;
            assert_eq!(pieces, [Ok(CHUNK), Ok(1)], "as often as it is read");
        }
    }

    #[tokio::test]
    async fn a_page_that_is_missing_ends_a_body_and_no_other_stands_in_for_it() {
        let store = Arc::new(MemoryStore::new(Arc::new(ManualClock::default()), RETENTION));
        let job = jobs::crawl(3);
        let id = job.id.clone();
        store.submit(job).await.unwrap();
        let claimed = store.claim(&jobs::node("a"), TaskType::Crawl, 1, Duration::from_secs(9)).await.unwrap();
        store.record_pages(&claimed[0].lease, vec![jobs::good_page(0), jobs::good_page(2)]).await.unwrap();
        let body = WebhookBody::around(Bytes::from_static(b"["), store, id.clone(), 3, Bytes::from_static(b"]"));
        let read: Result<Vec<_>, _> = body.pieces().try_collect().await;
        assert_eq!(read, Err(StoreError::Damaged(format!("page 1 of {id} is missing"))));
    }
}
