//! The first KiB of a receiver's answer, for the delivery log.

use http::HeaderMap;
use http::header::USER_AGENT;

use crate::egress::Answer;

const BYTES: usize = 1024;

/// Adds to `excerpt` what comes, until it is full or the answer ends or breaks off. What it holds is good at any moment,
/// so that it may be dropped.
pub async fn read(answer: &mut Answer, excerpt: &mut Vec<u8>) {
    while excerpt.len() < BYTES
        && let Ok(Some(piece)) = answer.next_piece().await
    {
        let room = BYTES - excerpt.len();
        excerpt.extend_from_slice(&piece[..piece.len().min(room)]);
    }
}

/// Some receivers repeat what they were sent. A secret shorter than this would be found in any text.
const SHORTEST_SECRET: usize = 4;

/// As text on one line: what is no UTF-8 becomes U+FFFD, control characters become spaces, and the secrets that were
/// sent become `***`.
pub fn text(bytes: &[u8], sent: &HeaderMap) -> String {
    let mut text = String::from_utf8_lossy(bytes).replace(char::is_control, " ");
    let secrets = sent.iter().filter(|(name, value)| value.is_sensitive() && *name != USER_AGENT);
    for secret in secrets.filter_map(|(_, value)| std::str::from_utf8(value.as_bytes()).ok()) {
        // A credential may be repeated without the word before it, such as `Bearer`.
        for secret in [secret, secret.split_once(' ').map_or("", |(_, credential)| credential)] {
            if secret.len() >= SHORTEST_SECRET {
                text = text.replace(secret, "***");
            }
        }
    }
    text.truncate(text.floor_char_boundary(BYTES));
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
    fn secrets_that_a_receiver_repeats_are_masked() {
        let mut sent = HeaderMap::new();
        for (name, value) in [("authorization", "Bearer hidden-one"), ("x-key", "hidden-two"), ("x-n", "1")] {
            let mut value = HeaderValue::from_static(value);
            value.set_sensitive(true);
            sent.insert(name, value);
        }
        sent.insert("webhook-id", HeaderValue::from_static("msg_1"));
        let answer = b"Bearer hidden-one; hidden-one, \"hidden-two\" msg_1";
        assert_eq!(super::text(answer, &sent), "***; ***, \"***\" msg_1");
    }

    #[test]
    fn control_characters_and_broken_ones_do_not_get_through() {
        assert_eq!(text(b"ok\r\n\x1b[31mred\x00\xff"), "ok   [31mred \u{fffd}");
        assert_eq!(text("\u{85}é".as_bytes()), " é");
        assert!(text(&[0xff; BYTES]).len() <= BYTES);
    }
}
