//! Extraction from pages with a language model, for LLM jobs and for crawls; and the handler of LLM jobs.

mod blocking;
mod checkpoint;
mod chunked;
mod conforming;
mod crawl_extraction;
mod error;
mod extract;
mod extractor;
mod history;
mod policy;
mod response_cache;
mod session;

pub use checkpoint::{usage_by_page, usage_of};
pub use crawl_extraction::CrawlExtraction;
pub use extract::Extractor;
pub use extractor::ModelExtractor;
pub use policy::ExtractionPolicy;
pub use response_cache::ResponseCacheSettings;
pub use session::SessionContext;
