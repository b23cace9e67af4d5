//! Webhooks on the wire: headers, signature, POST, and what came back.

mod excerpt;
pub(crate) mod headers;
mod settings;
mod signature;
mod transport;

pub use settings::{BadWebhookSettings, WebhookSettings};
pub use signature::Signer;
pub use transport::HttpTransport;
