//! Properties of untrusted input. Each function takes arbitrary input and panics if the property does not hold. The fuzz
//! targets call them, and `tests/properties.rs` with the corpus and generated input.

mod address;
mod body;
mod configuration;
mod json;
mod model_response;
mod page;
mod webhook_header;

pub use address::address;
pub use body::body;
pub use configuration::configuration;
pub use model_response::model_response;
pub use page::page;
pub use webhook_header::webhook_header;
