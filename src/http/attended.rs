//! A job that its caller waits for: submitted, watched, and cancelled when the caller leaves before it is settled.

use actix_web::web;
use bytes::Bytes;
use opilio_actors::domain::id::JobId;
use opilio_actors::domain::job::{Job, JobSpec, Status};
use opilio_actors::http_front::WatchJob;
use opilio_actors::job_supervisor::{CancelJob, SubmitJob};
use opilio_actors::ports::{NewJob, Standing, Submission};
use opilio_actors::watchers::Watch;

use super::errors::ApiError;
use super::{Api, Caller};

pub struct Attended {
    pub api: web::Data<Api>,
    pub id: JobId,
    watch: Watch,
    settled: bool,
}

impl Attended {
    pub async fn submit(api: web::Data<Api>, caller: &Caller, spec: JobSpec) -> Result<Self, ApiError> {
        let job = api.new_job(caller, spec, None)?;
        // A task of its own, so that a caller who leaves before the job is admitted does not leave it behind.
        let submitted = tokio::spawn(Self::admit(api, job)).await;
        submitted.map_err(|error| ApiError::Internal(error.to_string()))?
    }

    async fn admit(api: web::Data<Api>, job: NewJob) -> Result<Self, ApiError> {
        let id = job.id.clone();
        let watch = api.front.send(WatchJob { job: id.clone() }).await?;
        match api.front.send(SubmitJob { job }).await?? {
            Submission::Admitted => Ok(Self { api, id, watch, settled: false }),
            other => Err(ApiError::Internal(format!("a job without a key was {other:?}"))),
        }
    }

    /// How far the job is.
    pub async fn look(&mut self) -> Result<Standing, ApiError> {
        let standing = self.api.store.standing(&self.id).await?.ok_or(ApiError::NotFound)?;
        self.settled = standing.status != Status::Processing;
        Ok(standing)
    }

    /// Returns when there may be more to see.
    pub async fn changed(&mut self) {
        self.watch.changed().await;
    }

    /// The job when it has come to its end. Somebody else may have cancelled it: `409`.
    pub async fn ended(&mut self) -> Result<Job, ApiError> {
        loop {
            match self.look().await?.status {
                Status::Processing => self.changed().await,
                Status::Cancelled => return Err(ApiError::Conflict("the job was cancelled".to_owned())),
                Status::Completed | Status::Failed => break,
            }
        }
        self.api.store.job(&self.id, None).await?.ok_or(ApiError::NotFound)
    }

    /// The one record of a job that has one, when the job has come to its end.
    pub async fn only_record(&mut self) -> Result<(Job, Bytes), ApiError> {
        let job = self.ended().await?;
        let record = self.api.store.pages(&self.id, 0, 1).await?.into_iter().next();
        let (_, record) = record.ok_or(ApiError::NotFound)?;
        Ok((job, record))
    }
}

impl Drop for Attended {
    fn drop(&mut self) {
        if !self.settled {
            self.api.front.do_send(CancelJob { job: self.id.clone(), principal: None });
        }
    }
}
