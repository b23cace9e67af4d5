//! What the actors need from outside, as traits. Whoever implements one keeps every promise its items state.

mod clock;
mod job_store;
mod model;
mod notice;
mod page_cache;
mod page_fetcher;
mod page_reader;
mod webhook_body;
mod webhook_transport;

pub use clock::Clock;
pub use job_store::{
    AttemptStart, AttemptTerms, Changes, Claim, DeliveryLog, DueQuery, Idempotency, JobFilter, JobPage, JobStore,
    JobSummary, NewJob, PageLimit, QueueCounts, Release, ReplayFilter, SettleReason, StoreError, Submission,
};
pub use model::{
    LanguageModel, ModelAnswer, ModelError, ModelName, ModelPlan, Question, Role, Spent, Turn, is_not_usable,
};
pub use notice::Notice;
pub use page_cache::{KeptPage, PageCache};
pub use page_fetcher::{FetchError, FetchedPage, PageFetcher, PageRequest};
pub use page_reader::PageReader;
pub use webhook_body::{CHUNK, WebhookBody};
pub use webhook_transport::{WebhookRequest, WebhookTransport};
