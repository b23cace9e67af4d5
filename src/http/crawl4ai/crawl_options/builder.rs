//! The options while they are being read: what may be said in several places is kept apart until the end.

use opilio_actors::domain::crawl_options::CrawlOptions;
use opilio_actors::domain::secret::Secret;

#[derive(Debug, Default)]
pub struct OptionsBuilder {
    pub options: CrawlOptions,
    /// The user agent of `crawler_config`, the header, and that of `browser_config`: the first that was given is sent.
    pub crawler_user_agent: Option<String>,
    pub header_user_agent: Option<String>,
    pub browser_user_agent: Option<String>,
    pub locale: Option<String>,
}

impl OptionsBuilder {
    pub fn finish(self) -> CrawlOptions {
        let Self { mut options, crawler_user_agent, header_user_agent, browser_user_agent, locale } = self;
        options.fetch.user_agent = crawler_user_agent.or(header_user_agent).or(browser_user_agent);
        let headers = &mut options.fetch.headers;
        let has_language = headers.iter().any(|(name, _)| name == "accept-language");
        if let Some(locale) = locale.filter(|_| !has_language) {
            headers.push(("accept-language".to_owned(), Secret::new(locale)));
        }
        options
    }
}
