//! The keys of `crawler_config`.

use super::extraction_strategy;
use serde_json::Value;

use super::key::Class::{Honoured, Nested, Rejected, WithoutEffect, WithoutEffectUnless};
use super::key::Kind::{Bool, Enum, Integer, List, Number, Object, Text, TextOrList, Typed};
use super::key::Usage::{Dump, Sync};
use super::key::{Class, Key, Section, keys};
use super::link_previews;
use super::reasons::{LOGGING, NEEDS_BROWSER, NO_IMPERSONATION, PROXY, STATE};
use super::selection::{self, names, selector};
use super::setters::{self, flag, min_words};
use super::wait_for;

const NO_WAITING: Class =
    WithoutEffect("not available yet; `wait_for` waits for an element, and `engine: smart` until a page is rendered");
const LLM_ONLY: Class = WithoutEffect("applies only to extraction by a language model");
const SCREENSHOT_ONLY: Class = WithoutEffect("applies only to screenshots");
const OLD_CACHE_KEY: Class = WithoutEffect("replaced by `cache_mode`");
const SCRIPTS_ONLY: Class = WithoutEffect("not available yet; it is visible only to the scripts of a page");
const STATIC_HTML: Class = WithoutEffect("not available yet; the page is read as its own scripts leave it");
const BODY_IS_READ: Class = WithoutEffect("a page is read whether its body is visible or not");
const HOST_DELAY: Class = WithoutEffect("delays between requests to a host are configured by the operator");
const CODE: Class = Rejected("is not supported, because a request cannot contain code; leave it out");

const GENERATORS: &[&str] = &["DefaultMarkdownGenerator"];
const EXTRACTIONS: &[&str] = &[
    "NoExtractionStrategy",
    "JsonCssExtractionStrategy",
    "JsonXPathExtractionStrategy",
    "JsonLxmlExtractionStrategy",
    "RegexExtractionStrategy",
    "LLMExtractionStrategy",
    "CosineStrategy",
];
const SCRAPERS: &[&str] = &["LXMLWebScrapingStrategy", "WebScrapingStrategy", "PDFContentScrapingStrategy"];
const TABLES: &[&str] = &["DefaultTableExtraction", "NoTableExtraction", "LLMTableExtraction"];
const DEEP_CRAWLS: &[&str] = &["BFSDeepCrawlStrategy", "DFSDeepCrawlStrategy", "BestFirstCrawlingStrategy"];
const ENGINES: &[&str] = &["http", "smart", "browser"];
const CACHE_MODES: &[&str] = &["bypass", "disabled", "enabled", "read_only", "write_only"];

const ONE_SCRAPER: Class = WithoutEffectUnless("there is only one way to read pages", |value| {
    (type_of(value) == Some("PDFContentScrapingStrategy"))
        .then_some("PDFContentScrapingStrategy is not available yet; leave scraping_strategy out to read HTML pages")
});
const ONE_TABLE_EXTRACTION: Class = WithoutEffectUnless("there is only one way to extract tables", |value| {
    (type_of(value) == Some("LLMTableExtraction"))
        .then_some("LLMTableExtraction is not supported; leave table_extraction out or use LLMExtractionStrategy")
});

fn type_of(value: &Value) -> Option<&str> {
    value.get("type")?.as_str()
}

