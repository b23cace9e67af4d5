//! The body of a webhook: in memory, or read from the store while it is sent.

use std::fmt;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, BoxStream, Stream, StreamExt};

use super::job_store::JobStore;
use super::store_error::StoreError;
use super::stored_pages::{CHUNK, PageChunk, read_chunk};
use crate::domain::id::JobId;
use crate::domain::page_template::{PageTemplate, TemplatePart};

/// JSON with the same bytes at every reading, attempt and replay.
#[derive(Clone)]
pub struct WebhookBody {
    parts: Vec<Part>,
}

#[derive(Clone)]
enum Part {
    Memory(Bytes),
    /// All pages of a settled job, separated by commas.
    Stored {
        store: Arc<dyn JobStore>,
        job: JobId,
        count: u32,
    },
}

impl WebhookBody {
    /// A template with these pages. A body up to [`CHUNK`] becomes one piece.
    pub fn from_pages(template: &PageTemplate, pages: &[Bytes]) -> Self {
        let mut pieces = Vec::new();
        for part in template.parts() {
            match part {
                TemplatePart::Text(text) => pieces.push(text.clone()),
                TemplatePart::Pages => {
                    for (index, page) in pages.iter().enumerate() {
                        pieces.extend((index > 0).then_some(Bytes::from_static(b",")));
                        pieces.push(page.clone());
                    }
                }
            }
        }
        if pieces.iter().map(Bytes::len).sum::<usize>() > CHUNK {
            return Self { parts: pieces.into_iter().map(Part::Memory).collect() };
        }
        let mut whole = BytesMut::new();
        pieces.iter().for_each(|piece| whole.extend_from_slice(piece));
        whole.freeze().into()
    }

    /// A template with the `count` pages of `job`, which are read from `store` while the body is sent.
    pub fn from_store(template: PageTemplate, store: &Arc<dyn JobStore>, job: &JobId, count: u32) -> Self {
        let part = |part| match part {
            TemplatePart::Text(text) => Part::Memory(text),
            TemplatePart::Pages => Part::Stored { store: Arc::clone(store), job: job.clone(), count },
        };
        Self { parts: template.into_parts().into_iter().map(part).collect() }
    }

    /// The whole body, if it is one piece.
    pub fn whole(&self) -> Option<&Bytes> {
        match &self.parts[..] {
            [Part::Memory(whole)] => Some(whole),
            _ => None,
        }
    }

    /// The body from its beginning. At most one chunk is in memory.
    pub fn pieces(&self) -> BoxStream<'static, Result<Bytes, StoreError>> {
        let parts = self.parts.clone().into_iter().map(|part| match part {
            Part::Memory(piece) => stream::iter([Ok(piece)]).left_stream(),
            Part::Stored { store, job, count } => stored(store, job, count).right_stream(),
        });
        stream::iter(parts).flatten().boxed()
    }
}

impl From<Bytes> for WebhookBody {
    fn from(whole: Bytes) -> Self {
        Self { parts: vec![Part::Memory(whole)] }
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

fn stored(store: Arc<dyn JobStore>, job: JobId, count: u32) -> impl Stream<Item = Result<Bytes, StoreError>> {
    let chunks = stream::try_unfold(0, move |from| {
        let (store, job) = (Arc::clone(&store), job.clone());
        async move {
            let PageChunk { pages, next } = read_chunk(&*store, &job, from, count).await?;
            Ok((next > from).then_some(((from, pages), next)))
        }
    });
    chunks.flat_map(|chunk| match chunk {
        Ok((from, pages)) => stream::iter(pages.into_iter().enumerate())
            .flat_map(move |(offset, page)| {
                let comma = (from > 0 || offset > 0).then_some(Bytes::from_static(b","));
                stream::iter(comma.into_iter().chain([page]).map(Ok))
            })
            .left_stream(),
        Err(error) => stream::iter([Err(error)]).right_stream(),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::TryStreamExt;

    use super::*;
    use crate::kinds::CRAWL;
    use crate::testing::clock::ManualClock;
    use crate::testing::contract::RETENTION;
    use crate::testing::jobs;
    use crate::testing::memory::MemoryStore;

    #[tokio::test]
    async fn short_bodies_are_one_piece_and_long_ones_are_not_copied() {
        let short = WebhookBody::from_pages(&PageTemplate::list(), &["1", "2"].map(Bytes::from));
        assert_eq!(short.whole().map(|whole| &whole[..]), Some(&b"[1,2]"[..]));
        let long = WebhookBody::from_pages(&PageTemplate::list(), &[Bytes::from(vec![b'1'; CHUNK])]);
        assert!(long.whole().is_none());
        for _ in 0..2 {
            let pieces: Vec<_> = long.pieces().map(|piece| piece.map(|piece| piece.len())).collect().await;
            assert_eq!(pieces, [Ok(1), Ok(CHUNK), Ok(1)], "a body can be read again");
        }
    }

    #[tokio::test]
    async fn missing_page_ends_a_body_with_an_error() {
        let store = Arc::new(MemoryStore::new(Arc::new(ManualClock::default()), RETENTION));
        let job = jobs::crawl(3);
        let id = job.id.clone();
        store.submit(job).await.unwrap();
        let claimed = store.claim(&jobs::node("a"), CRAWL, 1, Duration::from_secs(9)).await.unwrap();
        store.record_pages(&claimed[0].lease, vec![jobs::good_page(0), jobs::good_page(2)]).await.unwrap();
        let store: Arc<dyn JobStore> = store;
        let body = WebhookBody::from_store(PageTemplate::list(), &store, &id, 3);
        let read: Result<Vec<_>, _> = body.pieces().try_collect().await;
        assert_eq!(read, Err(StoreError::Damaged(format!("page 1 of {id} is missing"))));
    }
}
