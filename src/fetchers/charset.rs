//! Determines the character set of a body, by the algorithm of the HTML standard, and decodes it.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// Bytes that are searched for a `<meta>` with a character set. The standard requires 1024; some pages need more.
const PRESCAN_BYTES: usize = 4096;

/// From this many characters of three bytes, or of any number of bytes, a text is certainly UTF-8.
const MIN_WIDE_CHARACTERS: usize = 2;
const MIN_CHARACTERS: usize = 8;

/// Bytes used for detection. More do not improve the result.
const DETECTION_BYTES: usize = 256 * 1024;

/// Decodes a body. Returns the text and the name of its character set. Invalid sequences become U+FFFD.
///
/// In order of precedence: the byte order mark, the `charset` of the `Content-Type` header, `<meta>` (if `is_html`), the XML
/// declaration, and detection from the bytes. Valid UTF-8 that is declared as a legacy encoding is read as UTF-8.
pub fn decode(body: &[u8], content_type: Option<&str>, is_html: bool) -> (String, &'static str) {
    if let Some((encoding, bom)) = Encoding::for_bom(body) {
        return text(encoding, &body[bom..]);
    }
    let start = &body[..body.len().min(PRESCAN_BYTES)];
    let declared = content_type
        .and_then(charset_of_header)
        .or_else(|| if is_html { prescan(start) } else { None })
        .or_else(|| xml_declaration(start));
    let encoding = declared.unwrap_or_else(|| detect(body));
    text(if is_mislabelled_utf8(encoding, body) { UTF_8 } else { encoding }, body)
}

/// Whether a body is UTF-8 although another encoding is declared. Text in a legacy encoding is valid UTF-8 only by chance: in
/// one of two bytes a character, a few characters can be.
fn is_mislabelled_utf8(declared: &'static Encoding, body: &[u8]) -> bool {
    if declared == UTF_8 || body.is_ascii() && declared.is_ascii_compatible() {
        return false;
    }
    let Ok(text) = std::str::from_utf8(body) else { return false };
    if declared == UTF_16LE || declared == UTF_16BE {
        return !text.contains('\0');
    }
    let wide = text.chars().filter(|c| c.len_utf8() > 2).take(MIN_WIDE_CHARACTERS).count();
    declared.is_single_byte()
        || declared == REPLACEMENT
        || wide >= MIN_WIDE_CHARACTERS
        || text.chars().filter(|c| !c.is_ascii()).take(MIN_CHARACTERS).count() >= MIN_CHARACTERS
}

fn text(encoding: &'static Encoding, body: &[u8]) -> (String, &'static str) {
    let (text, _) = encoding.decode_without_bom_handling(body);
    (Cow::into_owned(text), encoding.name())
}

fn detect(body: &[u8]) -> &'static Encoding {
    if std::str::from_utf8(body).is_ok() {
        return UTF_8;
    }
    let start = &body[..body.len().min(DETECTION_BYTES)];
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(start, start.len() == body.len());
    detector.guess(None, Utf8Detection::Allow)
}

fn charset_of_header(content_type: &str) -> Option<&'static Encoding> {
    let (_, parameters) = content_type.split_once(';')?;
    parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches(['"', '\'']);
        if name.trim().eq_ignore_ascii_case("charset") { Encoding::for_label(value.as_bytes()) } else { None }
    })
}

/// The encoding in `<?xml version="1.0" encoding="…"?>`.
fn xml_declaration(start: &[u8]) -> Option<&'static Encoding> {
    let declaration = start.trim_ascii_start().strip_prefix(b"<?xml")?;
    let end = declaration.windows(2).position(|pair| pair == b"?>")?;
    let declaration = std::str::from_utf8(&declaration[..end]).ok()?;
    let (_, rest) = declaration.split_once("encoding")?;
    let rest = rest.trim_start().strip_prefix('=')?.trim_start();
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (label, _) = rest[1..].split_once(quote)?;
    Encoding::for_label(label.as_bytes()).map(ascii_compatible)
}

