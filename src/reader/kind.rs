//! The kind of content of a body.

/// HTML, other text, or unsupported; with the media type in lower case, without parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    Html,
    Text(String),
    Unsupported(String),
}

/// Detects the kind from the `Content-Type` header, or from the first bytes if it is absent or unspecific.
pub fn detect(content_type: Option<&str>, body: &[u8]) -> Kind {
    let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default();
    let essence = essence.trim().to_ascii_lowercase();
    match essence.split_once('/') {
        None | Some(("unknown" | "*", _) | ("application", "unknown")) => sniff(body),
        Some(("text", "html") | ("application", "xhtml+xml")) => Kind::Html,
        Some((family, kind)) if is_text(family, kind) => Kind::Text(essence),
        _ => Kind::Unsupported(essence.chars().filter(|c| !c.is_control()).take(100).collect()),
    }
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
    let body = &body[..body.len().min(1445)];
    if [b"\xef\xbb\xbf".as_slice(), b"\xff\xfe", b"\xfe\xff"].iter().any(|bom| body.starts_with(bom)) {
        let ascii: Vec<u8> = body.iter().copied().filter(|b| b.is_ascii() && *b != 0).collect();
        return if is_html(&ascii) { Kind::Html } else { Kind::Text("text/plain".to_owned()) };
    }
    if is_html(body) {
        return Kind::Html;
    }
    if body.starts_with(b"%PDF-") {
        return Kind::Unsupported("application/pdf".to_owned());
    }
    if body.iter().any(|b| matches!(b, 0..=8 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f)) {
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
            assert_eq!(detect(Some(html), b"%PDF-"), Kind::Html, "{html}");
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
        assert_eq!(detect(Some("nonsense"), b"\x89PNG\r\n\x1a\n"), unsupported("application/octet-stream"));
    }
}
