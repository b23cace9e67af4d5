//! The handler of LLM extraction jobs: extracts data from one page with a language model.

mod blocking;
mod checkpoint;
mod chunked;
mod conforming;
mod error;
mod extract;
mod policy;
mod response_cache;
mod session;

pub use checkpoint::usage_of;
pub use extract::Extractor;
pub use policy::ExtractionPolicy;
pub use response_cache::ResponseCacheSettings;
