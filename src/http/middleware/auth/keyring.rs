//! The configured tokens and their owners.

use std::collections::HashMap;

use opilio_actors::domain::id::Principal;
use opilio_actors::domain::scope::Scope;
use opilio_actors::domain::secret::Secret;
use ring::{digest, hmac, rand};

use crate::http::caller::Caller;
use crate::http::middleware::Rate;

/// SHA-256 of a token. Tokens are random, so neither a salt nor key stretching is needed.
pub type TokenHash = [u8; 32];

/// A token in the configuration.
#[derive(Clone, Debug)]
pub struct NamedToken {
    /// The principal of its jobs.
    pub name: String,
    /// More than one while the token is rotated.
    pub hashes: Vec<TokenHash>,
    pub scope: Scope,
    /// Rate limit of its requests; `None`: the limit of all principals.
    pub rate: Option<Rate>,
    /// Limit of its queued and running jobs; `None`: the limit of all principals.
    pub max_jobs: Option<u64>,
}

impl NamedToken {
    pub fn principal(&self) -> Principal {
        Principal::new(self.name.clone())
    }
}

/// Finds the owner of a token by its digest with a random key, so that the duration of a look-up reveals nothing about
/// the tokens.
pub struct Keyring {
    key: hmac::Key,
    owners: HashMap<Vec<u8>, Caller>,
    operator: Option<Vec<u8>>,
}

impl Keyring {
    /// `api_token` is the operator's: principal `operator`, scope `admin`.
    pub fn new(api_token: Option<&Secret>, tokens: &[NamedToken]) -> Self {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &rand::SystemRandom::new());
        let key = key.unwrap_or_else(|_| unreachable!("the system has a random number generator"));
        let mut ring = Self { key, owners: HashMap::new(), operator: None };
        for token in tokens {
            for hash in &token.hashes {
                ring.add(hash, Caller::new(token.principal(), token.scope).with_max_jobs(token.max_jobs));
            }
        }
        if let Some(token) = api_token {
            let hash = hash(token.expose());
            ring.operator = Some(ring.digest(&hash));
            ring.add(&hash, Caller::new(Principal::operator(), Scope::Admin));
        }
        ring
    }

    fn add(&mut self, hash: &TokenHash, owner: Caller) {
        self.owners.insert(self.digest(hash), owner);
    }

    pub fn is_empty(&self) -> bool {
        self.owners.is_empty()
    }

    /// Whether `api_token` is configured.
    pub fn has_operator(&self) -> bool {
        self.operator.is_some()
    }

    /// Compares digests with a random key, so that the duration reveals nothing.
    pub fn is_operator(&self, token: &str) -> bool {
        self.operator.as_ref() == Some(&self.digest(&hash(token)))
    }

    pub fn owner(&self, token: &str) -> Option<&Caller> {
        self.owners.get(&self.digest(&hash(token)))
    }

    fn digest(&self, hash: &TokenHash) -> Vec<u8> {
        hmac::sign(&self.key, hash).as_ref().to_vec()
    }
}

/// The hash of a token; the configuration contains it in hexadecimal.
pub fn hash(token: &str) -> TokenHash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_configured_tokens_have_owners() {
        let token = NamedToken {
            name: "ci".to_owned(),
            hashes: vec![hash("old"), hash("new")],
            scope: Scope::Submit,
            rate: None,
            max_jobs: None,
        };
        let ring = Keyring::new(Some(&Secret::new("own")), &[token]);
        let principal = |token| ring.owner(token).map(|owner| owner.principal().as_str());
        assert_eq!([principal("old"), principal("new"), principal("own")], [Some("ci"), Some("ci"), Some("operator")]);
        assert_eq!([principal(""), principal("ow"), principal("own ")], [None; 3]);
        assert!(ring.has_operator() && ring.is_operator("own") && !ring.is_operator("old"));
        assert_eq!(ring.owner("own").and_then(Caller::sees), None);
        assert!(ring.owner("old").is_some_and(|owner| owner.require(Scope::Admin).is_err()));
    }

    #[test]
    fn keyring_without_tokens_is_empty() {
        assert!(Keyring::new(None, &[]).is_empty());
    }
}
