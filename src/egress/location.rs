//! The target of a redirect.

use std::fmt::Write;

use http::HeaderMap;
use http::header::LOCATION;
use url::Url;

use super::error::EgressError;

/// Limit of bytes of a target.
const MAX_URL_BYTES: usize = 8 << 10;

/// The target in `Location`, resolved against the URL of the response as in browsers: bytes that are not ASCII are
/// percent-encoded, whatever their character set.
///
/// # Errors
/// Permanent: there is no valid target, or it is too long.
pub fn redirect_target(from: &Url, headers: &HeaderMap) -> Result<Url, EgressError> {
    let error = |reason: &str| EgressError::Permanent(reason.to_owned());
    let location = headers.get(LOCATION).ok_or_else(|| error("Redirect without a location"))?;
    let target = opilio_page::join(from, &ascii(location.as_bytes()));
    let target = target.map_err(|_| error("Redirect to an invalid URL"))?;
    check_length(&target)?;
    Ok(target)
}

/// # Errors
/// Permanent: the target of a redirect is too long.
pub fn check_length(target: &Url) -> Result<(), EgressError> {
    match target.as_str().len() <= MAX_URL_BYTES {
        true => Ok(()),
        false => Err(EgressError::Permanent(format!("Redirect to a URL longer than {MAX_URL_BYTES} bytes"))),
    }
}

fn ascii(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len()), |mut text, byte| {
        match byte.is_ascii() {
            true => text.push(char::from(*byte)),
            false => drop(write!(text, "%{byte:02X}")),
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn target(location: &[u8]) -> Result<String, String> {
        let from = Url::parse("http://a.example/b/c?d").unwrap();
        let headers = HeaderMap::from_iter([(LOCATION, HeaderValue::from_bytes(location).unwrap())]);
        redirect_target(&from, &headers).map(String::from).map_err(|error| error.to_string())
    }

    #[test]
    fn location_is_resolved_as_in_browsers() {
        for (location, expected) in [
            (b"/caf\xe9".as_slice(), "http://a.example/caf%E9"),
            ("/größe?q=é#ü".as_bytes(), "http://a.example/gr%C3%B6%C3%9Fe?q=%C3%A9#%C3%BC"),
            ("//größe.example/".as_bytes(), "http://xn--gre-6ka8i.example/"),
            (b"///b.example/x", "http://b.example/x"),
            (b"/\\/\\b.example/x", "http://b.example/x"),
            (b"?e=%2F", "http://a.example/b/c?e=%2F"),
            (b"  x y  ", "http://a.example/b/x%20y"),
            (b"", "http://a.example/b/c?d"),
        ] {
            assert_eq!(target(location), Ok(expected.to_owned()), "{location:?}");
        }
    }

    #[test]
    fn invalid_or_long_location_is_an_error() {
        assert_eq!(target(b"http://["), Err("Redirect to an invalid URL".to_owned()));
        assert_eq!(target(b"//\xe9.example"), Err("Redirect to an invalid URL".to_owned()));
        assert!(target(format!("/{}", "x".repeat(8000)).as_bytes()).is_ok());
        let long = target(format!("/{}", "x".repeat(8200)).as_bytes());
        assert_eq!(long, Err("Redirect to a URL longer than 8192 bytes".to_owned()));
    }
}
