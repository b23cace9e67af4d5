//! Resolves the URLs on a page.

use url::Url;

/// Longer URLs are ignored.
pub(crate) const MAX_URL_BYTES: usize = 8192;

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
        let own = base_href
            .filter(|href| href.len() <= MAX_URL_BYTES)
            .and_then(|href| Url::options().base_url(page.as_ref()).parse(href.trim()).ok());
        let own = own.filter(|own| matches!(own.scheme(), "http" | "https"));
        Self { url: own.or_else(|| page.clone()), page }
    }

    /// The page's own URL; `None` if it cannot be a base.
    pub(crate) fn page_url(&self) -> Option<&Url> {
        self.page.as_ref()
    }

    /// `None` if `href` is not a valid URL, or is relative and there is no base.
    pub(crate) fn parse(&self, href: &str) -> Option<Url> {
        Url::options().base_url(self.url.as_ref()).parse(trim(href)).ok()
    }

    /// The absolute URL; `href` unchanged if there is no base. `None` if there is a base and `href` is not a valid URL.
    pub(crate) fn resolve(&self, href: &str) -> Option<String> {
        match &self.url {
            Some(base) => base.join(trim(href)).ok().map(String::from),
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
