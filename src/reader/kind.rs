//! The kind of content of a body.

/// Bytes that are examined.
const SNIFFED_BYTES: usize = 1445;

/// HTML, other text, or unsupported; with the media type in lower case, without parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    Html,
    Text(String),
    Unsupported(String),
}

/// Detects the kind from the `Content-Type` header, or from the first bytes if it is absent or unspecific. A body whose bytes
/// show that it is not text is unsupported, whatever the header says.
pub fn detect(content_type: Option<&str>, body: &[u8]) -> Kind {
    let content_type = content_type.unwrap_or_default().to_ascii_lowercase();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let is_wide = content_type.contains("utf-16") || WIDE_MARKS.iter().any(|mark| body.starts_with(mark));
    let kind = match essence.split_once('/') {
        None | Some(("unknown" | "*", _) | ("application", "unknown")) => sniff(body),
        Some(("text", "html") | ("application", "xhtml+xml")) => Kind::Html,
        Some((family, kind)) if is_text(family, kind) => Kind::Text(essence.to_owned()),
        _ => return Kind::Unsupported(essence.chars().filter(|c| !c.is_control()).take(100).collect()),
    };
    match binary_type(body, is_wide) {
        Some(essence) => Kind::Unsupported(essence.to_owned()),
        None => kind,
    }
}

/// Byte order marks of UTF-16.
const WIDE_MARKS: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];

/// First bytes of formats that are not text.
const SIGNATURES: [(&[u8], &str); 31] = [
    (b"%PDF-", "application/pdf"),
    (b"{\\rtf", "application/rtf"),
    (b"%!PS-Adobe-", "application/postscript"),
    // Also the formats that are ZIP files: DOCX, XLSX, PPTX, ODT, EPUB.
    (b"PK\x03\x04", "application/zip"),
    // DOC, XLS, PPT.
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (b"\x1f\x8b\x08", "application/gzip"),
    (b"\x28\xb5\x2f\xfd", "application/zstd"),
    (b"\xfd7zXZ\0", "application/x-xz"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"\0\0\x01\0", "image/x-icon"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"\0\0\0\x0cjP  ", "image/jp2"),
    (b"wOFF", "font/woff"),
    (b"wOF2", "font/woff2"),
    (b"OTTO\0", "font/otf"),
    (b"\0\x01\0\0\0", "font/ttf"),
    (b"OggS\0", "application/ogg"),
    (b"fLaC\0", "audio/flac"),
    (b"ID3\x02", "audio/mpeg"),
    (b"ID3\x03", "audio/mpeg"),
    (b"ID3\x04", "audio/mpeg"),
    (b"\x1aE\xdf\xa3", "video/webm"),
    (b"\x7fELF", "application/x-executable"),
    (b"\0asm", "application/wasm"),
    (b"SQLite format 3\0", "application/vnd.sqlite3"),
];

/// The media type of a body that is not text; `None` if it may be text. `is_wide`: it is UTF-16, which contains NUL bytes.
fn binary_type(body: &[u8], is_wide: bool) -> Option<&'static str> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    // White space before the mark of a PDF is common.
    if body.trim_ascii_start().starts_with(b"%PDF-") {
        return Some("application/pdf");
    }
    let known = SIGNATURES.iter().find(|(signature, _)| body.starts_with(signature)).map(|(_, essence)| *essence);
    let container = || match (body.get(..4)?, body.get(4..8)?, body.get(8..12)?) {
        (b"RIFF", _, b"WEBP") => Some("image/webp"),
        (b"RIFF", _, b"WAVE" | b"AVI ") => Some("audio/wav"),
        (_, b"ftyp", _) => Some("video/mp4"),
        _ => None,
    };
    let unknown = || (!is_wide && has_binary_bytes(body)).then_some("application/octet-stream");
    known.or_else(container).or_else(unknown)
}

/// Whether control characters are so frequent that the bytes cannot be text. Pages contain single ones by mistake.
fn has_binary_bytes(body: &[u8]) -> bool {
    let body = &body[..body.len().min(SNIFFED_BYTES)];
    let controls = body.iter().filter(|byte| is_control(**byte)).count();
    let is_utf8 = std::str::from_utf8(body).map_or_else(|error| error.error_len().is_none(), |_| true);
    controls * if is_utf8 { 4 } else { 32 } > body.len()
}

/// The binary data bytes of the MIME Sniffing standard.
fn is_control(byte: u8) -> bool {
    matches!(byte, 0..=8 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f)
}

fn is_text(family: &str, kind: &str) -> bool {
    let known = matches!(
        kind,
        "json"
            | "x-json"
            | "x-ndjson"
            | "ndjson"
            | "jsonl"
            | "json-seq"
            | "xml"
            | "xml-dtd"
            | "yaml"
            | "x-yaml"
            | "toml"
            | "markdown"
            | "x-markdown"
            | "javascript"
            | "x-javascript"
            | "ecmascript"
            | "sql"
            | "graphql"
            | "x-sh"
    );
    let (_, suffix) = kind.rsplit_once('+').unwrap_or_default();
    family == "text" || matches!(suffix, "json" | "xml" | "yaml") || family == "application" && known
}

