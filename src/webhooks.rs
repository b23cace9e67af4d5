//! The webhook transport: headers, signature, POST, and the outcome of the attempt.

mod excerpt;
pub mod headers;
mod settings;
mod signature;
mod transport;

pub use settings::{InvalidWebhookSettings, WebhookSettings};
pub use signature::Signer;
pub use transport::HttpTransport;
