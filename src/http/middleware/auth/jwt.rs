//! Tokens that this server signs: JWT (RFC 7519) with HMAC-SHA256 (`HS256`, RFC 7515). ring's HMAC suffices for this subset;
//! complete JWT crates add RSA and elliptic curves.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use jiff::Timestamp;
use opilio_actors::domain::id::Principal;
use opilio_actors::domain::scope::Scope;
use opilio_actors::domain::secret::Secret;
use ring::{hmac, rand};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::http::caller::Caller;

/// Crawl4AI's name of [`Scope::Submit`].
const DATA: &str = "data";

/// Maximum size of a subject in bytes.
const MAX_SUBJECT: usize = 254;

/// Signs and verifies tokens.
pub struct Signer {
    key: hmac::Key,
    ttl: Duration,
    /// Tokens become invalid when the process ends.
    pub is_ephemeral: bool,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    /// Extensions that the verifier must implement; none is.
    crit: Option<serde_json::Value>,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
}

impl Signer {
    /// `None`: with an ephemeral key.
    pub fn new(key: Option<&Secret>, ttl: Duration) -> Self {
        let generate = || hmac::Key::generate(hmac::HMAC_SHA256, &rand::SystemRandom::new());
        let configured = key.map(|key| hmac::Key::new(hmac::HMAC_SHA256, key.expose().as_bytes()));
        let is_ephemeral = configured.is_none();
        let key = configured
            .unwrap_or_else(|| generate().unwrap_or_else(|_| unreachable!("the system has a random number generator")));
        Self { key, ttl, is_ephemeral }
    }

