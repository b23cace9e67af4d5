//! Traits through which the actors reach storage, the network and the clock.

mod clock;
mod delivery_store;
mod job_queries;
mod job_store;
mod model;
mod model_error;
mod notification;
mod page_cache;
mod page_fetcher;
mod page_reader;
mod store_error;
mod stored_pages;
mod webhook_body;
mod webhook_transport;

pub use clock::Clock;
pub use delivery_store::{AttemptStart, AttemptTerms, DeliveryLog, DeliveryStore, DueQuery, ReplayFilter};
pub use job_queries::{Changes, JobFilter, JobPage, JobSummary, PageLimit, QueueCounts};
pub use job_store::{Claim, Idempotency, JobStore, NewJob, Release, SettleReason, Submission};
pub use model::{LanguageModel, Message, ModelName, ModelRequest, ModelResponse, ResolvedModel, Role};
pub use model_error::{ModelError, TokenCount, is_unusable_model};
pub use notification::Notification;
pub use page_cache::{CachedPage, PageCache};
pub use page_fetcher::{FetchError, FetchedPage, LinkingPage, PageFetcher, PageRequest};
pub use page_reader::{PageReader, PageReading, PageText};
pub use store_error::StoreError;
pub use stored_pages::{CHUNK, PageChunk, read_chunk};
pub use webhook_body::WebhookBody;
pub use webhook_transport::{WebhookRequest, WebhookTransport};

/// Both stores of one backend. `Arc<dyn Store>` coerces to `Arc<dyn JobStore>` and `Arc<dyn DeliveryStore>`.
pub trait Store: JobStore + DeliveryStore {}

impl<S: JobStore + DeliveryStore> Store for S {}
