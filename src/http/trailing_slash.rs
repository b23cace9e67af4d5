//! A path with a slash too many at its end: as the peer's server does, the client is sent to the path without it, where
//! there is one, with method, body and query as they were.

use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse};

/// The answer that leads there; `None`: there is no such path.
pub fn without(request: &HttpRequest) -> Option<HttpResponse> {
    let path = request.path();
    let bare = path.trim_end_matches('/');
    if bare.len() == path.len() || bare.is_empty() || !request.resource_map().has_resource(bare) {
        return None;
    }
    let location = location(request.uri().path(), request.query_string());
    Some(HttpResponse::TemporaryRedirect().insert_header((LOCATION, location)).finish())
}

/// From where the client is, so that a proxy's prefix stays, and so that no path leads to another host.
fn location(path: &str, query: &str) -> String {
    let bare = path.trim_end_matches('/');
    let up = "../".repeat(path.len() - bare.len());
    let last = bare.rsplit('/').next().unwrap_or_default();
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{up}{last}{mark}{query}")
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    #[test]
    fn the_client_is_led_to_the_same_path_without_slashes_under_whatever_prefix_it_asked() {
        for (path, query, leads_to) in [
            ("/crawl/", "", "/crawl"),
            ("/crawl/", "a=1&b=%2F", "/crawl?a=1&b=%2F"),
            ("/crawl/job/x%2Fy/", "", "/crawl/job/x%2Fy"),
            ("/crawl///", "", "/crawl"),
            ("//evil.example/", "", "//evil.example"),
        ] {
            for prefix in ["http://a.example", "http://a.example/behind/a/proxy"] {
                let asked = Url::parse(&format!("{prefix}{path}")).expect("an address");
                let led = asked.join(&location(path, query)).expect("an address");
                assert_eq!(led.as_str(), format!("{prefix}{leads_to}"));
            }
        }
    }
}
