//! Bytes to text: which character set a body is in, by the steps of the HTML standard.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// A `<meta>` that names the character set stands in the first bytes. The standard says 1024; pages are less strict.
const PRESCANNED_BYTES: usize = 4096;

/// Detection looks at this much; more does not make it surer.
const DETECTED_BYTES: usize = 256 * 1024;

/// A body as text, and the name of the character set it was taken for. What cannot be decoded becomes U+FFFD.
///
/// In this order: a byte order mark, the `charset` of the `Content-Type` header, what the document says of itself
/// (`<meta>` where `is_html`, an XML declaration), the bytes themselves.
pub fn decode(body: &[u8], content_type: Option<&str>, is_html: bool) -> (String, &'static str) {
    if let Some((encoding, mark)) = Encoding::for_bom(body) {
        return text(encoding, &body[mark..]);
    }
    let start = &body[..body.len().min(PRESCANNED_BYTES)];
    let named = content_type
        .and_then(charset_of_header)
        .or_else(|| if is_html { prescan(start) } else { None })
        .or_else(|| xml_declaration(start));
    text(named.unwrap_or_else(|| detect(body)), body)
}

fn text(encoding: &'static Encoding, body: &[u8]) -> (String, &'static str) {
    let (text, _) = encoding.decode_without_bom_handling(body);
    (Cow::into_owned(text), encoding.name())
}

fn detect(body: &[u8]) -> &'static Encoding {
    if std::str::from_utf8(body).is_ok() {
        return UTF_8;
    }
    let start = &body[..body.len().min(DETECTED_BYTES)];
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

/// `<?xml version="1.0" encoding="…"?>`. One that can be read as ASCII cannot be UTF-16, whatever it says.
fn xml_declaration(start: &[u8]) -> Option<&'static Encoding> {
    let declaration = start.trim_ascii_start().strip_prefix(b"<?xml")?;
    let end = declaration.windows(2).position(|pair| pair == b"?>")?;
    let declaration = std::str::from_utf8(&declaration[..end]).ok()?;
    let (_, rest) = declaration.split_once("encoding")?;
    let rest = rest.trim_start().strip_prefix('=')?.trim_start();
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (label, _) = rest[1..].split_once(quote)?;
    Encoding::for_label(label.as_bytes()).map(readable_as_ascii)
}

/// What a `<meta>` may mean, having been read as ASCII (HTML standard, 13.2.3.2).
fn readable_as_ascii(encoding: &'static Encoding) -> &'static Encoding {
    match encoding {
        e if e == UTF_16BE || e == UTF_16LE => UTF_8,
        e if e == encoding_rs::X_USER_DEFINED => WINDOWS_1252,
        e => e,
    }
}

/// Looks for a `<meta>` that names the character set, past comments and other tags.
fn prescan(start: &[u8]) -> Option<&'static Encoding> {
    let mut rest = Cursor { bytes: start, at: 0 };
    while let Some(found) = rest.skip_to(b'<') {
        if rest.bytes[found..].starts_with(b"<!--") {
            // `-->` may share its dashes with `<!--`.
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

    /// Stops at the byte, and says where that is.
    fn skip_to(&mut self, byte: u8) -> Option<usize> {
        self.at += self.bytes.get(self.at..)?.iter().position(|b| *b == byte)?;
        Some(self.at)
    }

    fn skip_past(&mut self, end: &[u8]) -> Option<()> {
        self.at += self.bytes.get(self.at..)?.windows(end.len()).position(|window| window == end)? + end.len();
        Some(())
    }

    fn skip_while(&mut self, keep_on: impl Fn(u8) -> bool) -> &'a [u8] {
        let from = self.at;
        while self.peek().is_some_and(&keep_on) {
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
        Encoding::for_label(&label).map(readable_as_ascii)
    }

    /// The next attribute of the present tag, its name in lower case; `None` at the tag's end.
    fn attribute(&mut self) -> Option<(Vec<u8>, Vec<u8>)> {
        self.skip_while(|b| b.is_ascii_whitespace() || b == b'/');
        if matches!(self.peek(), None | Some(b'>')) {
            return None;
        }
        let from = self.at;
        // A name may begin with `=`.
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

/// The label in `text/html; charset=…`, wherever it stands.
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
