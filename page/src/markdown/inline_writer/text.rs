//! Text: collapses white space and escapes characters that have a meaning in Markdown.

use super::state::{Gap, InlineWriter, LineContext};
use crate::markdown::escape::{self, ByteClass};

impl InlineWriter<'_, '_> {
    /// Writes the text of the item `index`.
    pub(super) fn text(&mut self, text: &str, index: usize) {
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            if escape::byte_class(bytes[at]) == ByteClass::Space {
                self.widen_gap(Gap::Space);
                at += 1;
                continue;
            }
            let Some(c) = text[at..].chars().next() else { break };
            if escape::is_space(c) || escape::is_invisible(c) {
                if escape::is_space(c) {
                    self.widen_gap(Gap::Space);
                }
                at += c.len_utf8();
                continue;
            }
            let styles_opened = self.write_deferred(c, true);
            let end = if styles_opened { escape::plain_end(bytes, at) } else { at };
            if end > at {
                self.out.push_str(&text[at..end]);
                at = end;
            } else {
                let rest = &text[at + c.len_utf8()..];
                let next = rest.chars().next().unwrap_or_else(|| self.after(index));
                self.special_character(c, next, rest);
                at += c.len_utf8();
            }
        }
    }

    /// Writes a character that may have a meaning in Markdown.
    fn special_character(&mut self, c: char, next: char, rest: &str) {
        let before = self.out.chars().next_back().unwrap_or(' ');
        let between_spaces = escape::is_space(before) && escape::is_space(next);
        let escaped = match c {
            '\\' => next.is_ascii_punctuation() || next.is_whitespace(),
            '`' => true,
            '*' => !between_spaces,
            '_' => !(between_spaces || before.is_alphanumeric() && next.is_alphanumeric()),
            '[' | ']' => !self.open_links.is_empty(),
            '(' => self.bracket_end == self.out.len(),
            '<' => self.source.options.escape_html && (next.is_ascii_alphabetic() || "/!?".contains(next)),
            '&' => escape::is_entity(rest),
            '~' => next == '~' || before == '~',
            '|' => self.context == LineContext::Cell,
            _ => false,
        };
        if escaped {
            self.out.push('\\');
        }
        self.out.push(c);
        if c == ']' && !escaped {
            self.bracket_end = self.out.len();
        }
    }
}
