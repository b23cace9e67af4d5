//! Section `security` of the settings: who may use the API.

use std::collections::BTreeMap;

use opilio_actors::domain::scope::Scope;
use opilio_actors::domain::secret::Secret;
use serde::{Deserialize, Deserializer};

/// Principals of their own, whose names no token may have.
const TAKEN: [&str; 2] = ["anonymous", "operator"];

const LONGEST_NAME: usize = 64;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Security {
    pub api_token: Option<Secret>,
    pub tokens: BTreeMap<TokenName, Token>,
    pub allow_unauthenticated: bool,
    pub secret_key: Option<Secret>,
    pub open_metrics: bool,
}

impl Security {
    /// Whether anybody needs a credential.
    pub fn is_closed(&self) -> bool {
        self.api_token.is_some() || !self.tokens.is_empty()
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    #[serde(deserialize_with = "hashes")]
    pub sha256: Vec<[u8; 32]>,
    pub scope: Scope,
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
