//! The first KiB of a receiver's answer, for the delivery log.

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

/// As text on one line: what is no UTF-8 becomes U+FFFD, control characters become spaces.
pub fn text(bytes: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(bytes).replace(char::is_control, " ");
    text.truncate(text.floor_char_boundary(BYTES));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_and_broken_ones_do_not_get_through() {
        assert_eq!(text(b"ok\r\n\x1b[31mred\x00\xff"), "ok   [31mred \u{fffd}");
        assert_eq!(text("\u{85}é".as_bytes()), " é");
        assert!(text(&[0xff; BYTES]).len() <= BYTES);
    }
}
