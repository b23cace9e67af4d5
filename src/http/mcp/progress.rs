//! Notifies the client of a call about the progress of its job.

use opilio_actors::domain::job::{Progress, Status};
use rmcp::model::{ProgressNotificationParam, ProgressToken};
use rmcp::service::{Peer, RequestContext, RoleServer};

use crate::http::error::ApiError;
use crate::http::sync_job::SyncJob;

pub struct ProgressNotifier {
    peer: Peer<RoleServer>,
    /// `None`: the client did not request notifications.
    token: Option<ProgressToken>,
    /// Pages in the last notification.
    notified: Option<u32>,
}

impl ProgressNotifier {
    pub fn of(call: &RequestContext<RoleServer>) -> Self {
        Self { peer: call.peer.clone(), token: call.meta.get_progress_token(), notified: None }
    }

    /// Returns when the job is settled.
    pub async fn follow(&mut self, job: &mut SyncJob) -> Result<(), ApiError> {
        loop {
            let summary = job.summary().await?;
            self.notify(summary.progress).await;
            if summary.status != Status::Processing {
                return Ok(());
            }
            job.changed().await;
        }
    }

    /// Sends a notification if more pages are done.
    async fn notify(&mut self, progress: Progress) {
        let Progress { done, failed, total } = progress;
        let is_new = self.notified.is_none_or(|notified| notified < done);
        let Some(token) = self.token.clone().filter(|_| is_new) else { return };
        self.notified = Some(done);
        let progress = ProgressNotificationParam::new(token, done.into()).with_total(total.into());
        let progress = progress.with_message(format!("{done} of {total}, {failed} failed"));
        // A disconnect cancels the call elsewhere.
        let _ = self.peer.notify_progress(progress).await;
    }
}
