//! How a job goes, told to the client that waits for it.

use opilio_actors::domain::job::{Progress as Pages, Status};
use rmcp::model::{ProgressNotificationParam, ProgressToken};
use rmcp::service::{Peer, RequestContext, RoleServer};

use crate::http::error::ApiError;
use crate::http::sync_job::SyncJob;

pub struct Progress {
    peer: Peer<RoleServer>,
    /// `None`: the client does not want to know.
    token: Option<ProgressToken>,
    /// Pages that were told of.
    told: Option<u32>,
}

impl Progress {
    pub fn of(call: &RequestContext<RoleServer>) -> Self {
        Self { peer: call.peer.clone(), token: call.meta.get_progress_token(), told: None }
    }

    /// Returns when the job has come to its end.
    pub async fn follow(&mut self, interactive: &mut SyncJob) -> Result<(), ApiError> {
        loop {
            let standing = interactive.look().await?;
            self.tell(standing.progress).await;
            if standing.status != Status::Processing {
                return Ok(());
            }
            interactive.changed().await;
        }
    }

    /// Each time that there is more than the last time.
    async fn tell(&mut self, progress: Pages) {
        let Pages { done, failed, total } = progress;
        let Some(token) = self.token.clone().filter(|_| self.told.is_none_or(|told| told < done)) else { return };
        self.told = Some(done);
        let news = ProgressNotificationParam::new(token, done.into()).with_total(total.into());
        let news = news.with_message(format!("{done} of {total}, {failed} failed"));
        // Who does not hear it any more will be found to be gone.
        let _ = self.peer.notify_progress(news).await;
    }
}
