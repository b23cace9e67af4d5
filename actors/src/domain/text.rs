//! Text that came from outside, where people and their tools read it: on a line of a log, in an error.

use std::borrow::Cow;

/// The text with everything written out that would do something where it is shown instead of being seen: control
/// characters, other ends of lines, and what turns the direction of writing. `keep` is left alone.
pub fn visible_but(text: &str, keep: impl Fn(char) -> bool) -> Cow<'_, str> {
    let acts = |c: char| acts(c) && !keep(c);
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut visible = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if acts(c) { visible.extend(c.escape_default()) } else { visible.push(c) }
    }
    Cow::Owned(visible)
}

/// All of it.
pub fn visible(text: &str) -> Cow<'_, str> {
    visible_but(text, |_| false)
}

fn acts(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_act_is_written_out_and_the_rest_is_as_it_was() {
        assert_eq!(visible("a\r\nb\x1b[31m\0"), r"a\r\nb\u{1b}[31m\u{0}");
        assert_eq!(visible("\u{85}\u{2028}\u{202e}x\u{7f}"), r"\u{85}\u{2028}\u{202e}x\u{7f}");
        assert!(matches!(visible("Jürgen, 東京 — “q” \\n"), Cow::Borrowed(_)));
        assert_eq!(visible_but("a\tb\n", |c| c == '\t'), "a\tb\\n");
    }
}
