//! Steps of clients: submission, cancellation and replay.

use super::state::{RunState, Violation, ensure, violation};
use crate::domain::job::JobState;
use crate::ports::Submission;
use crate::testing::jobs::crawl;

impl RunState {
    pub async fn submit(&mut self, pages: usize) -> Result<(), Violation> {
        let mut job = crawl(pages);
        // Some jobs use the interactive queue.
        job.spec.interactive = pages == 2;
        let id = job.id.clone();
        match self.subject.store.submit(job).await {
            Ok(Submission::Admitted) => {}
            other => return violation(format!("submission was not admitted: {other:?}")),
        }
        self.expected(&id).pages = u32::try_from(pages).unwrap_or(u32::MAX);
        self.jobs.push(id);
        Ok(())
    }

    pub async fn cancel(&mut self, job: usize) -> Result<(), Violation> {
        let Some(id) = self.jobs.get(job).cloned() else { return Ok(()) };
        let result = self.subject.store.cancel(&id, None).await;
        let expected = self.expected(&id);
        ensure(result.is_ok() == expected.settled.is_none(), "cancellation contradicts the settlement", &id)?;
        if result.is_ok() {
            expected.settled = Some(JobState::Cancelled);
            expected.lease = None;
        }
        self.check_job(&id).await
    }

    /// A replay requires another delivery, even if an attempt is in progress, and ends the delay of an interrupted attempt.
    pub async fn replay(&mut self, job: usize) -> Result<(), Violation> {
        let Some(id) = self.jobs.get(job).cloned() else { return Ok(()) };
        let (result, now) = (self.subject.store.replay(&id, None).await, self.now());
        let expected = self.expected(&id);
        ensure(result.is_ok() == expected.settled.is_some(), "replay contradicts the settlement", &id)?;
        if result.is_ok() {
            expected.accepted = false;
            if expected.attempt_until.is_none_or(|end| end <= now) {
                expected.delayed_until = None;
            }
        }
        Ok(())
    }
}
