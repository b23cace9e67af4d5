use encoding_rs::{EUC_KR, GBK, SHIFT_JIS, WINDOWS_1251};

use super::*;

fn charset(body: &[u8], content_type: Option<&str>) -> &'static str {
    decode(body, content_type, true).1
}

fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(unit).collect()
}

#[test]
fn byte_order_mark_takes_precedence_and_is_removed() {
    let header = Some("text/html; charset=iso-8859-1");
    assert_eq!(decode(b"\xef\xbb\xbf<meta charset=koi8-r>\xc3\xa9", header, true).1, "UTF-8");
    let little = [b"\xff\xfe".as_slice(), &utf16("<p>h\u{e9}", u16::to_le_bytes)].concat();
    assert_eq!(decode(&little, header, true), ("<p>h\u{e9}".to_owned(), "UTF-16LE"));
    let big = [b"\xfe\xff".as_slice(), &utf16("<p>h\u{e9}", u16::to_be_bytes)].concat();
    assert_eq!(decode(&big, header, true), ("<p>h\u{e9}".to_owned(), "UTF-16BE"));
}

#[test]
fn header_takes_precedence_over_document() {
    let body = b"<meta charset=utf-8><p>caf\xe9";
    assert_eq!(decode(body, Some("text/html;charset=ISO-8859-1"), true).0, "<meta charset=utf-8><p>café");
    for header in ["text/html; charset=\"Shift_JIS\"", "text/html; a=b; CHARSET = shift-jis ", "x; charset='sjis'"] {
        assert_eq!(charset(body, Some(header)), "Shift_JIS", "{header}");
    }
    for header in ["text/html", "text/html; charset=", "text/html; charset=klingon", "text/html; charset"] {
        assert_eq!(charset(body, Some(header)), "UTF-8", "{header}");
    }
    let wide = utf16("<p>x", u16::to_le_bytes);
    assert_eq!(decode(&wide, Some("text/html; charset=utf-16"), true).0, "<p>x");
}

#[test]
fn meta_charset_is_found_in_every_form() {
    for meta in [
        "<meta charset=koi8-r>",
        "<META CHARSET='KOI8-R'/>",
        "<!doctype html><html lang=ru><head><meta\n charset = \"koi8-r\" >",
        "<meta http-equiv=Content-Type content=\"text/html; charset=koi8-r\">",
        "<meta content='text/html;charset=\"koi8-r\"' http-equiv='content-type'>",
        "<meta content=\"charset x; charset = koi8-r; q\" http-equiv=\"CONTENT-TYPE\">",
        "<!-- <meta charset=big5> --><meta name=x content=y><meta charset=koi8-r>",
        "<!--><meta charset=koi8-r>",
        "<a title='<meta charset=big5>'></a><meta charset=koi8-r>",
        "</p x='<meta charset=big5>'><? <meta charset=koi8-r> ?><meta charset=koi8-r>",
        "<meta charset=klingon><meta charset=koi8-r>",
        "<metadata charset=big5><meta =x charset=koi8-r>",
    ] {
        let page = format!("{meta}<p>\u{1}").into_bytes();
        assert_eq!(charset(&[page.as_slice(), b"\xc1"].concat(), None), "KOI8-R", "{meta}");
    }
}

#[test]
fn other_markup_is_not_a_meta_charset() {
    for page in [
        "<meta content='text/html; charset=koi8-r'>",
        "<meta http-equiv=refresh content='0; charset=koi8-r'>",
        "<!-- <meta charset=koi8-r>",
        "<meta charset",
        "<meta charset='koi8-r",
        "charset=koi8-r",
        "<",
        "<m",
        "",
    ] {
        assert_eq!(charset(page.as_bytes(), None), "UTF-8", "{page}");
    }
}

#[test]
fn meta_charset_cannot_be_utf_16() {
    assert_eq!(charset(b"<meta charset=utf-16le>", None), "UTF-8");
    assert_eq!(charset(b"<meta charset=utf-16be>", None), "UTF-8");
    assert_eq!(charset(b"<meta charset=x-user-defined>", None), "windows-1252");
}

