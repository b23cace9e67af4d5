//! The operator's settings for all actors.

use crate::crawl_worker::CrawlPolicy;
use crate::domain::id::NodeId;
use crate::job_supervisor::JobPolicy;
use crate::llm_worker::ExtractionPolicy;
use crate::webhook_sender::SenderPolicy;

/// The settings of every actor.
#[derive(Clone, Debug)]
pub struct Policy {
    pub node: NodeId,
    pub jobs: JobPolicy,
    pub crawl: CrawlPolicy,
    pub extraction: ExtractionPolicy,
    pub webhooks: SenderPolicy,
}
