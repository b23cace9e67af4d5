//! What the actors need from outside.

use std::sync::Arc;

use crate::ports::{Clock, LanguageModel, PageCache, PageFetcher, PageReader, Store, WebhookTransport};

/// The implementations of the ports.
#[derive(Clone)]
pub struct Dependencies {
    pub store: Arc<dyn Store>,
    pub fetcher: Arc<dyn PageFetcher>,
    pub cache: Arc<dyn PageCache>,
    pub reader: Arc<dyn PageReader>,
    pub transport: Arc<dyn WebhookTransport>,
    pub model: Arc<dyn LanguageModel>,
    pub clock: Arc<dyn Clock>,
}
