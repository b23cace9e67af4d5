//! Text within a line: spaces collapsed, and what Markdown would take for its own escaped.

use super::{Gap, Line, Place};
use crate::markdown::escape::{self, Class};

impl Line<'_, '_> {
    pub(super) fn text(&mut self, text: &str, index: usize) {
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            if escape::class(bytes[at]) == Class::Space {
                self.gap = self.gap.max(Gap::Space);
                at += 1;
                continue;
            }
            let Some(c) = text[at..].chars().next() else { break };
            if escape::is_space(c) || escape::is_nothing(c) {
                if escape::is_space(c) {
                    self.gap = self.gap.max(Gap::Space);
                }
                at += c.len_utf8();
                continue;
            }
            let ready = self.lead_in(c, true);
            let end = if ready { escape::plain_end(bytes, at) } else { at };
            if end > at {
                self.out.push_str(&text[at..end]);
                at = end;
            } else {
                let rest = &text[at + c.len_utf8()..];
                let next = rest.chars().next().unwrap_or_else(|| self.after(index));
                self.special(c, next, rest);
                at += c.len_utf8();
            }
        }
    }

    /// One character that may mean something to Markdown.
    fn special(&mut self, c: char, next: char, rest: &str) {
        let before = self.out.chars().next_back().unwrap_or(' ');
        let alone = escape::is_space(before) && escape::is_space(next);
        let escaped = match c {
            '\\' => next.is_ascii_punctuation() || next.is_whitespace(),
            '`' => true,
            '*' => !alone,
            '_' => !(alone || before.is_alphanumeric() && next.is_alphanumeric()),
            '[' | ']' => !self.links.is_empty(),
            '(' => self.bracket_end == self.out.len(),
            '<' => self.source.options.escape_html && (next.is_ascii_alphabetic() || "/!?".contains(next)),
            '&' => escape::is_entity(rest),
            '~' => next == '~' || before == '~',
            '|' => self.place == Place::Cell,
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