    /// A token of `subject` with the scope [`Scope::Submit`].
    pub fn sign(&self, subject: &str, now: Timestamp) -> String {
        let ttl = i64::try_from(self.ttl.as_secs()).unwrap_or(i64::MAX);
        let exp = now.as_second().saturating_add(ttl);
        let claims = Claims { sub: subject.to_owned(), scope: Some(DATA.to_owned()), exp, nbf: None };
        let part = |part: serde_json::Value| BASE64.encode(part.to_string());
        let signed = format!("{}.{}", part(json!({"alg": "HS256", "typ": "JWT"})), part(json!(claims)));
        let signature = BASE64.encode(hmac::sign(&self.key, signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    /// The owner of a token; `None` if it was not signed with this key or is not valid at this time.
    pub fn owner(&self, token: &str, now: Timestamp) -> Option<Caller> {
        let (signed, signature) = token.rsplit_once('.')?;
        hmac::verify(&self.key, signed.as_bytes(), &BASE64.decode(signature).ok()?).ok()?;
        let (header, claims) = signed.split_once('.')?;
        let header: Header = serde_json::from_slice(&BASE64.decode(header).ok()?).ok()?;
        if header.alg != "HS256" || header.crit.is_some() {
            return None;
        }
        let Claims { sub, scope, exp, nbf } = serde_json::from_slice(&BASE64.decode(claims).ok()?).ok()?;
        let now = now.as_second();
        let is_valid = now < exp && nbf.is_none_or(|nbf| nbf <= now);
        let has_subject = !sub.is_empty() && sub.len() <= MAX_SUBJECT && !sub.chars().any(char::is_control);
        let scope = match scope.as_deref() {
            None | Some(DATA) => Scope::Submit,
            Some(other) => Scope::parse(other)?,
        };
        (is_valid && has_subject).then(|| Caller::new(Principal::new(sub), scope))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "a key of more than thirty-two characters";
    const HOUR: Duration = Duration::from_secs(3600);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    fn signer() -> Signer {
        Signer::new(Some(&Secret::new(KEY)), HOUR)
    }

    /// A token signed with `key`.
    fn signed_token(header: serde_json::Value, claims: serde_json::Value, key: &str) -> String {
        let signed = format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()));
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
        format!("{signed}.{}", BASE64.encode(hmac::sign(&key, signed.as_bytes())))
    }

    #[test]
    fn token_is_valid_until_it_expires() {
        let token = signer().sign("ann@example.com", at(1000));
        let owner = |second| signer().owner(&token, at(second)).map(|owner| owner.principal().as_str().to_owned());
        assert_eq!(owner(1000).as_deref(), Some("ann@example.com"));
        assert_eq!((owner(4599).is_some(), owner(4600)), (true, None));
    }

    /// RFC 7515, appendix A.1. The token expired in 2011.
    #[test]
    fn example_of_the_specification_verifies() {
        let key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
        let key = hmac::Key::new(hmac::HMAC_SHA256, &BASE64.decode(key).expect("base64"));
        let signed = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
            eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature = BASE64.decode("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").expect("base64");
        assert!(hmac::verify(&key, signed.as_bytes(), &signature).is_ok());
    }

    #[test]
    fn scopes_of_opilio_and_crawl4ai_are_accepted() {
        let header = json!({"alg": "HS256"});
        for (claims, allowed, denied) in [
            (json!({"sub": "a", "exp": 2000}), Some(Scope::Submit), Some(Scope::Admin)),
            (json!({"sub": "a", "exp": 2000, "scope": "data"}), Some(Scope::Submit), Some(Scope::Admin)),
            (json!({"sub": "a", "exp": 2000, "scope": "read"}), Some(Scope::Read), Some(Scope::Submit)),
            (json!({"sub": "a", "exp": 2000, "scope": "admin"}), Some(Scope::Admin), None),
            (json!({"sub": "a", "exp": 2000, "scope": "root"}), None, None),
        ] {
            let owner = signer().owner(&signed_token(header.clone(), claims.clone(), KEY), at(1000));
            assert_eq!(owner.is_some(), allowed.is_some(), "{claims}");
            assert!(owner.iter().all(|owner| allowed.is_none_or(|scope| owner.require(scope).is_ok())), "{claims}");
            assert!(owner.iter().all(|owner| denied.is_none_or(|scope| owner.require(scope).is_err())), "{claims}");
        }
    }

    #[test]
    fn invalid_tokens_have_no_owner() {
        let (header, claims) = (json!({"alg": "HS256"}), json!({"sub": "a", "exp": 2000}));
        assert!(signer().owner(&signed_token(header.clone(), claims.clone(), KEY), at(1000)).is_some());
        let valid = signer().sign("a", at(1000));
        let (signed, signature) = valid.rsplit_once('.').expect("three parts");
        let unsigned = format!("{}.{}.", BASE64.encode(json!({"alg": "none"}).to_string()), BASE64.encode("{}"));
        let tokens = [
            String::new(),
            "a.b.c".to_owned(),
            unsigned,
            signed.to_owned(),
            format!("{signed}."),
            format!("{signed}.{}", &signature[1..]),
            format!("{signed}x.{signature}"),
            signed_token(json!({"alg": "none"}), claims.clone(), KEY),
            signed_token(json!({"alg": "HS512"}), claims.clone(), KEY),
            signed_token(json!({"alg": "hs256"}), claims.clone(), KEY),
            signed_token(json!({"alg": "HS256", "crit": ["exp"]}), claims.clone(), KEY),
            signed_token(header.clone(), claims.clone(), "another key of more than thirty-two characters"),
            signed_token(header.clone(), json!({"sub": "a"}), KEY),
            signed_token(header.clone(), json!({"exp": 2000}), KEY),
            signed_token(header.clone(), json!({"sub": "", "exp": 2000}), KEY),
            signed_token(header.clone(), json!({"sub": "a\nb", "exp": 2000}), KEY),
            signed_token(header.clone(), json!({"sub": "a", "exp": "2000"}), KEY),
            signed_token(header.clone(), json!({"sub": "a", "exp": 1000}), KEY),
            signed_token(header, json!({"sub": "a", "exp": 2000, "nbf": 1001}), KEY),
        ];
        for token in tokens {
            assert_eq!(signer().owner(&token, at(1000)), None, "{token}");
        }
    }

    #[test]
    fn without_a_configured_key_each_signer_has_its_own() {
        let (one, other) = (Signer::new(None, HOUR), Signer::new(None, HOUR));
        let token = one.sign("a", at(1000));
        assert!(one.is_ephemeral && one.owner(&token, at(1000)).is_some() && other.owner(&token, at(1000)).is_none());
    }
}
