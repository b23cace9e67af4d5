//! Decodes a stored page.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

/// Bytes in which a page declares its encoding.
const MAX_DECLARATION: usize = 4096;

/// The page as text: by its byte order mark, as UTF-8 if it is valid, by `charset` in its first bytes, or as
/// Windows-1252.
pub fn decode(bytes: &[u8]) -> String {
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_DECLARATION)]).to_ascii_lowercase();
    let declared = start.split_once("charset=").map(|(_, rest)| rest.trim_start_matches(['"', '\'', ' ']));
    let declared = declared.and_then(|name| name.split(['"', '\'', ' ', '>', ';', '/']).next());
    let encoding = match Encoding::for_bom(bytes) {
        Some((encoding, _)) => encoding,
        None if std::str::from_utf8(bytes).is_ok() => UTF_8,
        None => declared.and_then(|name| Encoding::for_label(name.as_bytes())).unwrap_or(WINDOWS_1252),
    };
    encoding.decode(bytes).0.into_owned()
}
