//! The job of a synchronous request: submitted, watched, and cancelled if the request ends before the job is settled. A
//! short outage of the store ends neither.

use actix_web::web;
use bytes::Bytes;
use opilio_actors::domain::id::JobId;
use opilio_actors::domain::job::{Job, JobSpec, Status, Warning};
use opilio_actors::http_front::WatchJob;
use opilio_actors::job_notifier::JobWatch;
use opilio_actors::job_supervisor::{CancelJob, SubmitJob};
use opilio_actors::ports::{JobSummary, NewJob, StoreError, Submission};

use super::api::Api;
use super::caller::Caller;
use super::error::ApiError;
use super::outage_tolerance::OutageTolerance;
use super::shutdown::InFlight;

pub struct SyncJob {
    pub api: web::Data<Api>,
    pub id: JobId,
    /// Of the job's request.
    pub warnings: Vec<Warning>,
    watch: JobWatch,
    outage_tolerance: OutageTolerance,
    in_flight: InFlight,
    settled: bool,
}

impl SyncJob {
    pub async fn submit(api: web::Data<Api>, caller: &Caller, spec: JobSpec) -> Result<Self, ApiError> {
        let job = api.new_job(caller, JobSpec { interactive: true, ..spec }, None)?;
        // In a task, so that a disconnect during admission does not leave a job without an owner.
        let submitted = tokio::spawn(Self::admit(api, job)).await;
        submitted.map_err(|error| ApiError::Internal(error.to_string()))?
    }

    async fn admit(api: web::Data<Api>, job: NewJob) -> Result<Self, ApiError> {
        let (id, warnings) = (job.id.clone(), job.spec.warnings.clone());
        let watch = api.front.send(WatchJob { job: id.clone() }).await?;
        match api.front.send(SubmitJob { job }).await?? {
            Submission::Admitted => {
                let (outage_tolerance, in_flight) = (OutageTolerance::new(), api.shutdown.register());
                Ok(Self { api, id, warnings, watch, outage_tolerance, in_flight, settled: false })
            }
            other => Err(ApiError::Internal(format!("a job without an idempotency key was {other:?}"))),
        }
    }

    /// The job's current state.
    ///
    /// # Errors
    /// `Unavailable` also if the server stops before the job is settled.
    pub async fn summary(&mut self) -> Result<JobSummary, ApiError> {
        let summary = loop {
            let read = self.api.store.summary(&self.id).await;
            if let Some(summary) = self.tolerate(read).await? {
                break summary.ok_or(ApiError::NotFound)?;
            }
        };
        self.settled = summary.status != Status::Processing;
        if self.in_flight.is_aborted() && !self.settled { Err(ApiError::Unavailable) } else { Ok(summary) }
    }

    /// The value read; `None`, after a pause, if the store is unavailable and the read must be repeated.
    ///
    /// # Errors
    /// `Unavailable` after an outage that is too long.
    pub async fn tolerate<T>(&mut self, read: Result<T, StoreError>) -> Result<Option<T>, ApiError> {
        if !self.outage_tolerance.tolerates(&read) {
            return Ok(Some(read?));
        }
        self.changed().await;
        Ok(None)
    }

    /// Returns when the job may have changed.
    pub async fn changed(&mut self) {
        tokio::select! { () = self.watch.changed() => {}, () = self.in_flight.aborted() => {} }
    }

    /// The settled job.
    ///
    /// # Errors
    /// `Conflict` if another client cancelled the job.
    pub async fn settled(&mut self) -> Result<Job, ApiError> {
        loop {
            match self.summary().await?.status {
                Status::Processing => self.changed().await,
                Status::Cancelled => return Err(ApiError::Conflict("the job was cancelled".to_owned())),
                Status::Completed | Status::Failed => break,
            }
        }
        loop {
            let read = self.api.store.job(&self.id, None).await;
            if let Some(job) = self.tolerate(read).await? {
                return job.ok_or(ApiError::NotFound);
            }
        }
    }

    /// The settled job and its first record.
    pub async fn first_record(&mut self) -> Result<(Job, Bytes), ApiError> {
        let job = self.settled().await?;
        let pages = loop {
            let read = self.api.store.pages(&self.id, 0, 1).await;
            if let Some(pages) = self.tolerate(read).await? {
                break pages;
            }
        };
        let (_, record) = pages.into_iter().next().ok_or(ApiError::NotFound)?;
        Ok((job, record))
    }
}

impl Drop for SyncJob {
    fn drop(&mut self) {
        if !self.settled {
            self.api.front.do_send(CancelJob { job: self.id.clone(), principal: None });
        }
    }
}
