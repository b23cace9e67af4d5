//! A job that its caller waits for: submitted, watched, and cancelled when the caller leaves before it is settled. A store
//! that is away for a moment ends neither the wait nor the job.

use actix_web::web;
use bytes::Bytes;
use opilio_actors::domain::id::JobId;
use opilio_actors::domain::job::{Job, JobSpec, Status};
use opilio_actors::http_front::WatchJob;
use opilio_actors::job_notifier::JobWatch;
use opilio_actors::job_supervisor::{CancelJob, SubmitJob};
use opilio_actors::ports::{JobSummary, NewJob, StoreError, Submission};

use super::error::ApiError;
use super::outage_tolerance::OutageTolerance;
use super::shutdown::InFlight;
use super::{Api, Caller};

pub struct SyncJob {
    pub api: web::Data<Api>,
    pub id: JobId,
    watch: JobWatch,
    outage_tolerance: OutageTolerance,
    in_flight: InFlight,
    settled: bool,
}

impl SyncJob {
    pub async fn submit(api: web::Data<Api>, caller: &Caller, spec: JobSpec) -> Result<Self, ApiError> {
        let job = api.new_job(caller, JobSpec { interactive: true, ..spec }, None)?;
        // A task of its own, so that a caller who leaves before the job is admitted does not leave it behind.
        let submitted = tokio::spawn(Self::admit(api, job)).await;
        submitted.map_err(|error| ApiError::Internal(error.to_string()))?
    }

    async fn admit(api: web::Data<Api>, job: NewJob) -> Result<Self, ApiError> {
        let id = job.id.clone();
        let watch = api.front.send(WatchJob { job: id.clone() }).await?;
        match api.front.send(SubmitJob { job }).await?? {
            Submission::Admitted => {
                let (outage_tolerance, in_flight) = (OutageTolerance::new(), api.shutdown.register());
                Ok(Self { api, id, watch, outage_tolerance, in_flight, settled: false })
            }
            other => Err(ApiError::Internal(format!("a job without a key was {other:?}"))),
        }
    }

    /// How far the job is.
    ///
    /// # Errors
    /// `Away`, too, when the server leaves before the job has come to its end.
    pub async fn look(&mut self) -> Result<JobSummary, ApiError> {
        let summary = loop {
            let said = self.api.store.summary(&self.id).await;
            if let Some(summary) = self.heard(said).await? {
                break summary.ok_or(ApiError::NotFound)?;
            }
        };
        self.settled = summary.status != Status::Processing;
        if self.in_flight.is_aborted() && !self.settled { Err(ApiError::Unavailable) } else { Ok(summary) }
    }

    /// What the store has said; `None`, after a pause: it is away, and is to be asked again.
    ///
    /// # Errors
    /// `Away` when it has been away for too long.
    pub async fn heard<T>(&mut self, said: Result<T, StoreError>) -> Result<Option<T>, ApiError> {
        if !self.outage_tolerance.tolerates(&said) {
            return Ok(Some(said?));
        }
        self.changed().await;
        Ok(None)
    }

    /// Returns when there may be more to see.
    pub async fn changed(&mut self) {
        tokio::select! { () = self.watch.changed() => {}, () = self.in_flight.aborted() => {} }
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
        loop {
            let said = self.api.store.job(&self.id, None).await;
            if let Some(job) = self.heard(said).await? {
                return job.ok_or(ApiError::NotFound);
            }
        }
    }

    /// The one record of a job that has one, when the job has come to its end.
    pub async fn only_record(&mut self) -> Result<(Job, Bytes), ApiError> {
        let job = self.ended().await?;
        let pages = loop {
            let said = self.api.store.pages(&self.id, 0, 1).await;
            if let Some(pages) = self.heard(said).await? {
                break pages;
            }
        };
        let record = pages.into_iter().next();
        let (_, record) = record.ok_or(ApiError::NotFound)?;
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
