//! Into the queue and out of it.

use std::collections::HashSet;
use std::time::Duration;

use opilio_actors::domain::id::{JobId, NodeId};
use opilio_actors::domain::job::{Interruption, Job, JobState};
use opilio_actors::domain::kind::JobKind;
use opilio_actors::ports::{Claim, NewJob, StoreError, Submission};
use redis::Value;
use ulid::Ulid;

use super::row::{Fields, damaged, micros};
use super::{RedisStore, Reply, blob, costs, read};

impl RedisStore {
    pub(super) async fn admit(&self, new: NewJob) -> Result<Submission, StoreError> {
        let line = new.queue_key().to_string();
        let NewJob { id, principal, max_open, mut spec, idempotency } = new;
        let (kind, total) = (spec.kind(), spec.urls().len());
        let target = spec.webhook.take();
        let receiver = target.as_ref().map(|target| target.receiver().as_str().to_owned()).unwrap_or_default();
        let webhook = target.map(|target| serde_json::to_vec(&target)).transpose();
        let webhook = webhook.map_err(|_| damaged("a job's webhook_config"))?.unwrap_or_default();
        let spec = serde_json::to_vec(&spec).map_err(|_| damaged("a job's spec"))?;
        let spec = blob::pack_async(spec.into()).await;
        let (key, fingerprint) = idempotency.map(|known| (known.key, known.fingerprint)).unwrap_or_default();
        let bound = |most: Option<u64>| most.map(|most| most.to_string()).unwrap_or_default();
        let mut reply: Reply = self
            .ask(&self.scripts.submit, |call| {
                call.arg(id.as_str()).arg(principal.as_str()).arg(kind.as_str()).arg(&spec).arg(&webhook);
                call.arg(receiver).arg(total).arg(key).arg(fingerprint);
                let max_open = max_open.or(self.settings.max_per_principal);
                call.arg(bound(self.settings.max_queued)).arg(bound(max_open)).arg(self.format);
                call.arg(&line);
            })
            .await?;
        match reply.word.as_str() {
            "admitted" => Ok(Submission::Admitted),
            "known" => {
                let id: String = reply.take()?;
                JobId::parse(&id).map(Submission::Duplicate).map_err(|_| damaged("a job's id"))
            }
            "reused" => Ok(Submission::KeyReused),
            full => Err(StoreError::Full { principal: full == "full for principal" }),
        }
    }

    pub(super) async fn lease_jobs(
        &self,
        node: &NodeId,
        kind: JobKind,
        most: usize,
        hold: Duration,
    ) -> Result<Vec<Claim>, StoreError> {
        let name = Ulid::generate().to_string();
        let answer: Result<Vec<Vec<Value>>, _> = self
            .ask(&self.scripts.claim, |call| {
                call.arg(node.as_str()).arg(kind.as_str()).arg(most).arg(micros(hold));
                call.arg(&costs(Interruption::Vanished)[..]).arg(self.format);
                call.arg(&name).arg(self.lost.of(kind));
            })
            .await;
        let answer = answer.inspect_err(|_| self.lost.note(name, kind, hold))?;
        let mut claims = Vec::with_capacity(answer.len());
        for claimed in answer {
            let [id, fields, done] = <[Value; 3]>::try_from(claimed).map_err(|_| damaged("a claim"))?;
            let id: String = read(id)?;
            match claim(&id, fields, done) {
                Ok(claim) => claims.push(claim),
                Err(StoreError::Damaged(why)) => {
                    // The others that were claimed with it do not wait: it is claimed again when its lease ends.
                    if let Err(error) = self.set_aside(&id, &why).await {
                        tracing::warn!(task_id = id, %error, "a job could not be set aside");
                    }
                }
                Err(other) => return Err(other),
            }
        }
        Ok(claims)
    }

    async fn set_aside(&self, id: &str, why: &str) -> Result<(), StoreError> {
        tracing::error!(task_id = id, why, "a job cannot be read and is set aside");
        let why = format!("The job cannot be read: {why}");
        self.ask::<Value>(&self.scripts.set_aside, |call| {
            call.arg(id).arg(why);
        })
        .await?;
        Ok(())
    }
}

fn claim(id: &str, fields: Value, done: Value) -> Result<Claim, StoreError> {
    let job: Job = Fields(read(fields)?).job(JobId::parse(id).map_err(|_| damaged("a job's id"))?)?;
    let JobState::Running { lease } = &job.state else { return Err(damaged("a claimed job's state")) };
    let done: HashSet<u32> = read::<Vec<u32>>(done)?.into_iter().collect();
    let missing = (0..job.progress.total).filter(|index| !done.contains(index)).collect();
    Ok(Claim { lease: lease.clone(), missing, job })
}