/// A declaration that was read as ASCII cannot be in UTF-16 (HTML standard, 13.2.3.2).
fn ascii_compatible(encoding: &'static Encoding) -> &'static Encoding {
    match encoding {
        e if e == UTF_16BE || e == UTF_16LE => UTF_8,
        e if e == encoding_rs::X_USER_DEFINED => WINDOWS_1252,
        e => e,
    }
}

/// Searches for a `<meta>` with a character set, skipping comments and other tags.
fn prescan(start: &[u8]) -> Option<&'static Encoding> {
    let mut rest = Cursor { bytes: start, at: 0 };
    while let Some(found) = rest.skip_to(b'<') {
        if rest.bytes[found..].starts_with(b"<!--") {
            // `<!-->` is a complete comment.
            rest.at = found + 2;
            rest.skip_past(b"-->")?;
            continue;
        }
        rest.at = found + 1;
        match rest.peek()? {
            b'!' | b'?' => drop(rest.skip_to(b'>')?),
            b'/' => {
                rest.at += 1;
                rest.skip_tag()?;
            }
            first if first.is_ascii_alphabetic() => {
                if rest.tag_name() == b"meta" {
                    if let Some(encoding) = rest.meta_charset() {
                        return Some(encoding);
                    }
                } else {
                    rest.skip_tag()?;
                }
            }
            _ => (),
        }
    }
    None
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Moves to the next occurrence of `byte` and returns its index.
    fn skip_to(&mut self, byte: u8) -> Option<usize> {
        self.at += self.bytes.get(self.at..)?.iter().position(|b| *b == byte)?;
        Some(self.at)
    }

    fn skip_past(&mut self, end: &[u8]) -> Option<()> {
        self.at += self.bytes.get(self.at..)?.windows(end.len()).position(|window| window == end)? + end.len();
        Some(())
    }

    fn skip_while(&mut self, predicate: impl Fn(u8) -> bool) -> &'a [u8] {
        let from = self.at;
        while self.peek().is_some_and(&predicate) {
            self.at += 1;
        }
        &self.bytes[from..self.at]
    }

    fn tag_name(&mut self) -> Vec<u8> {
        self.skip_while(|b| !b.is_ascii_whitespace() && b != b'/' && b != b'>').to_ascii_lowercase()
    }

    fn skip_tag(&mut self) -> Option<()> {
        self.tag_name();
        while self.attribute().is_some() {}
        self.peek().map(drop)
    }

    fn meta_charset(&mut self) -> Option<&'static Encoding> {
        let (mut charset, mut content, mut is_content_type) = (None, None, false);
        while let Some((name, value)) = self.attribute() {
            match name.as_slice() {
                b"charset" if charset.is_none() => charset = Some(value),
                b"content" if content.is_none() => content = Some(value),
                b"http-equiv" => is_content_type = value.eq_ignore_ascii_case(b"content-type"),
                _ => (),
            }
        }
        let label = charset.or_else(|| if is_content_type { charset_in_content(&content?) } else { None })?;
        Encoding::for_label(&label).map(ascii_compatible)
    }

    /// The next attribute of the tag, with its name in lower case; `None` at the end of the tag.
    fn attribute(&mut self) -> Option<(Vec<u8>, Vec<u8>)> {
        self.skip_while(|b| b.is_ascii_whitespace() || b == b'/');
        if matches!(self.peek(), None | Some(b'>')) {
            return None;
        }
        let from = self.at;
        // `=` is allowed as the first character of a name.
        self.at += 1;
        self.skip_while(|b| !b.is_ascii_whitespace() && !matches!(b, b'/' | b'>' | b'='));
        let name = self.bytes[from..self.at].to_ascii_lowercase();
        self.skip_while(|b| b.is_ascii_whitespace());
        if self.peek() != Some(b'=') {
            return Some((name, Vec::new()));
        }
        self.at += 1;
        self.skip_while(|b| b.is_ascii_whitespace());
        let value = match self.peek() {
            Some(quote @ (b'"' | b'\'')) => {
                self.at += 1;
                let from = self.at;
                let end = self.skip_to(quote)?;
                self.at += 1;
                &self.bytes[from..end]
            }
            _ => self.skip_while(|b| !b.is_ascii_whitespace() && b != b'>'),
        };
        Some((name, value.to_vec()))
    }
}

/// The label in `text/html; charset=…`, at any position.
fn charset_in_content(content: &[u8]) -> Option<Vec<u8>> {
    let lower = content.to_ascii_lowercase();
    let mut rest = lower.as_slice();
    loop {
        let found = rest.windows(7).position(|window| window == b"charset")?;
        rest = rest[found + 7..].trim_ascii_start();
        if let Some(value) = rest.strip_prefix(b"=") {
            let value = value.trim_ascii_start();
            let quoted = value.first().filter(|first| matches!(first, b'"' | b'\''));
            return match quoted {
                Some(quote) => value[1..].split(|b| b == quote).next().map(<[u8]>::to_vec),
                None => value.split(|b| b.is_ascii_whitespace() || *b == b';').next().map(<[u8]>::to_vec),
            };
        }
    }
}

#[cfg(test)]
mod tests;
