//! Untrusted text in logs and errors.

use std::borrow::Cow;

/// Escapes control characters, line separators and bidirectional controls, except those that `keep` accepts.
pub fn escape_except(text: &str, keep: impl Fn(char) -> bool) -> Cow<'_, str> {
    let escaped = |c: char| needs_escape(c) && !keep(c);
    if !text.contains(escaped) {
        return Cow::Borrowed(text);
    }
    let mut visible = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if escaped(c) { visible.extend(c.escape_default()) } else { visible.push(c) }
    }
    Cow::Owned(visible)
}

/// Escapes control characters, line separators and bidirectional controls.
pub fn visible(text: &str) -> Cow<'_, str> {
    escape_except(text, |_| false)
}

fn needs_escape(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped_and_other_text_is_unchanged() {
        assert_eq!(visible("a\r\nb\x1b[31m\0"), r"a\r\nb\u{1b}[31m\u{0}");
        assert_eq!(visible("\u{85}\u{2028}\u{202e}x\u{7f}"), r"\u{85}\u{2028}\u{202e}x\u{7f}");
        assert!(matches!(visible("Jürgen, 東京 — “q” \\n"), Cow::Borrowed(_)));
        assert_eq!(escape_except("a\tb\n", |c| c == '\t'), "a\tb\\n");
    }
}
