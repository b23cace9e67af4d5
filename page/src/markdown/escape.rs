//! Escapes text so that it is not read as Markdown, with as few backslashes as possible.

/// How a byte of text is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ByteClass {
    /// Never has a meaning in Markdown.
    Plain,
    Space,
    /// May have a meaning, or begin a character that needs treatment.
    Special,
}

const CLASSES: [ByteClass; 256] = {
    let mut classes = [ByteClass::Plain; 256];
    let spaces = b" \t\n\r\x0c";
    // The last three are the first bytes of a no-break space, a soft hyphen, a zero-width space and a byte order mark.
    let special = b"\\`*_[](<&~|\xc2\xe2\xef";
    let mut at = 0;
    while at < spaces.len() {
        classes[spaces[at] as usize] = ByteClass::Space;
        at += 1;
    }
    let mut at = 0;
    while at < special.len() {
        classes[special[at] as usize] = ByteClass::Special;
        at += 1;
    }
    classes
};

#[inline]
pub(super) fn byte_class(byte: u8) -> ByteClass {
    CLASSES[byte as usize]
}

/// The end of the run of plain bytes from `start`, including single spaces between them.
#[inline]
pub(super) fn plain_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(&byte) = bytes.get(at) {
        let within =
            byte == b' ' && at > start && bytes.get(at + 1).is_some_and(|&next| byte_class(next) == ByteClass::Plain);
        if byte_class(byte) != ByteClass::Plain && !within {
            break;
        }
        at += 1;
    }
    at
}

pub(super) fn is_space(c: char) -> bool {
    c == ' ' || c.is_whitespace()
}

/// Whether a character only marks where a word may be broken.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}' | '\u{feff}')
}

/// Whether CommonMark counts a character next to a delimiter as punctuation.
pub(super) fn is_punctuation(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_punctuation();
    }
    !c.is_alphanumeric()
        && !c.is_whitespace()
        && !matches!(c, '\u{300}'..='\u{36f}' | '\u{200c}'..='\u{200f}' | '\u{fe00}'..='\u{fe0f}')
}

/// Whether the text after an ampersand makes it a character reference.
pub(super) fn is_entity(rest: &str) -> bool {
    let end = rest.bytes().take(34).position(|byte| byte == b';');
    let Some(name) = end.map(|end| &rest.as_bytes()[..end]) else { return false };
    match name.strip_prefix(b"#") {
        Some([b'x' | b'X', digits @ ..]) => (1..7).contains(&digits.len()) && digits.iter().all(u8::is_ascii_hexdigit),
        Some(digits) => (1..8).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit),
        None => !name.is_empty() && name.iter().all(u8::is_ascii_alphanumeric),
    }
}

/// Whether the character at this position is escaped by a backslash.
pub(super) fn is_escaped(text: &str, at: usize) -> bool {
    text.as_bytes()[..at].iter().rev().take_while(|&&byte| byte == b'\\').count() % 2 == 1
}

/// The position for a backslash that makes a line plain text. `may_be_task`: the line is the first one of a list item.
pub(super) fn line_start_escape(line: &str, may_be_task: bool) -> Option<usize> {
    let bytes = line.as_bytes();
    let first = *bytes.first()?;
    let ends_at = |at: usize| matches!(bytes.get(at), None | Some(b' '));
    let run = |byte: u8| bytes.iter().take_while(|&&b| b == byte).count();
    match first {
        b'#' => (run(b'#') <= 6 && ends_at(run(b'#'))).then_some(0),
        b'>' => Some(0),
        b'+' | b'*' if ends_at(1) => Some(0),
        b'_' => (bytes.iter().all(|byte| b"_ ".contains(byte))
            && bytes.iter().filter(|byte| **byte == b'_').count() > 2)
            .then_some(0),
        b'-' | b'=' | b'|' | b':' if ends_at(1) && first == b'-' || is_rule(line) => Some(0),
        b'0'..=b'9' => {
            let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let delimits = matches!(bytes.get(digits), Some(b'.' | b')'));
            (digits <= 9 && delimits && ends_at(digits + 1)).then_some(digits)
        }
        b'[' => starts_definition_or_task(line, may_be_task).then_some(0),
        _ => None,
    }
}

/// Whether a line would underline a heading or the first row of a table.
fn is_rule(line: &str) -> bool {
    let all = |set: &[u8]| line.bytes().all(|byte| set.contains(&byte));
    all(b"=") || all(b"- ") || line.contains('-') && all(b"-:| ")
}