pub(super) const KEYS: &[Key] = keys! {
    engine, Enum("Engine", ENGINES), ["null"], Honoured(setters::engine),
        "How the page is fetched: `http`; `browser`; or `smart`: over HTTP, and in the browser if its content is produced by \
         scripts. Not a key of Crawl4AI.";
    word_count_threshold, Integer, ["1"],
        Honoured(|b, v, r| min_words(&mut b.selection().word_count_threshold, 100_000, v, r)),
        "Leave out paragraphs, list items and other innermost blocks with fewer words. Headings, tables, code and blocks \
         with an image are kept.";
    extraction_strategy, Typed(EXTRACTIONS), ["null", "{\"type\":\"NoExtractionStrategy\",\"params\":{}}"],
        Honoured(extraction_strategy::set),
        "Extract fields from the page into `extracted_content`; see [fields](fields.md) and, for \
         `LLMExtractionStrategy`, [LLM extraction](llm-extraction.md#in-crawls). `CosineStrategy` is rejected.";
    chunking_strategy, Typed(&["RegexChunking"]),
        ["{\"type\":\"RegexChunking\",\"params\":{\"patterns\":[\"\\\\n\\\\n\"]}}",
        "{\"type\":\"RegexChunking\",\"params\":{}}"], LLM_ONLY, "How a page is split for extraction.";
    markdown_generator, Typed(GENERATORS), ["{\"type\":\"DefaultMarkdownGenerator\",\"params\":{}}"],
        Nested(Section::Generator), "How Markdown is generated; see the tables below for its parameters.";
    only_text, Bool, ["false"], Honoured(|b, v, r| flag(&mut b.selection().only_text, v, r)),
        "Remove inline formatting and keep its text.";
    css_selector, Text, ["null"], Honoured(|b, v, r| selector(&mut b.selection().css_selector, v, r)),
        "Read only the elements that match. If none match, the content is empty. `html` and `metadata` are those of the \
         whole page.";
    target_elements, List, ["[]"], Honoured(selection::target_elements),
        "Selectors: Markdown and `cleaned_html` contain only the elements that match. Links, media and tables are those of \
         the whole page.";
    excluded_tags, List, ["[]"], Honoured(|b, v, r| names(&mut b.selection().excluded_tags, v, r)),
        "Names of elements to leave out.";
    excluded_selector, Text, ["\"\""], Honoured(|b, v, r| selector(&mut b.selection().excluded_selector, v, r)),
        "Selector of elements to leave out.";
    keep_data_attributes, Bool, ["false"], Honoured(|b, v, r| flag(&mut b.selection().keep_data_attributes, v, r)),
        "Keep `data-` attributes in `cleaned_html`.";
    keep_attrs, List, ["[]"], Honoured(|b, v, r| names(&mut b.selection().keep_attrs, v, r)),
        "Further attributes to keep in `cleaned_html`.";
    remove_forms, Bool, ["false"], Honoured(|b, v, r| flag(&mut b.selection().remove_forms, v, r)), "Leave out forms.";
    prettiify, Bool, ["false"], WithoutEffect("`cleaned_html` is always compact"), "Indent `cleaned_html`.";
    parser_type, Text, ["\"lxml\""], WithoutEffect("there is only one parser, which reads pages as browsers do"),
        "The HTML parser.";
    scraping_strategy, Typed(SCRAPERS), ["{\"type\":\"LXMLWebScrapingStrategy\",\"params\":{}}", "null",
        "{\"type\":\"WebScrapingStrategy\",\"params\":{}}"], ONE_SCRAPER,
        "How pages are read. `PDFContentScrapingStrategy` is rejected.";
    proxy_config, Typed(&["ProxyConfig"]), ["null", "\"direct\""], PROXY, "One or several proxies.";
    proxy_rotation_strategy, Typed(&["RoundRobinProxyStrategy"]), ["null"], PROXY, "How proxies are rotated.";
    proxy_session_id, Text, ["null"], PROXY, "Pages with the same id share a proxy.";
    proxy_session_ttl, Integer, ["null"], PROXY, "Seconds for which pages share a proxy.";
    proxy_session_auto_release, Bool, ["false"], PROXY, "Release a shared proxy at the end.";
    locale, Text, ["null"], Honoured(setters::locale),
        "Language tag such as `de-CH`, sent as `Accept-Language` unless `headers` contains one.";
    timezone_id, Text, ["null"], SCRIPTS_ONLY, "Time zone of the browser.";
    geolocation, Typed(&["GeolocationConfig"]), ["null"], SCRIPTS_ONLY, "Location of the browser.";
    fetch_ssl_certificate, Bool, ["false"], Honoured(|b, v, r| flag(&mut b.options.fetch.certificate, v, r)),
        "Return the certificate of the page's server in `ssl_certificate`, with OpenSSL's names; `fingerprint` is the SHA-256 \
         of the certificate in hexadecimal digits. `null` for pages without TLS. Cached pages are not used.";
    cache_mode, Enum("CacheMode", CACHE_MODES), ["\"bypass\"", "\"disabled\"", "null"],
        Honoured(setters::cache_mode),
        "Use of the page cache: `enabled` reads and writes it, `read_only` reads, `write_only` writes. A cached page is used \
         if the request that fetched it had the same headers, cookies and user agent. Failed pages and pages with \
         `Cache-Control: no-store` are not cached; pages with `no-cache` and stale pages (RFC 9111) are revalidated. \
         In the result, `cache_status` is `miss`, `hit`, `hit_validated` or `hit_fallback`, and `cached_at` is a time in \
         seconds.";
    session_id, Text, ["null"], STATE, "Continue with an open browser page.";
    bypass_cache, Bool, ["false"], OLD_CACHE_KEY, "Older form of `cache_mode: bypass`.";
    disable_cache, Bool, ["false"], OLD_CACHE_KEY, "Older form of `cache_mode: disabled`.";
    no_cache_read, Bool, ["false"], OLD_CACHE_KEY, "Older form of `cache_mode: write_only`.";
    no_cache_write, Bool, ["false"], OLD_CACHE_KEY, "Older form of `cache_mode: read_only`.";
    shared_data, Object, ["null"], WithoutEffect("applies only to hooks in Python code, which are not executed"), "Data for hooks.";
    check_cache_freshness, Bool, ["false"], Honoured(|b, v, r| flag(&mut b.options.cache.revalidate, v, r)),
        "Revalidate every cached page with its server. If the server does not respond, the cached page is used.";
    cache_validation_timeout, Number, ["10.0"], WithoutEffect("`page_timeout` also applies to revalidation"),
        "Seconds for the revalidation of a cached page.";
    wait_until, Text, ["\"domcontentloaded\""], NO_WAITING, "Event after which a page is loaded.";
    page_timeout, Number, ["60000"], Honoured(setters::page_timeout),
        "Milliseconds for the whole page including redirects, at most `limits.max_page_timeout`. 0: that maximum.";
    wait_for, Text, ["null"], Honoured(wait_for::set),
        "Condition that the page must meet: `css:…`, or a bare CSS selector. It is evaluated on the fetched HTML. If no element \
         matches, `smart` opens the page in the browser and waits for one, up to `page_timeout`; without a browser the page \
         fails. Conditions in JavaScript (`js:…`) are rejected.";
    wait_for_timeout, Integer, ["null"], NO_WAITING, "Milliseconds for `wait_for`.";
    wait_for_images, Bool, ["false"], NO_WAITING, "Wait for images.";
    delay_before_return_html, Number, ["0.1"], NO_WAITING, "Seconds to wait before the page is read.";
    mean_delay, Number, ["0.1"], HOST_DELAY, "Mean delay between pages in seconds.";
    max_range, Number, ["0.3"], HOST_DELAY, "Variation of the delay in seconds.";
    semaphore_count, Integer, ["5"], Honoured(setters::semaphore_count),
        "Pages of the job that are crawled concurrently, at most `crawler.pages_per_job`.";
    js_code, TextOrList, ["null"], NEEDS_BROWSER, "Scripts to run on the page.";
    js_code_before_wait, TextOrList, ["null"], NEEDS_BROWSER, "Scripts to run before waiting.";
    c4a_script, TextOrList, ["null"], Rejected("is not supported; leave it out to read the page as it is served"),
        "Actions on the page, in Crawl4AI's script language.";
    actions, List, ["[]", "null"], Rejected("is not available yet; leave it out to read the page as it is served"),
        "Actions on the page before it is read.";
    js_only, Bool, ["false"], STATE, "Run scripts on an open page without loading it.";
    ignore_body_visibility, Bool, ["true"], BODY_IS_READ, "Read the page while its body is hidden.";
    body_visibility_timeout, Number, ["30000"], BODY_IS_READ, "Milliseconds to wait until the body is visible.";
    scan_full_page, Bool, ["false"], NEEDS_BROWSER, "Scroll through the page.";
    scroll_delay, Number, ["0.2"], NO_WAITING, "Seconds between scroll steps.";
    max_scroll_steps, Integer, ["null"], STATIC_HTML, "Maximum number of scroll steps.";
    process_iframes, Bool, ["false"], STATIC_HTML, "Include the content of frames.";
    flatten_shadow_dom, Bool, ["false"], STATIC_HTML, "Include the content of shadow trees.";
    remove_overlay_elements, Bool, ["false"], STATIC_HTML, "Remove overlays.";
    remove_consent_popups, Bool, ["false"], STATIC_HTML, "Remove consent banners.";
    simulate_user, Bool, ["false"], NO_IMPERSONATION, "Simulate mouse and keyboard input.";
    override_navigator, Bool, ["false"], NO_IMPERSONATION, "Override the browser's identity.";
    magic, Bool, ["false"], NO_IMPERSONATION, "Avoid bot detection and remove overlays.";
    adjust_viewport_to_content, Bool, ["false"], STATIC_HTML, "Resize the viewport to the page.";
    screenshot, Bool, ["false"], NEEDS_BROWSER, "Return a screenshot of the page.";
    screenshot_wait_for, Number, ["null"], SCREENSHOT_ONLY, "Seconds to wait before the screenshot.";
    screenshot_height_threshold, Integer, ["10000"], SCREENSHOT_ONLY,
        "Height in pixels above which the screenshot is assembled from parts.";
    force_viewport_screenshot, Bool, ["false"], SCREENSHOT_ONLY, "Limit the screenshot to the viewport.";
    pdf, Bool, ["false"], NEEDS_BROWSER, "Return the page as PDF.";
    capture_mhtml, Bool, ["false"], NEEDS_BROWSER, "Return the page as MHTML.";
    image_description_min_word_threshold, Integer, ["1"],
        Honoured(|b, v, r| min_words(&mut b.options.page.image_description_min_words, 1000, v, r)),
        "Leave image descriptions with fewer words empty. Descriptions have at most 300 bytes.";
    image_score_threshold, Number, ["2"], Honoured(setters::image_score_threshold),
        "Leave out images from `media` with this score or a lower one. Crawl4AI's default counts as absent: only decorative \
         images are left out.";
    table_score_threshold, Number, ["7"], Honoured(setters::table_score_threshold),
        "Leave out tables with a lower score: two points each for a heading row, heading cells, a caption, at least two rows, \
         and at least two columns; up to three points for the text in the cells. Crawl4AI's default counts as absent: all \
         data tables are returned.";
    table_extraction, Typed(TABLES), ["{\"type\":\"DefaultTableExtraction\",\"params\":{}}", "null"],
        ONE_TABLE_EXTRACTION,
        "How tables are extracted. `LLMTableExtraction` is rejected.";
    exclude_external_images, Bool, ["false"], Honoured(|b, v, r| flag(&mut b.selection().exclude_external_images, v, r)),
        "Leave out images of other sites.";
    exclude_all_images, Bool, ["false"], Honoured(|b, v, r| flag(&mut b.selection().exclude_all_images, v, r)),
        "Leave out all images.";
    exclude_social_media_domains, List,
        ["[\"facebook.com\",\"twitter.com\",\"x.com\",\"linkedin.com\",\"instagram.com\",\"pinterest.com\",\
          \"tiktok.com\",\"snapchat.com\",\"reddit.com\"]", "[]"],
        Honoured(selection::social_media_domains), "Social media domains in addition to the built-in list.";
    exclude_external_links, Bool, ["false"], Honoured(|b, v, r| flag(&mut b.selection().exclude_external_links, v, r)),
        "Remove the URLs of links to other sites and keep their text.";
    exclude_social_media_links, Bool, ["false"],
        Honoured(|b, v, r| flag(&mut b.selection().exclude_social_media_links, v, r)),
        "Remove the URLs of links to social media, and leave out images from there.";
    exclude_domains, List, ["[]"], Honoured(|b, v, r| names(&mut b.selection().exclude_domains, v, r)),
        "Domains, with their subdomains: remove the URLs of links to them, and leave out images from there.";
    exclude_internal_links, Bool, ["false"], Honoured(|b, v, r| flag(&mut b.selection().exclude_internal_links, v, r)),
        "Remove the URLs of links within the site and keep their text.";
    score_links, Bool, ["false"], Honoured(|b, v, r| flag(&mut b.options.page.score_links, v, r)),
        "Score links from 0 to 10 (`intrinsic_score`, `total_score`) by their text, URL and position.";
    preserve_https_for_internal_links, Bool, ["false"], WithoutEffect("links are returned as the page has them"),
        "Keep `https` in links within the site after a redirect to `http`.";
    verbose, Bool, ["true", "false"], LOGGING, "Log more.";
    log_console, Bool, ["false"], LOGGING, "Log the page's console messages.";
    capture_network_requests, Bool, ["false"], NEEDS_BROWSER, "Return the page's network requests.";
    capture_console_messages, Bool, ["false"], NEEDS_BROWSER, "Return the page's console messages.";
    method, Text, ["\"GET\"", "\"get\""], WithoutEffect("pages are requested with GET only"), "HTTP method.";
    stream, Bool, ["false"], WithoutEffect("applies only to POST /crawl; follow a job with GET /jobs/{task_id}/events"),
        "Stream the results. Honoured on `POST /crawl`.", &[Sync, Dump] => setters::stream;
    prefetch, Bool, ["false"], WithoutEffect("every page is read in full"), "Return only HTML and links.";
    process_in_browser, Bool, ["false"], WithoutEffect("`raw:` pages are read without a browser"), "Open `raw:` pages in a browser.";
    url, Text, ["null"], WithoutEffect("the URLs are those in `urls`"), "URL of the page.";
    base_url, Text, ["null"], Honoured(setters::base_url), "Base URL for relative URLs on a `raw:` page.";
    check_robots_txt, Bool, ["false"], Honoured(|b, v, r| flag(&mut b.options.fetch.check_robots_txt, v, r)),
        "Respect robots.txt (RFC 9309, with `Crawl-delay`), also at every redirect. A disallowed page fails with \
         `Access denied by robots.txt`.";
    user_agent, Text, ["null"], Honoured(setters::crawler_user_agent),
        "`User-Agent` to send. It has precedence over that of `browser_config`.";
    user_agent_mode, Text, ["null", "\"\""], NO_IMPERSONATION, "How a user agent is generated.";
    user_agent_generator_config, Object, ["{}"], NO_IMPERSONATION, "Properties of a generated user agent.";
    deep_crawl_strategy, Typed(DEEP_CRAWLS), ["null"],
        Rejected("is not available yet; send all addresses in urls"), "How links are followed.";
    link_preview_config, Typed(&["LinkPreviewConfig"]), ["null"], Honoured(link_previews::set),
        "Request the pages that a page links to and add their title and description to its links, in `head_data`. \
         `include_internal` (true), `include_external` (false), `include_patterns`, `exclude_patterns`, `max_links` (at most \
         100), `concurrency` (at most 10) and `timeout` (seconds) are honoured. robots.txt is obeyed. \
         `limits.max_pages` bounds the previews of a job.";
    virtual_scroll_config, Typed(&["VirtualScrollConfig"]), ["null"], NEEDS_BROWSER,
        "How a page is read that replaces its content while scrolling.";
    url_matcher, TextOrList, ["null"], Honoured(setters::url_matcher),
        "Patterns of the URLs that the configuration is for, such as `*.example.com/*`. In `crawler_configs` the first match \
         wins. A page that no configuration matches is crawled with default options.";
    match_mode, Enum("MatchMode", &["or", "and"]), ["\"or\""], Honoured(setters::match_mode),
        "Whether any or all patterns of `url_matcher` must match.";
    experimental, Object, ["{}", "null"], WithoutEffect("there are no experimental features"), "Experimental features.";
    max_retries, Integer, ["0"], Honoured(setters::max_retries),
        "Retries of a page after a transient error, at most `limits.max_retries`.";
    fallback_fetch_function, Text, ["null"], CODE, "Code that fetches a page instead of the crawler.";
};
