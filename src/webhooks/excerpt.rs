//! The beginning of a receiver's response, for the delivery log.

use http::HeaderMap;
use http::header::USER_AGENT;

use crate::egress::Response;

const MAX_BYTES: usize = 1024;

/// Appends the body to `excerpt` until the limit, the end or an error. Cancel-safe.
pub async fn read(response: &mut Response, excerpt: &mut Vec<u8>) {
    while excerpt.len() < MAX_BYTES
        && let Ok(Some(chunk)) = response.next_chunk().await
    {
        let left = MAX_BYTES - excerpt.len();
        excerpt.extend_from_slice(&chunk[..chunk.len().min(left)]);
    }
}

/// Shorter secrets are not masked, because they occur in any text.
const MIN_SECRET_LENGTH: usize = 4;

/// The excerpt as one line of text: invalid UTF-8 becomes U+FFFD, control characters become spaces, and sent secrets that
/// the receiver repeats become `***`.
pub fn text(bytes: &[u8], sent: &HeaderMap) -> String {
    let mut text = String::from_utf8_lossy(bytes).replace(char::is_control, " ");
    let secrets = sent.iter().filter(|(name, value)| value.is_sensitive() && *name != USER_AGENT);
    for secret in secrets.filter_map(|(_, value)| std::str::from_utf8(value.as_bytes()).ok()) {
        // A credential may be repeated without its scheme, such as `Bearer`.
        for secret in [secret, secret.split_once(' ').map_or("", |(_, credential)| credential)] {
            if secret.len() >= MIN_SECRET_LENGTH {
                text = text.replace(secret, "***");
            }
        }
    }
    text.truncate(text.floor_char_boundary(MAX_BYTES));
    text
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn text(bytes: &[u8]) -> String {
        super::text(bytes, &HeaderMap::new())
    }

    #[test]
    fn repeated_secrets_are_masked() {
        let mut sent = HeaderMap::new();
        for (name, value) in [("authorization", "Bearer hidden-one"), ("x-key", "hidden-two"), ("x-n", "1")] {
            let mut value = HeaderValue::from_static(value);
            value.set_sensitive(true);
            sent.insert(name, value);
        }
        sent.insert("webhook-id", HeaderValue::from_static("msg_1"));
        let response = b"Bearer hidden-one; hidden-one, \"hidden-two\" msg_1";
        assert_eq!(super::text(response, &sent), "***; ***, \"***\" msg_1");
    }

    #[test]
    fn control_characters_and_invalid_utf8_are_replaced() {
        assert_eq!(text(b"ok\r\n\x1b[31mred\x00\xff"), "ok   [31mred \u{fffd}");
        assert_eq!(text("\u{85}é".as_bytes()), " é");
        assert!(text(&[0xff; MAX_BYTES]).len() <= MAX_BYTES);
    }
}