fn starts_definition_or_task(line: &str, may_be_task: bool) -> bool {
    let is_task = may_be_task
        && matches!(line.get(..3), Some("[ ]" | "[x]" | "[X]"))
        && matches!(line.as_bytes().get(3), None | Some(b' '));
    is_task || line.find("]:").is_some_and(|end| !line[1..end].contains(['[', ']']))
}

/// Escapes `#` characters at the end of a heading, which would be read as its closing sequence.
pub(super) fn fix_heading_end(out: &mut String, start: usize) {
    let line = &out[start..];
    let text = line.trim_end_matches('#');
    if text.len() < line.len() && (text.is_empty() || text.ends_with(' ')) {
        out.insert(start + text.len(), '\\');
    }
}

/// Writes the label of an image.
pub(super) fn push_image_label(alt: &str, in_cell: bool, out: &mut String) {
    for word in alt.split_whitespace() {
        if !out.ends_with('[') {
            out.push(' ');
        }
        let mut chars = word.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let inside = at > 0 && chars.peek().is_some_and(|(_, next)| next.is_alphanumeric());
            let escaped = match c {
                '\\' | '`' | '*' | '[' | ']' | '<' => true,
                '_' => !inside,
                '|' => in_cell,
                '&' => is_entity(&word[at + 1..]),
                _ => false,
            };
            if escaped {
                out.push('\\');
            }
            out.push(c);
        }
    }
}

/// Writes the target of a link.
pub(super) fn push_target(target: &str, titled: bool, in_cell: bool, out: &mut String) {
    let needs_brackets = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>');
    let bracketed = target.contains(needs_brackets) || !is_balanced(target) || target.is_empty() && titled;
    if bracketed {
        out.push('<');
    }
    let mut chars = target.char_indices();
    while let Some((at, c)) = chars.next() {
        let next = chars.as_str().chars().next().unwrap_or(' ');
        match c {
            '\\' if next.is_ascii_punctuation() => out.push_str("\\\\"),
            '<' | '>' => out.extend(['\\', c]),
            '&' if is_entity(&target[at + 1..]) => out.push_str("\\&"),
            '|' if in_cell => out.push_str("%7C"),
            '\n' | '\r' => {}
            c => out.push(c),
        }
    }
    if bracketed {
        out.push('>');
    }
}

/// Whether all parentheses in a target are balanced.
fn is_balanced(target: &str) -> bool {
    let mut depth = 0usize;
    for byte in target.bytes() {
        match byte {
            b'(' => depth += 1,
            b')' => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return false,
            },
            _ => {}
        }
    }
    depth == 0
}

/// Writes ` "title"`; the title has no line ends.
pub(super) fn push_title(title: &str, in_cell: bool, out: &mut String) {
    out.push_str(" \"");
    let mut chars = title.char_indices();
    while let Some((at, c)) = chars.next() {
        let next = chars.as_str().chars().next().unwrap_or('"');
        let escaped = match c {
            '"' => true,
            '\\' => next.is_ascii_punctuation(),
            '&' => is_entity(&title[at + 1..]),
            '|' => in_cell,
            _ => false,
        };
        if escaped {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
}

/// Removes the backslashes of escaped characters.
pub(super) fn unescape(text: &str) -> String {
    let mut chars = text.chars().peekable();
    let mut out = String::with_capacity(text.len());
    while let Some(c) = chars.next() {
        match chars.peek() {
            Some(&next) if c == '\\' && next.is_ascii_punctuation() => out.extend(chars.next()),
            _ => out.push(c),
        }
    }
    out
}

/// Whether a target may be written as `<target>`: an absolute URI or an e-mail address.
pub(super) fn is_autolink(target: &str) -> bool {
    if target.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>')) {
        return false;
    }
    let is_name = |name: &str| {
        (2..=32).contains(&name.len())
            && name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte))
    };
    let is_host = |host: &str| !host.is_empty() && host.split('.').all(is_label);
    let is_user = |user: &str| {
        !user.is_empty() && user.bytes().all(|b| b.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_{|}~-".contains(&b))
    };
    let uri = target.split_once(':').is_some_and(|(name, _)| is_name(name));
    uri || target.split_once('@').is_some_and(|(user, host)| is_user(user) && is_host(host))
}

fn is_label(label: &str) -> bool {
    !label.is_empty()
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}