#[test]
fn xml_declaration_applies_to_xml_and_xhtml() {
    let xml = b"<?xml version='1.0' encoding='iso-8859-1'?><a>caf\xe9</a>";
    for is_html in [true, false] {
        assert_eq!(decode(xml, Some("application/xml"), is_html).1, "windows-1252");
    }
    assert_eq!(decode(b"<?xml version=\"1.0\" encoding = \"utf-16\"?><a/>", None, false).1, "UTF-8");
    assert_eq!(decode(b"<?xml version=\"1.0\"?><a/>", None, false).1, "UTF-8");
    assert_eq!(decode(b"<meta charset=koi8-r>", None, false).1, "UTF-8", "not HTML");
}

#[test]
fn charset_is_detected_without_declaration() {
    let russian = "Съешь ещё этих мягких французских булок, да выпей же чаю. Широкая электрификация южных губерний.";
    let japanese = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。何でも薄暗いじめじめした所で";
    let korean = "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다. 인간은 천부적으로 이성과 양심을";
    let chinese = "人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心，并应以兄弟关系的精神相对待。";
    for (text, encoding) in [(russian, WINDOWS_1251), (japanese, SHIFT_JIS), (korean, EUC_KR), (chinese, GBK)] {
        let body = encoding.encode(text).0;
        assert_eq!(decode(&body, Some("text/html"), true), (text.to_owned(), encoding.name()));
        assert_eq!(decode(text.as_bytes(), None, false), (text.to_owned(), "UTF-8"));
    }
    assert_eq!(decode(b"caf\xe9 cr\xe8me", None, true).0, "café crème");
}

#[test]
fn decoding_never_panics() {
    for byte in 0..=255_u8 {
        for body in [vec![byte; 3], [b"<meta ".as_slice(), &[byte; 9]].concat(), [b"<".as_slice(), &[byte]].concat()] {
            let _ = decode(&body, None, true);
            let _ = decode(&body, Some(&String::from_utf8_lossy(&body)), false);
        }
    }
}

#[test]
fn valid_utf8_under_a_legacy_label_is_utf8() {
    for label in ["iso-8859-1", "windows-1251", "koi8-r", "iso-2022-kr"] {
        let header = format!("text/html; charset={label}");
        assert_eq!(charset("<p>Größe".as_bytes(), Some(&header)), "UTF-8", "{label}");
        assert_eq!(charset("<meta charset=utf-8><p>Größe – “東京”".as_bytes(), Some(&header)), "UTF-8", "{label}");
    }
    for label in ["gbk", "shift_jis", "euc-kr", "big5", "utf-16", "utf-16le"] {
        assert_eq!(charset("<p>中文网页的内容".as_bytes(), Some(&format!("x; charset={label}"))), "UTF-8", "{label}");
    }
    assert_eq!(charset("<meta charset=big5><p>中文网页的内容".as_bytes(), None), "UTF-8");
}

#[test]
fn legacy_text_is_not_taken_for_utf8() {
    for (label, text) in
        [("gbk", "中文网页的内容"), ("shift_jis", "これは日本語"), ("iso-8859-1", "Größe é"), ("euc-kr", "안녕")]
    {
        let (bytes, encoding, _) = Encoding::for_label(label.as_bytes()).unwrap().encode(text);
        let decoded = decode(&bytes, Some(&format!("text/html; charset={label}")), true);
        assert_eq!(decoded, (text.to_owned(), encoding.name()), "{label}");
    }
    // The bytes of these two characters are also the UTF-8 of one other character each.
    assert_eq!(charset(b"\xc4\xa3\xcf\xb8", Some("text/html; charset=gbk")), "GBK");
    assert_eq!(charset(b"plain", Some("text/html; charset=iso-8859-1")), "windows-1252");
}
