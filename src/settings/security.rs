//! Section `security`: who may use the API.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use opilio_actors::domain::scope::Scope;
use opilio_actors::domain::secret::Secret;
use serde::{Deserialize, Deserializer};
use url::Url;

use super::rate::Rate;

/// Names of built-in principals.
const RESERVED_NAMES: [&str; 2] = ["anonymous", "operator"];

const MAX_NAME_LENGTH: usize = 64;

const WEAK_KEYS: [&str; 6] = ["mysecret", "secret", "password", "changeme", "test", "12345678"];

const MIN_KEY_LENGTH: usize = 32;

/// A random key has more distinct characters than this.
const MIN_DISTINCT_CHARACTERS: usize = 8;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Security {
    pub api_token: Option<Secret>,
    pub tokens: BTreeMap<TokenName, Token>,
    pub open_metrics: bool,
    pub allow_unauthenticated: bool,
    pub secret_key: Option<Secret>,
    pub jwt_enabled: bool,
    #[serde(with = "humantime_serde")]
    pub jwt_ttl: Duration,
    pub trusted_hosts: Vec<String>,
    pub cors_allow_origins: Vec<String>,
}

impl Security {
    pub fn requires_token(&self) -> bool {
        self.api_token.is_some() || !self.tokens.is_empty() || self.jwt_enabled
    }

    pub fn check(&self) -> Result<(), String> {
        if self.secret_key.as_ref().is_some_and(|key| is_weak(key.expose())) {
            return Err(format!(
                "security.secret_key (SECRET_KEY) must be at least {MIN_KEY_LENGTH} random characters, such as the output \
                 of `openssl rand -hex 32`"
            ));
        }
        if self.jwt_enabled && self.secret_key.is_none() {
            return Err("security.jwt_enabled requires security.secret_key (SECRET_KEY)".to_owned());
        }
        match self.origins().find(|origin| !is_origin(origin)) {
            Some(origin) => Err(format!(
                "security.cors_allow_origins contains `{origin}`; expected an origin, such as https://app.example"
            )),
            None => Ok(()),
        }
    }

    /// Origins that CORS allows. `*` is ignored, as in Crawl4AI.
    pub fn origins(&self) -> impl Iterator<Item = &str> {
        self.cors_allow_origins.iter().map(String::as_str).filter(|origin| !origin.is_empty() && *origin != "*")
    }

    pub fn notice(&self) -> Option<String> {
        let allows_any = self.trusted_hosts.iter().any(|name| name == "*");
        (allows_any && !self.requires_token())
            .then(|| "security.trusted_hosts: `*` is ignored because no token is required".to_owned())
    }
}

/// A token of one principal.
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

/// The name of a principal: letters, digits, `-` and `_`; not a reserved name.
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
        let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if name.is_empty() || name.len() > MAX_NAME_LENGTH || !name.bytes().all(is_valid) {
            return Err(format!("the name of a token must be 1 to {MAX_NAME_LENGTH} letters, digits, `-` and `_`"));
        }
        if RESERVED_NAMES.contains(&name.as_str()) {
            return Err(format!("`{name}` is a reserved name"));
        }
        Ok(Self(name))
    }
}

/// One hash or a list of them. The error does not contain the value, because it may be the token itself.
fn hashes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<[u8; 32]>, D::Error> {
    let values = match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::Array(list) => list,
        one => vec![one],
    };
    let hashes: Option<Vec<_>> = values.iter().map(|hash| hexadecimal(hash.as_str()?)).collect();
    let expected = "expected the SHA-256 of a token, 64 hexadecimal digits; `opilio token` creates both";
    hashes.filter(|hashes| !hashes.is_empty()).ok_or_else(|| serde::de::Error::custom(expected))
}

fn is_weak(key: &str) -> bool {
    let distinct = key.bytes().collect::<BTreeSet<_>>().len();
    WEAK_KEYS.contains(&key.to_ascii_lowercase().as_str())
        || key.len() < MIN_KEY_LENGTH
        || distinct < MIN_DISTINCT_CHARACTERS
}

fn is_origin(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| url.origin().is_tuple() && url.origin().ascii_serialization() == text)
}

fn hexadecimal(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut hash = [0; 32];
    for (index, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(hash)
}
