//! Makes the addresses on a page absolute.

use url::Url;

/// Longer addresses are none that anybody could follow.
pub(crate) const MAX_URL: usize = 8192;

/// What relative addresses are resolved against.
pub(crate) struct Base {
    /// `None`: the page's address cannot be a base.
    url: Option<Url>,
    page: Option<Url>,
}

impl Base {
    /// The page's own `<base href>` goes before its address.
    pub(crate) fn of(page: &Url, href: Option<&str>) -> Self {
        let page = Some(page).filter(|page| !page.cannot_be_a_base()).cloned();
        let own = href
            .filter(|href| href.len() <= MAX_URL)
            .and_then(|href| Url::options().base_url(page.as_ref()).parse(href.trim()).ok());
        let own = own.filter(|own| matches!(own.scheme(), "http" | "https"));
        Self { url: own.or_else(|| page.clone()), page }
    }

    /// The page's own address, where it can be a base.
    pub(crate) fn page(&self) -> Option<&Url> {
        self.page.as_ref()
    }

    /// `None` where it is no address, or a relative one without a base.
    pub(crate) fn url(&self, href: &str) -> Option<Url> {
        Url::options().base_url(self.url.as_ref()).parse(trim(href)).ok()
    }

    /// `None` where there is a base and it is no address; as it is written where there is no base.
    pub(crate) fn absolute(&self, href: &str) -> Option<String> {
        match &self.url {
            Some(base) => base.join(trim(href)).ok().map(String::from),
            None => Some(trim(href).to_owned()),
        }
    }

    /// The address as links in Markdown show it: absolute, or as it is written where that cannot be.
    pub(crate) fn shown(&self, href: &str) -> String {
        self.absolute(href).unwrap_or_else(|| trim(href).to_owned())
    }
}

fn trim(href: &str) -> &str {
    href.trim_matches(|c: char| c <= ' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_resolved_against_the_base_of_the_page() {
        for (page, base, href, shown) in [
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
            let base = Base::of(&Url::parse(page).unwrap(), base);
            assert_eq!(base.shown(href), shown, "{page} {href}");
        }
    }
}
