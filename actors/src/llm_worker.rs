//! The handler of LLM extraction jobs: asks a language model about one page.

mod chunked;
mod extract;
mod response_cache;
mod session;

pub use extract::{ExtractionPolicy, Extractor};
pub use response_cache::AnswerCache;
pub use session::usage_of;
