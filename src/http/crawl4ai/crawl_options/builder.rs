//! The crawl options while a request is parsed. Options that several keys set are resolved at the end.

use glob::Pattern;
use opilio_actors::domain::crawl_options::CrawlOptions;
use opilio_actors::domain::engine::Engine;
use opilio_actors::domain::secret::Secret;
use opilio_page::{MarkdownOptions, Selection};

use super::url_matcher::UrlMatcher;

#[derive(Clone, Debug, Default)]
pub struct OptionsBuilder {
    pub options: CrawlOptions,
    /// User agents in order of precedence: `user_agent` of `crawler_config`, the header, `user_agent` of
    /// `browser_config`.
    pub crawler_user_agent: Option<String>,
    pub header_user_agent: Option<String>,
    pub browser_user_agent: Option<String>,
    pub locale: Option<String>,
    pub scripts_disabled: bool,
    pub stream: bool,
    pub url_patterns: Option<Vec<Pattern>>,
    /// All of `url_patterns` must match.
    pub match_all: bool,
}

impl OptionsBuilder {
    pub fn selection(&mut self) -> &mut Selection {
        &mut self.options.page.selection
    }

    pub fn markdown(&mut self) -> &mut MarkdownOptions {
        &mut self.options.page.markdown
    }

    /// `None`: the configuration is for every URL.
    pub fn url_matcher(&self) -> Option<UrlMatcher> {
        self.url_patterns.clone().map(|patterns| UrlMatcher::new(patterns, self.match_all))
    }

    pub fn finish(self) -> CrawlOptions {
        let Self { mut options, crawler_user_agent, header_user_agent, browser_user_agent, locale, .. } = self;
        if self.scripts_disabled {
            options.fetch.engine = Some(Engine::Http);
        }
        options.fetch.user_agent = crawler_user_agent.or(header_user_agent).or(browser_user_agent);
        let headers = &mut options.fetch.headers;
        let has_language = headers.iter().any(|(name, _)| name == "accept-language");
        if let Some(locale) = locale.filter(|_| !has_language) {
            headers.push(("accept-language".to_owned(), Secret::new(locale)));
        }
        options
    }
}
