//! Signatures as Standard Webhooks 1.0 defines them: `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use opilio_actors::domain::secret::Secret;
use ring::hmac;

use super::settings::BadWebhookSettings;

/// The keys in use, in the order of the configuration.
pub struct Signer {
    keys: Vec<hmac::Key>,
}

impl Signer {
    pub fn new(secrets: &[Secret]) -> Result<Self, BadWebhookSettings> {
        let keys = secrets.iter().enumerate().map(|(index, secret)| {
            let key = key(secret.expose()).filter(|key| !key.is_empty());
            key.map(|key| hmac::Key::new(hmac::HMAC_SHA256, &key)).ok_or(BadWebhookSettings::Secret(index + 1))
        });
        Ok(Self { keys: keys.collect::<Result<_, _>>()? })
    }

    /// Begins to sign a body, which is added piece by piece.
    pub fn begin(&self, id: &str, timestamp: i64) -> Signing {
        let mut signing = Signing { contexts: self.keys.iter().map(hmac::Context::with_key).collect() };
        signing.add(format!("{id}.{timestamp}.").as_bytes());
        signing
    }

    /// Whether one of the signatures of a `webhook-signature` header was made with one of the keys.
    pub fn has_signed(&self, id: &str, timestamp: i64, body: &[u8], signatures: &str) -> bool {
        let signed = [format!("{id}.{timestamp}.").as_bytes(), body].concat();
        let brought =
            signatures.split(' ').filter_map(|signature| STANDARD.decode(signature.strip_prefix("v1,")?).ok());
        let is_ours = |tag: Vec<u8>| self.keys.iter().any(|key| hmac::verify(key, &signed, &tag).is_ok());
        brought.into_iter().any(is_ours)
    }
}

/// A signature on its way, one a key.
pub struct Signing {
    contexts: Vec<hmac::Context>,
}

impl Signing {
    pub fn add(&mut self, piece: &[u8]) {
        self.contexts.iter_mut().for_each(|context| context.update(piece));
    }

    /// The `webhook-signature` header: one signature a key, separated by spaces. `None` where there is no key.
    pub fn end(self) -> Option<String> {
        let signatures = self.contexts.into_iter().map(|context| format!("v1,{}", STANDARD.encode(context.sign())));
        let all = signatures.collect::<Vec<_>>().join(" ");
        (!all.is_empty()).then_some(all)
    }
}

fn key(secret: &str) -> Option<Vec<u8>> {
    match secret.strip_prefix("whsec_") {
        Some(coded) => STANDARD.decode(coded.trim()).ok(),
        None => Some(secret.as_bytes().to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's reference libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn signer(secrets: &[&str]) -> Result<Signer, BadWebhookSettings> {
        Signer::new(&secrets.iter().map(|secret| Secret::new(*secret)).collect::<Vec<_>>())
    }

    fn signed(secrets: &[&str]) -> Option<String> {
        let mut signing = signer(secrets).unwrap().begin("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330);
        [&br#"{"test": "#[..], br#"2432232314}"#].iter().for_each(|piece| signing.add(piece));
        signing.end()
    }

    #[test]
    fn the_published_example_gives_the_published_signature() {
        assert_eq!(signed(&[SECRET]).as_deref(), Some(SIGNATURE));
    }

    #[test]
    fn while_a_secret_is_rotated_both_sign() {
        let both = signed(&["whsec_bmV3IHNlY3JldA==", SECRET]).unwrap();
        let (new, old) = both.split_once(' ').unwrap();
        assert_eq!((new, old), (signed(&["new secret"]).unwrap().as_str(), SIGNATURE));
    }

    #[test]
    fn one_good_signature_among_others_will_do_and_none_for_another_body_id_or_time() {
        let signer = signer(&["another secret", SECRET]).unwrap();
        let (id, time, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        let among = format!("v1a,eA== v1,%% v1,eA== {SIGNATURE}");
        assert!(signer.has_signed(id, time, body, &among));
        assert!(!signer.has_signed(id, time, b"{}", &among));
        assert!(!signer.has_signed("msg_2", time, body, &among));
        assert!(!signer.has_signed(id, time + 1, body, &among));
        assert!(!signer.has_signed(id, time, body, "") && !signer.has_signed(id, time, body, "v1,"));
    }

    #[test]
    fn another_text_is_a_key_as_it_is() {
        let mut signing = signer(&["plain secret"]).unwrap().begin("msg_1", 1_700_000_000);
        signing.add(b"{}");
        assert_eq!(signing.end().as_deref(), Some("v1,/flFcbNgBSzf0XQueaRxljo0UdwlymNnKfh0KiZ7mK4="));
    }

    #[test]
    fn without_a_secret_nothing_is_signed_and_a_bad_one_is_found_at_once() {
        assert_eq!(signed(&[]), None);
        for bad in ["", "whsec_", "whsec_%%%"] {
            assert_eq!(signer(&[SECRET, bad]).err(), Some(BadWebhookSettings::Secret(2)), "{bad}");
        }
    }
}