/// The subset of the MIME Sniffing standard that distinguishes these kinds.
fn sniff(body: &[u8]) -> Kind {
    let body = &body[..body.len().min(SNIFFED_BYTES)];
    if [b"\xef\xbb\xbf".as_slice(), b"\xff\xfe", b"\xfe\xff"].iter().any(|bom| body.starts_with(bom)) {
        let ascii: Vec<u8> = body.iter().copied().filter(|b| b.is_ascii() && *b != 0).collect();
        return if is_html(&ascii) { Kind::Html } else { Kind::Text("text/plain".to_owned()) };
    }
    if is_html(body) {
        return Kind::Html;
    }
    if body.iter().any(|byte| is_control(*byte)) {
        return Kind::Unsupported("application/octet-stream".to_owned());
    }
    let is_xml = body.trim_ascii_start().starts_with(b"<?xml");
    Kind::Text(if is_xml { "text/xml" } else { "text/plain" }.to_owned())
}

fn is_html(body: &[u8]) -> bool {
    const STARTS: [&[u8]; 16] = [
        b"<!doctype html",
        b"<html",
        b"<head",
        b"<script",
        b"<iframe",
        b"<h1",
        b"<div",
        b"<font",
        b"<table",
        b"<a",
        b"<style",
        b"<title",
        b"<b",
        b"<body",
        b"<br",
        b"<p",
    ];
    let body = body.trim_ascii_start();
    let begins = |start: &[u8]| {
        let tag = body.get(..start.len()).is_some_and(|tag| tag.eq_ignore_ascii_case(start));
        tag && matches!(body.get(start.len()), Some(b' ' | b'>' | b'\n' | b'\r' | b'\t'))
    };
    body.starts_with(b"<!--") || body.starts_with(b"<meta ") || STARTS.into_iter().any(begins)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(essence: &str) -> Kind {
        Kind::Text(essence.to_owned())
    }

    fn unsupported(essence: &str) -> Kind {
        Kind::Unsupported(essence.to_owned())
    }

    #[test]
    fn kind_is_taken_from_header() {
        for html in ["text/html", "Text/HTML; charset=utf-8", " application/xhtml+xml ;q"] {
            assert_eq!(detect(Some(html), b"plain"), Kind::Html, "{html}");
        }
        for essence in [
            "text/plain",
            "text/markdown",
            "text/csv",
            "text/x-anything",
            "application/json",
            "application/ld+json",
            "application/xml",
            "application/rss+xml",
            "image/svg+xml",
            "application/x-ndjson",
            "application/yaml",
        ] {
            assert_eq!(detect(Some(&format!("{essence}; charset=x")), b"<html>"), text(essence));
        }
        for essence in ["application/pdf", "image/png", "application/zip", "application/octet-stream", "video/mp4"] {
            assert_eq!(detect(Some(essence), b"<html>"), unsupported(essence));
        }
    }

    #[test]
    fn kind_is_detected_from_bytes_without_header() {
        for html in ["<!DOCTYPE html>", "\n <HTML lang=en>", "<p>x", "<!-- x -->", "\u{feff}<html>", "<meta charset=x>"]
        {
            assert_eq!(detect(None, html.as_bytes()), Kind::Html, "{html}");
        }
        let wide: Vec<u8> = "\u{feff}<html>".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(detect(Some("unknown/unknown"), &wide), Kind::Html);
        for plain in ["", "hello", "{\"a\": 1}", "<pre", "<paragraph>", "a < b", "\u{feff}hello"] {
            assert_eq!(detect(Some(""), plain.as_bytes()), text("text/plain"), "{plain}");
        }
        assert_eq!(detect(None, b" <?xml version='1.0'?>"), text("text/xml"));
        assert_eq!(detect(None, b"%PDF-1.7\n\x01"), unsupported("application/pdf"));
        assert_eq!(detect(Some("nonsense"), b"\x89PNG\r\n\x1a\n"), unsupported("image/png"));
    }

    #[test]
    fn documents_and_binary_data_are_detected_under_any_text_type() {
        let random: Vec<u8> = (0..=255).collect();
        for (body, essence) in [
            (b"%PDF-1.4\n1 0 obj".as_slice(), "application/pdf"),
            (b"\xef\xbb\xbf\r\n%PDF-1.4", "application/pdf"),
            (b"PK\x03\x04\x14\0[Content_Types].xml", "application/zip"),
            (b"{\\rtf1\\ansi Text}", "application/rtf"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
            (b"\x1f\x8b\x08\0abc", "application/gzip"),
            (b"\x89PNG\r\n\x1a\n\0\0", "image/png"),
            (b"RIFF\x24\0\0\0WEBPVP8 ", "image/webp"),
            (b"\0\0\0\x20ftypisom", "video/mp4"),
            (&random, "application/octet-stream"),
            (b"\x02\x9c\xf3", "application/octet-stream"),
        ] {
            for header in ["text/html", "application/xhtml+xml; charset=utf-8", "text/plain", "application/json"] {
                assert_eq!(detect(Some(header), body), unsupported(essence), "{header}");
            }
        }
    }

    #[test]
    fn text_with_single_control_characters_is_text() {
        let wide: Vec<u8> = "<p>wide".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(detect(Some("text/html; charset=UTF-16LE"), &wide), Kind::Html);
        assert_eq!(detect(Some("text/html"), &[b"\xff\xfe".as_slice(), &wide].concat()), Kind::Html);
        for body in
            [b"<p>a\0b\x01c</p><p>x</p>".as_slice(), b"<p>\x1b$B$3$s\x1b(B", "<p>é\u{1}".as_bytes(), b"<p>caf\xe9", b""]
        {
            assert_eq!(detect(Some("text/html"), body), Kind::Html);
        }
        for (essence, body) in [("text/csv", "a,b\n1,2"), ("application/rss+xml", "<rss>"), ("text/plain", "wOFx PKx")]
        {
            assert_eq!(detect(Some(essence), body.as_bytes()), text(essence));
        }
    }
}
