//! Redirects paths with trailing slashes to the route without them, as Crawl4AI does. Method, body and query are kept.

use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse};

/// The redirect; `None` if there is no such route.
pub fn redirect(request: &HttpRequest) -> Option<HttpResponse> {
    let path = request.path();
    let bare = path.trim_end_matches('/');
    if bare.len() == path.len() || bare.is_empty() || !request.resource_map().has_resource(bare) {
        return None;
    }
    let location = location(request.uri().path(), request.query_string());
    Some(HttpResponse::TemporaryRedirect().insert_header((LOCATION, location)).finish())
}

/// A relative reference: it preserves the path prefix of a proxy and cannot name another host.
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
    fn redirect_removes_trailing_slashes_under_any_prefix() {
        for (path, query, target) in [
            ("/crawl/", "", "/crawl"),
            ("/crawl/", "a=1&b=%2F", "/crawl?a=1&b=%2F"),
            ("/crawl/job/x%2Fy/", "", "/crawl/job/x%2Fy"),
            ("/crawl///", "", "/crawl"),
            ("//evil.example/", "", "//evil.example"),
        ] {
            for prefix in ["http://a.example", "http://a.example/behind/a/proxy"] {
                let requested = Url::parse(&format!("{prefix}{path}")).expect("a URL");
                let redirected = requested.join(&location(path, query)).expect("a URL");
                assert_eq!(redirected.as_str(), format!("{prefix}{target}"));
            }
        }
    }
}
