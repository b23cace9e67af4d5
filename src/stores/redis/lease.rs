//! What only the holder of a job's lease may do, and how jobs end.

use std::time::Duration;

use bytes::Bytes;
use opilio_actors::domain::crawl::PageRecord;
use opilio_actors::domain::id::{JobId, Principal};
use opilio_actors::domain::job::{Job, Progress};
use opilio_actors::domain::lease::Lease;
use opilio_actors::ports::{Release, SettleReason, StoreError};
use redis::ScriptInvocation;

use super::row::{Fields, micros};
use super::{RedisStore, Reply, blob, costs};

impl RedisStore {
    pub(super) async fn prolong(&self, leases: &[Lease], hold: Duration) -> Result<Vec<Lease>, StoreError> {
        if leases.is_empty() {
            return Ok(Vec::new());
        }
        let lost: Vec<usize> = self
            .ask(&self.scripts.renew, |call| {
                call.arg(micros(hold));
                leases.iter().for_each(|lease| name(call, lease));
            })
            .await?;
        Ok(lost.into_iter().filter_map(|place| leases.get(place).cloned()).collect())
    }

    pub(super) async fn write_pages(&self, lease: &Lease, pages: Vec<PageRecord>) -> Result<Progress, StoreError> {
        let mut packed = Vec::with_capacity(pages.len());
        for page in &pages {
            packed.push(blob::pack_async(page.json.clone()).await);
        }
        let mut reply: Reply = self
            .ask(&self.scripts.record_pages, |call| {
                name(call, lease);
                for (page, packed) in pages.iter().zip(&packed) {
                    call.arg(page.index).arg(u8::from(page.success)).arg(page.error.as_str()).arg(packed);
                }
            })
            .await?;
        held(&reply)?;
        Ok(Progress { done: reply.take()?, failed: reply.take()?, total: reply.take()? })
    }

    pub(super) async fn write_step(&self, lease: &Lease, step: &str, value: Bytes) -> Result<(), StoreError> {
        let packed = blob::pack_async(value).await;
        let reply: Reply = self
            .ask(&self.scripts.checkpoint, |call| {
                name(call, lease);
                call.arg(step).arg(&packed);
            })
            .await?;
        held(&reply)
    }

    pub(super) async fn end(&self, lease: &Lease, ending: &SettleReason) -> Result<Job, StoreError> {
        let mut reply: Reply = self
            .ask(&self.scripts.settle, |call| {
                name(call, lease);
                call.arg(u8::from(*ending == SettleReason::WorkDone))
                    .arg(Self::keep(self.settings.retention.keep(None)));
            })
            .await?;
        if reply.word == "missing" {
            return Err(StoreError::Conflict("the job has pages without a result"));
        }
        held(&reply)?;
        Fields(reply.take()?).job(lease.job.clone())
    }

    pub(super) async fn give_back(&self, lease: &Lease, back: &Release) -> Result<(), StoreError> {
        let reply: Reply = self
            .ask(&self.scripts.release, |call| {
                name(call, lease);
                call.arg(micros(back.delay)).arg(back.reason.as_deref().unwrap_or_default());
                call.arg(&costs(back.interruption)[..]);
            })
            .await?;
        held(&reply)
    }

    pub(super) async fn end_by_request(&self, job: &JobId, principal: Option<&Principal>) -> Result<Job, StoreError> {
        let mut reply: Reply = self
            .ask(&self.scripts.cancel, |call| {
                call.arg(job.as_str()).arg(principal.map_or("", Principal::as_str));
                call.arg("Cancelled by request").arg(Self::keep(self.settings.retention.keep(None)));
            })
            .await?;
        match reply.word.as_str() {
            "ok" => Fields(reply.take()?).job(job.clone()),
            "settled" => Err(StoreError::Conflict("the job is settled already")),
            _ => Err(StoreError::NotFound),
        }
    }
}

fn name(call: &mut ScriptInvocation<'_>, lease: &Lease) {
    call.arg(lease.job.as_str()).arg(lease.node.as_str()).arg(lease.token);
}

fn held(reply: &Reply) -> Result<(), StoreError> {
    if reply.word == "ok" { Ok(()) } else { Err(StoreError::LeaseLost) }
}
