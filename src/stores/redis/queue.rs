//! Submission and claims.

use std::collections::HashSet;
use std::time::Duration;

use opilio_actors::domain::id::{JobId, NodeId};
use opilio_actors::domain::job::{Job, JobState};
use opilio_actors::domain::kind::JobKind;
use opilio_actors::ports::{Claim, NewJob, StoreError, Submission};
use redis::Value;
use ulid::Ulid;

use super::RedisStore;
use super::reply::{Reply, read};
use super::row::{Fields, micros};
use crate::stores::blob;
use crate::stores::convert::invalid;

/// A larger request is transferred on a pooled connection.
const MAX_SMALL_REQUEST: usize = 64 * 1024;

pub async fn submit(store: &RedisStore, new: NewJob) -> Result<Submission, StoreError> {
    let queue = new.queue_key().to_string();
    let NewJob { id, principal, max_open, mut spec, idempotency } = new;
    let (kind, total) = (spec.kind(), spec.urls().len());
    let target = spec.webhook.take();
    let receiver = target.as_ref().map(|target| target.receiver().as_str().to_owned()).unwrap_or_default();
    let webhook = target.map(|target| serde_json::to_vec(&target)).transpose();
    let webhook = webhook.map_err(|_| invalid("job webhook_config"))?.unwrap_or_default();
    let spec = serde_json::to_vec(&spec).map_err(|_| invalid("job spec"))?;
    let spec = blob::pack_async(spec.into()).await;
    let (key, fingerprint) = idempotency.map(|known| (known.key, known.fingerprint)).unwrap_or_default();
    let limit = |limit: Option<u64>| limit.map(|limit| limit.to_string()).unwrap_or_default();
    let script = &store.scripts.submit;
    let args = |call: &mut redis::ScriptInvocation<'_>| {
        call.arg(id.as_str()).arg(principal.as_str()).arg(kind.as_str()).arg(&spec).arg(&webhook);
        call.arg(receiver).arg(total).arg(key).arg(fingerprint);
        call.arg(limit(store.settings.max_queued)).arg(limit(max_open.or(store.settings.max_per_principal)));
        call.arg(store.job_format).arg(&queue);
    };
    let mut reply: Reply = if spec.len() > MAX_SMALL_REQUEST {
        store.run_large(script, args).await
    } else {
        store.run(script, args).await
    }?;
    match reply.result.as_str() {
        "admitted" => Ok(Submission::Admitted),
        "duplicate" => {
            let id: String = reply.next()?;
            JobId::parse(&id).map(Submission::Duplicate).map_err(|_| invalid("job id"))
        }
        "key_reused" => Ok(Submission::KeyReused),
        full => Err(StoreError::Full { principal: full == "principal_full" }),
    }
}

pub async fn claim(
    store: &RedisStore,
    node: &NodeId,
    kind: JobKind,
    limit: usize,
    lease_duration: Duration,
) -> Result<Vec<Claim>, StoreError> {
    let name = Ulid::generate().to_string();
    let reply: Result<Vec<Vec<Value>>, _> = store
        .run(&store.scripts.claim, |call| {
            call.arg(node.as_str()).arg(kind.as_str()).arg(limit).arg(micros(lease_duration));
            call.arg(store.job_format).arg(&name).arg(store.unacknowledged_claims.names(kind));
        })
        .await;
    let claimed = reply.inspect_err(|_| store.unacknowledged_claims.add(name, kind, lease_duration))?;
    let mut claims = Vec::with_capacity(claimed.len());
    for job in claimed {
        let [id, fields, recorded] = <[Value; 3]>::try_from(job).map_err(|_| invalid("claim"))?;
        let id: String = read(id)?;
        match read_claim(&id, fields, recorded) {
            Ok(claim) => claims.push(claim),
            Err(StoreError::Damaged(reason)) => {
                // The other claims are returned anyway. If this fails, the job is claimed again when its lease expires.
                if let Err(error) = fail_unreadable(store, &id, &reason).await {
                    tracing::warn!(task_id = id, %error, "unreadable job could not be failed");
                }
            }
            Err(other) => return Err(other),
        }
    }
    Ok(claims)
}

fn read_claim(id: &str, fields: Value, recorded: Value) -> Result<Claim, StoreError> {
    let job: Job = Fields(read(fields)?).job(JobId::parse(id).map_err(|_| invalid("job id"))?)?;
    let JobState::Running { lease } = &job.state else { return Err(invalid("job state")) };
    let recorded: HashSet<u32> = read::<Vec<u32>>(recorded)?.into_iter().collect();
    let missing = (0..job.progress.total).filter(|index| !recorded.contains(index)).collect();
    Ok(Claim { lease: lease.clone(), missing, job })
}

/// Fails a job that cannot be read, so that it does not block other jobs; its data stay for inspection.
async fn fail_unreadable(store: &RedisStore, id: &str, reason: &str) -> Result<(), StoreError> {
    tracing::error!(task_id = id, reason, "stored job cannot be read and was failed");
    let error = format!("The stored job cannot be read: {reason}");
    store
        .run::<Value>(&store.scripts.fail_unreadable, |call| {
            call.arg(id).arg(error);
        })
        .await?;
    Ok(())
}
