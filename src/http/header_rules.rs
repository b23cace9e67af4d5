//! Which headers a request may set for page fetches and webhooks.

/// Limit of headers in one request.
pub const MAX_HEADERS: usize = 20;

const MAX_NAME: usize = 256;
const MAX_VALUE: usize = 2048;

/// Set by the HTTP client or meaningful for the connection.
const FORBIDDEN: [&str; 11] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "content-type",
    "cookie",
    "proxy-authorization",
    "expect",
    "upgrade",
    "te",
    "trailer",
];

/// Rejects malformed names (RFC 9110, section 5.6.2), names that are forbidden here or in `more_forbidden` (lower case),
/// values with control characters, and values over 2,048 bytes. Values may contain UTF-8 beyond ASCII.
///
/// # Errors
/// One sentence, which does not contain the value.
pub fn check(name: &str, value: &str, more_forbidden: &[&str]) -> Result<(), String> {
    if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(is_token) {
        return Err("invalid header name: only letters, digits and !#$%&'*+-.^_`|~ are allowed".to_owned());
    }
    let lower = name.to_ascii_lowercase();
    if FORBIDDEN.contains(&lower.as_str()) || more_forbidden.contains(&lower.as_str()) {
        return Err(format!("the header {lower} may not be set by a request"));
    }
    check_value(value)
}

fn check_value(value: &str) -> Result<(), String> {
    if value.len() > MAX_VALUE {
        return Err(format!("the value is longer than {MAX_VALUE} bytes"));
    }
    if value.chars().any(char::is_control) {
        return Err("the value has control characters".to_owned());
    }
    Ok(())
}

/// `tchar` of RFC 9110.
pub(crate) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_headers_are_accepted() {
        for (name, value) in
            [("Authorization", "Bearer x"), ("X-Webhook-Secret", "my-secret-token"), ("x_a", "Jürgen"), ("A", "")]
        {
            assert_eq!(check(name, value, &["webhook-id"]), Ok(()), "{name}");
        }
        assert_eq!(check("a", &"x".repeat(2048), &[]), Ok(()));
    }

    #[test]
    fn malformed_names_and_values_are_rejected() {
        for name in ["", "a b", "a:", ":path", "a\r\nb", "ä", "a(", &"a".repeat(257)] {
            assert!(check(name, "x", &[]).is_err(), "{name:?}");
        }
        for value in ["a\nb", "a\r\nHost: b", "\0", "\t", "\u{7f}", "\u{85}", &"x".repeat(2049)] {
            assert!(check("a", value, &[]).is_err(), "{value:?}");
        }
    }

    #[test]
    fn forbidden_names_are_rejected_in_any_case() {
        for name in FORBIDDEN.iter().map(|name| name.to_ascii_uppercase()) {
            assert!(check(&name, "x", &[]).is_err(), "{name}");
        }
        assert!(check("Webhook-Id", "x", &["webhook-id"]).is_err());
        assert_eq!(check("Webhook-Id", "x", &[]), Ok(()));
    }

    #[test]
    fn error_does_not_contain_the_value() {
        let error = check("a", "hidden\n", &[]).unwrap_err();
        assert!(!error.contains("hidden"), "{error}");
    }
}
