//! The tokens that open the API, and whose each is.

use std::collections::HashMap;

use opilio_actors::domain::id::Principal;
use opilio_actors::domain::scope::Scope;
use opilio_actors::domain::secret::Secret;
use ring::{digest, hmac, rand};

use crate::http::caller::Caller;
use crate::http::middleware::Rate;

/// SHA-256 of a token. The token has to be hard to guess: no salt and no stretching would help one that is not.
pub type TokenHash = [u8; 32];

/// A token that the operator gave to somebody.
#[derive(Clone, Debug)]
pub struct NamedToken {
    /// Also the principal of its jobs.
    pub name: String,
    /// More than one while it is being replaced.
    pub hashes: Vec<TokenHash>,
    pub scope: Scope,
    /// Of its requests; `None`: as of anybody's.
    pub rate: Option<Rate>,
    /// Of its jobs, queued or running; `None`: as of anybody's.
    pub most_jobs: Option<u64>,
}

impl NamedToken {
    pub fn principal(&self) -> Principal {
        Principal::new(self.name.clone())
    }
}

/// Finds the owner of a token by a digest whose key nobody knows, so that the time a look-up takes says nothing about
/// the tokens that are there.
pub struct Keyring {
    key: hmac::Key,
    owners: HashMap<Vec<u8>, Caller>,
    operators: Option<Vec<u8>>,
}

impl Keyring {
    /// `api_token` is the operator's own: principal `operator`, scope `admin`.
    pub fn new(api_token: Option<&Secret>, tokens: &[NamedToken]) -> Self {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &rand::SystemRandom::new());
        let key = key.unwrap_or_else(|_| unreachable!("the system's own chance is always there"));
        let mut ring = Self { key, owners: HashMap::new(), operators: None };
        for token in tokens {
            for hash in &token.hashes {
                ring.add(hash, Caller::new(token.principal(), token.scope).with_most_jobs(token.most_jobs));
            }
        }
        if let Some(token) = api_token {
            let hash = hash(token.expose());
            ring.operators = Some(ring.place(&hash));
            ring.add(&hash, Caller::new(Principal::operator(), Scope::Admin));
        }
        ring
    }

    fn add(&mut self, hash: &TokenHash, owner: Caller) {
        self.owners.insert(self.place(hash), owner);
    }

    /// There is no token: nobody needs one.
    pub fn is_empty(&self) -> bool {
        self.owners.is_empty()
    }

    /// Whether the operator has a token of its own.
    pub fn has_operator(&self) -> bool {
        self.operators.is_some()
    }

    /// Both are digests by a key that nobody knows: the time that comparing them takes says nothing.
    pub fn is_operators(&self, token: &str) -> bool {
        self.operators.as_ref() == Some(&self.place(&hash(token)))
    }

    pub fn owner(&self, token: &str) -> Option<&Caller> {
        self.owners.get(&self.place(&hash(token)))
    }

    fn place(&self, hash: &TokenHash) -> Vec<u8> {
        hmac::sign(&self.key, hash).as_ref().to_vec()
    }
}

/// As the configuration holds it, in hexadecimal.
pub fn hash(token: &str) -> TokenHash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_token_has_its_owner_and_others_have_none() {
        let token = NamedToken {
            name: "ci".to_owned(),
            hashes: vec![hash("old"), hash("new")],
            scope: Scope::Submit,
            rate: None,
            most_jobs: None,
        };
        let ring = Keyring::new(Some(&Secret::new("own")), &[token]);
        let principal = |token| ring.owner(token).map(|owner| owner.principal().as_str());
        assert_eq!([principal("old"), principal("new"), principal("own")], [Some("ci"), Some("ci"), Some("operator")]);
        assert_eq!([principal(""), principal("ow"), principal("own ")], [None; 3]);
        assert!(ring.has_operator() && ring.is_operators("own") && !ring.is_operators("old"));
        assert_eq!(ring.owner("own").and_then(Caller::sees), None);
        assert!(ring.owner("old").is_some_and(|owner| owner.needs(Scope::Admin).is_err()));
    }

    #[test]
    fn a_ring_without_tokens_asks_for_none() {
        assert!(Keyring::new(None, &[]).is_empty());
    }
}
