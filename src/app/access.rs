//! Section `security` of the settings, as the HTTP routes take it.

use crate::http::{AccessSettings, NamedToken};
use crate::settings::Security;

pub fn settings(security: &Security) -> AccessSettings {
    let tokens = security.tokens.iter().map(|(name, token)| NamedToken {
        name: name.as_str().to_owned(),
        hashes: token.sha256.clone(),
        scope: token.scope,
    });
    AccessSettings {
        api_token: security.api_token.clone(),
        tokens: tokens.collect(),
        open_metrics: security.open_metrics,
    }
}
