//! Parses the URLs that are requested.

use url::{ParseError, Url};

/// Limit of bytes of an `http(s)` URL.
pub const MAX_URL_BYTES: usize = 8 << 10;

/// Why a text is not the URL of a page or a receiver.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUrl {
    #[error("Input should be a valid URL, {0}")]
    Malformed(#[from] ParseError),
    #[error("URL scheme should be http or https, not {0}")]
    Scheme(String),
    #[error("URL is longer than {MAX_URL_BYTES} bytes")]
    TooLong,
}

/// Parses an absolute `http(s)` URL with a host.
pub fn parse_web_url(text: &str) -> Result<Url, InvalidUrl> {
    if text.len() > MAX_URL_BYTES {
        return Err(InvalidUrl::TooLong);
    }
    let url = Url::parse(text)?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        other => Err(InvalidUrl::Scheme(other.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_urls_are_rejected_with_the_reason() {
        let reason = |text: &str| parse_web_url(text).map(String::from).map_err(|error| error.to_string());
        assert_eq!(reason(" HTTP://a.example/x "), Ok("http://a.example/x".to_owned()));
        assert_eq!(reason("ftp://a.example"), Err("URL scheme should be http or https, not ftp".to_owned()));
        assert_eq!(reason("a.example"), Err("Input should be a valid URL, relative URL without a base".to_owned()));
        assert_eq!(reason("http://"), Err("Input should be a valid URL, empty host".to_owned()));
        let url_of = |bytes: usize| format!("http://a.example/{}", "x".repeat(bytes - 17));
        assert!(reason(&url_of(8192)).is_ok());
        assert_eq!(reason(&url_of(8193)), Err("URL is longer than 8192 bytes".to_owned()));
    }
}
