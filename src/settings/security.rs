//! Section `security` of the settings: who may use the API.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use opilio_actors::domain::scope::Scope;
use opilio_actors::domain::secret::Secret;
use serde::{Deserialize, Deserializer};
use url::Url;

use super::Rate;

/// Principals of their own, whose names no token may have.
const TAKEN: [&str; 2] = ["anonymous", "operator"];

const LONGEST_NAME: usize = 64;

/// Keys that everybody tries first.
const WEAK: [&str; 6] = ["mysecret", "secret", "password", "changeme", "test", "12345678"];

const SHORTEST_KEY: usize = 32;

/// A key of fewer different signs was typed, not drawn.
const FEWEST_SIGNS: usize = 8;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Security {
    pub api_token: Option<Secret>,
    pub tokens: BTreeMap<TokenName, Token>,
    pub allow_unauthenticated: bool,
    pub secret_key: Option<Secret>,
    pub jwt_enabled: bool,
    #[serde(with = "humantime_serde")]
    pub jwt_ttl: Duration,
    pub open_metrics: bool,
    pub trusted_hosts: Vec<String>,
    pub cors_allow_origins: Vec<String>,
}

impl Security {
    /// Whether anybody needs a credential.
    pub fn is_closed(&self) -> bool {
        self.api_token.is_some() || !self.tokens.is_empty() || self.jwt_enabled
    }

    /// What each key alone cannot tell, as a sentence.
    pub fn check(&self) -> Result<(), String> {
        if let Some(key) = &self.secret_key {
            let text = key.expose();
            let is_known = WEAK.contains(&text.to_ascii_lowercase().as_str());
            if is_known || text.len() < SHORTEST_KEY || text.bytes().collect::<BTreeSet<_>>().len() < FEWEST_SIGNS {
                return Err(format!(
                    "security.secret_key (SECRET_KEY) can be guessed: at least {SHORTEST_KEY} characters of chance are \
                     needed, such as `openssl rand -hex 32` gives"
                ));
            }
        }
        if self.jwt_enabled && self.secret_key.is_none() {
            return Err("security.jwt_enabled needs security.secret_key (SECRET_KEY)".to_owned());
        }
        match self.origins().find(|origin| !is_origin(origin)) {
            Some(odd) => Err(format!("security.cors_allow_origins holds `{odd}`; https://app.example is one")),
            None => Ok(()),
        }
    }

    /// Sites whose pages may ask. `*` is none, as in the peer's server.
    pub fn origins(&self) -> impl Iterator<Item = &str> {
        self.cors_allow_origins.iter().map(String::as_str).filter(|origin| !origin.is_empty() && *origin != "*")
    }

    /// What is to be said once at start.
    pub fn notice(&self) -> Option<String> {
        let any = self.trusted_hosts.iter().any(|name| name == "*");
        (any && !self.is_closed()).then(|| {
            "security.trusted_hosts: `*` lifts the check of the Host header only where a credential is needed"
                .to_owned()
        })
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    #[serde(deserialize_with = "hashes")]
    pub sha256: Vec<[u8; 32]>,
    pub scope: Scope,
    #[serde(default)]
    pub rate: Option<Rate>,
    #[serde(default)]
    pub max_jobs: Option<u64>,
}

/// Letters, digits, `-` and `_`, and nobody else's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct TokenName(String);

impl TokenName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for TokenName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if name.is_empty() || name.len() > LONGEST_NAME || !name.bytes().all(plain) {
            return Err(format!("a token's name is 1 to {LONGEST_NAME} letters, digits, `-` and `_`"));
        }
        if TAKEN.contains(&name.as_str()) {
            return Err(format!("`{name}` is somebody else's name"));
        }
        Ok(Self(name))
    }
}

/// One hash or a list of them. The error does not show what is there: it may be the token itself.
fn hashes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<[u8; 32]>, D::Error> {
    let given = match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::Array(list) => list,
        one => vec![one],
    };
    let hashes: Option<Vec<_>> = given.iter().map(|hash| hexadecimal(hash.as_str()?)).collect();
    let needed = "the SHA-256 of a token is 64 hexadecimal digits; `opilio token` makes both";
    hashes.filter(|hashes| !hashes.is_empty()).ok_or_else(|| serde::de::Error::custom(needed))
}

fn is_origin(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| url.origin().is_tuple() && url.origin().ascii_serialization() == text)
}

fn hexadecimal(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut hash = [0; 32];
    for (place, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * place..2 * place + 2)?, 16).ok()?;
    }
    Some(hash)
}
