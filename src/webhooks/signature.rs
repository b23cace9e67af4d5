//! Signatures of Standard Webhooks 1.0: `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use opilio_actors::domain::secret::Secret;
use ring::hmac;

use super::settings::InvalidWebhookSettings;

/// Signs with all configured secrets, in their order.
pub struct Signer {
    keys: Vec<hmac::Key>,
}

impl Signer {
    pub fn new(secrets: &[Secret]) -> Result<Self, InvalidWebhookSettings> {
        let keys = secrets.iter().enumerate().map(|(index, secret)| {
            let key = key(secret.expose()).filter(|key| !key.is_empty());
            key.map(|key| hmac::Key::new(hmac::HMAC_SHA256, &key)).ok_or(InvalidWebhookSettings::Secret(index + 1))
        });
        Ok(Self { keys: keys.collect::<Result<_, _>>()? })
    }

    /// Starts the signature of a body, which is added in chunks.
    pub fn start(&self, id: &str, timestamp: i64) -> Signature {
        let mut signature = Signature { contexts: self.keys.iter().map(hmac::Context::with_key).collect() };
        signature.update(format!("{id}.{timestamp}.").as_bytes());
        signature
    }

    /// Whether a `webhook-signature` header contains a signature with one of the keys.
    pub fn verify(&self, id: &str, timestamp: i64, body: &[u8], signatures: &str) -> bool {
        let signed = [format!("{id}.{timestamp}.").as_bytes(), body].concat();
        let tags = signatures.split(' ').filter_map(|signature| STANDARD.decode(signature.strip_prefix("v1,")?).ok());
        let is_valid = |tag: Vec<u8>| self.keys.iter().any(|key| hmac::verify(key, &signed, &tag).is_ok());
        tags.into_iter().any(is_valid)
    }
}

/// A signature in progress.
pub struct Signature {
    /// One for each key.
    contexts: Vec<hmac::Context>,
}

impl Signature {
    pub fn update(&mut self, chunk: &[u8]) {
        self.contexts.iter_mut().for_each(|context| context.update(chunk));
    }

    /// The `webhook-signature` header: one signature for each key, separated by spaces. `None` without keys.
    pub fn finish(self) -> Option<String> {
        let signatures = self.contexts.into_iter().map(|context| format!("v1,{}", STANDARD.encode(context.sign())));
        let header = signatures.collect::<Vec<_>>().join(" ");
        (!header.is_empty()).then_some(header)
    }
}

/// Decodes a secret as the Standard Webhooks libraries do: base64, with or without `whsec_`.
fn key(secret: &str) -> Option<Vec<u8>> {
    let encoded = secret.trim();
    STANDARD.decode(encoded.strip_prefix("whsec_").unwrap_or(encoded)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's reference libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn signer(secrets: &[&str]) -> Result<Signer, InvalidWebhookSettings> {
        Signer::new(&secrets.iter().map(|secret| Secret::new(*secret)).collect::<Vec<_>>())
    }

    fn sign(secrets: &[&str]) -> Option<String> {
        let mut signature = signer(secrets).unwrap().start("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330);
        [&br#"{"test": "#[..], br#"2432232314}"#].iter().for_each(|chunk| signature.update(chunk));
        signature.finish()
    }

    #[test]
    fn published_example_has_published_signature() {
        assert_eq!(sign(&[SECRET]).as_deref(), Some(SIGNATURE));
    }

    #[test]
    fn each_secret_adds_a_signature() {
        let both = sign(&["whsec_bmV3IHNlY3JldA==", SECRET]).unwrap();
        let (new, old) = both.split_once(' ').unwrap();
        assert_eq!((new, old), (sign(&["bmV3IHNlY3JldA=="]).unwrap().as_str(), SIGNATURE));
    }

    #[test]
    fn verify_needs_one_valid_signature_of_the_same_message() {
        let signer = signer(&["YW5vdGhlciBzZWNyZXQ=", SECRET]).unwrap();
        let (id, time, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        let header = format!("v1a,eA== v1,%% v1,eA== {SIGNATURE}");
        assert!(signer.verify(id, time, body, &header));
        assert!(!signer.verify(id, time, b"{}", &header));
        assert!(!signer.verify("msg_2", time, body, &header));
        assert!(!signer.verify(id, time + 1, body, &header));
        assert!(!signer.verify(id, time, body, "") && !signer.verify(id, time, body, "v1,"));
    }

    #[test]
    fn secret_without_prefix_is_base64_too() {
        let mut signature = signer(&["cGxhaW4gc2VjcmV0"]).unwrap().start("msg_1", 1_700_000_000);
        signature.update(b"{}");
        assert_eq!(signature.finish().as_deref(), Some("v1,/flFcbNgBSzf0XQueaRxljo0UdwlymNnKfh0KiZ7mK4="));
    }

    #[test]
    fn no_secret_gives_no_signature_and_invalid_secret_is_an_error() {
        assert_eq!(sign(&[]), None);
        for invalid in ["", "whsec_", "whsec_%%%", "plain secret", &format!("v1,{SECRET}")] {
            assert_eq!(signer(&[SECRET, invalid]).err(), Some(InvalidWebhookSettings::Secret(2)), "{invalid}");
        }
    }
}
