//! Resolves the URLs on a page.

use url::{ParseError, Url};

/// Longer URLs are ignored.
pub(crate) const MAX_URL_BYTES: usize = 8192;

/// Resolves `href` against `base` by the URL standard, which ignores slashes beyond the second before a host
/// (`///example.com`); the `url` crate does not.
pub fn join(base: &Url, href: &str) -> Result<Url, ParseError> {
    match after_many_slashes(href) {
        Some(rest) if base.is_special() && base.scheme() != "file" => base.join(&format!("//{rest}")),
        _ => base.join(href),
    }
}

/// The text after three or more slashes at the start. The standard ignores line ends and tabs, and reads `\` as `/`.
fn after_many_slashes(href: &str) -> Option<&str> {
    let ignored = |c: char| matches!(c, '\t' | '\n' | '\r');
    let href = trim(href);
    let rest = href.trim_start_matches(|c: char| matches!(c, '/' | '\\') || ignored(c));
    let slashes = href[..href.len() - rest.len()].chars().filter(|c| !ignored(*c)).count();
    (slashes > 2).then_some(rest)
}

/// What relative URLs are resolved against.
pub(crate) struct BaseUrl {
    /// `None` if the page has no URL that can be a base.
    url: Option<Url>,
    page: Option<Url>,
}

impl BaseUrl {
    /// `base_href` is the page's own `<base href>`, which takes precedence over the page's URL.
    pub(crate) fn new(page: &Url, base_href: Option<&str>) -> Self {
        let page = Some(page).filter(|page| !page.cannot_be_a_base()).cloned();
        let own = base_href.filter(|href| href.len() <= MAX_URL_BYTES).and_then(|href| {
            page.as_ref().map_or_else(|| Url::parse(href.trim()), |page| join(page, href.trim())).ok()
        });
        let own = own.filter(|own| matches!(own.scheme(), "http" | "https"));
        Self { url: own.or_else(|| page.clone()), page }
    }

    /// The page's own URL; `None` if it cannot be a base.
    pub(crate) fn page_url(&self) -> Option<&Url> {
        self.page.as_ref()
    }

    /// `None` if `href` is not a valid URL, or is relative and there is no base.
    pub(crate) fn parse(&self, href: &str) -> Option<Url> {
        match &self.url {
            Some(base) => join(base, trim(href)).ok(),
            None => Url::parse(trim(href)).ok(),
        }
    }

    /// The absolute URL; `href` unchanged if there is no base. `None` if there is a base and `href` is not a valid URL.
    pub(crate) fn resolve(&self, href: &str) -> Option<String> {
        match &self.url {
            Some(base) => join(base, trim(href)).ok().map(String::from),
            None => Some(trim(href).to_owned()),
        }
    }

    /// The absolute URL; `href` unchanged if it cannot be resolved.
    pub(crate) fn resolve_or_keep(&self, href: &str) -> String {
        self.resolve(href).unwrap_or_else(|| trim(href).to_owned())
    }
}

fn trim(href: &str) -> &str {
    href.trim_matches(|c: char| c <= ' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hrefs_resolve_against_base_href_then_page_url() {
        for (page, base, href, resolved) in [
            ("https://a.example/x/y", None, "z", "https://a.example/x/z"),
            ("https://a.example/x/y", None, "#f", "https://a.example/x/y#f"),
            ("https://a.example/x/y", None, "//b.example", "https://b.example/"),
            ("https://a.example/x/y", None, "///b.example/z", "https://b.example/z"),
            ("https://a.example/x/y", None, "/\\\n//b.example/z", "https://b.example/z"),
            ("https://a.example/x/y", None, "http:///b.example/z", "http://b.example/z"),
            ("https://a.example/x/y", Some("////b.example/c/"), "z", "https://b.example/c/z"),
            ("https://a.example/x/y", Some("/base/"), "z", "https://a.example/base/z"),
            ("https://a.example/x/y", Some("https://c.example"), "z", "https://c.example/z"),
            ("https://a.example/x/y", Some("javascript:0"), "z", "https://a.example/x/z"),
            ("https://a.example/x/y", None, " a b\n", "https://a.example/x/a%20b"),
            ("https://a.example/", None, "http://[bad", "http://[bad"),
            ("about:blank", None, "z/%20?a=\\*", "z/%20?a=\\*"),
            ("about:blank", Some("https://c.example/d/"), "z", "https://c.example/d/z"),
        ] {
            let base = BaseUrl::new(&Url::parse(page).unwrap(), base);
            assert_eq!(base.resolve_or_keep(href), resolved, "{page} {href}");
        }
    }
}
