//! What the hooks of a request change.

use opilio_actors::domain::crawl_options::{Cookie, CrawlOptions};
use opilio_actors::domain::secret::Secret;

/// Cookies and headers that are sent with the request for each page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hooks {
    cookies: Vec<Cookie>,
    /// Unique names in lower case.
    headers: Vec<(String, Secret)>,
    /// Crawl4AI's names of the points at which its hooks run, each once.
    attached: Vec<&'static str>,
}

impl Hooks {
    /// Replaces an earlier cookie of the same name, domain and path.
    pub fn add_cookie(&mut self, cookie: Cookie) {
        replace_cookie(&mut self.cookies, cookie);
    }

    /// Replaces an earlier header of the same name. `name` is in lower case.
    pub fn set_header(&mut self, name: String, value: &str) {
        replace_header(&mut self.headers, name, Secret::new(value));
    }

    pub fn attach(&mut self, hook_point: &'static str) {
        if !self.attached.contains(&hook_point) {
            self.attached.push(hook_point);
        }
    }

    /// Adds the cookies and headers. They replace those of the same name in the options.
    pub fn apply(&self, options: &mut CrawlOptions) {
        let fetch = &mut options.fetch;
        for cookie in &self.cookies {
            replace_cookie(&mut fetch.cookies, cookie.clone());
        }
        for (name, value) in &self.headers {
            match name.as_str() {
                "user-agent" => fetch.user_agent = Some(value.expose().to_owned()),
                _ => replace_header(&mut fetch.headers, name.clone(), value.clone()),
            }
        }
    }

    /// `None`: the request has no hooks.
    pub fn attached(&self) -> Option<&[&'static str]> {
        (!self.attached.is_empty()).then_some(&self.attached)
    }
}

fn replace_cookie(cookies: &mut Vec<Cookie>, cookie: Cookie) {
    cookies.retain(|known| (&known.name, &known.domain, &known.path) != (&cookie.name, &cookie.domain, &cookie.path));
    cookies.push(cookie);
}

fn replace_header(headers: &mut Vec<(String, Secret)>, name: String, value: Secret) {
    headers.retain(|(known, _)| *known != name);
    headers.push((name, value));
}
