//! The keys of `crawler_config`.

use super::browser_keys::{NO_BROWSER, PROXY, SCRIPTS, STATE};
use super::table::Class::{Honoured, Refused, WithoutEffect};
use super::table::Kind::{Bool, Enum, Integer, List, Number, Object, Text, TextOrList, Typed};
use super::table::{Class, Key, keys};
use super::{extraction_strategy, selection, setters};

const SCORES: Class = Refused("links are not followed or scored for a result yet");
const OUTPUT: Class = Refused("it cannot be given, because pages are fetched without a browser");
const NO_WAITING: Class =
    WithoutEffect("a page fetched over HTTP is complete when it has arrived; nothing is waited for");
const NO_EXTRACTION: Class = WithoutEffect("it only matters to an extraction by a model");
const NO_PICTURE: Class = WithoutEffect("it only matters to screenshots");
const CACHE_MODE: Class = WithoutEffect("`cache_mode` says what is done with pages fetched earlier");
const NO_PROXY: Class = WithoutEffect("it only matters to proxies, which a request may not choose");
const ONLY_SCRIPTS_SEE: Class = WithoutEffect("only a page's scripts would see it, and they are not run");
const NOBODY_IMITATED: Class = WithoutEffect("pages are asked for openly; nobody is imitated");
const NO_DYNAMICS: Class = WithoutEffect("scripts are not run, so only what the page's own HTML holds is seen");
const PACE: Class = WithoutEffect("the pace for a host is the operator's choice");
const CODE: Class = Refused("code may not come over the network");
const LOGGING: Class = WithoutEffect("what is logged is the operator's choice");

pub(super) const GENERATORS: &[&str] = &["DefaultMarkdownGenerator"];
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
const DEEP: &[&str] = &["BFSDeepCrawlStrategy", "DFSDeepCrawlStrategy", "BestFirstCrawlingStrategy"];
pub(super) const CACHE_MODES: &[&str] = &["bypass", "disabled", "enabled", "read_only", "write_only"];

/// Types that change the meaning of a job under keys that else do not.
pub(super) const REFUSED_TYPES: [(&str, &str); 2] = [
    ("PDFContentScrapingStrategy", "PDF files are not read"),
    ("LLMTableExtraction", "tables are not read by a model"),
];

pub(super) const KEYS: &[Key] = keys! {
    word_count_threshold, Integer, ["1"], Honoured(selection::word_count_threshold),
        "Paragraphs, list items and other innermost blocks of fewer words are left out; headings, tables, code and blocks \
         with an image stay.";
    extraction_strategy, Typed(EXTRACTIONS), ["null", "{\"type\":\"NoExtractionStrategy\",\"params\":{}}"],
        Honoured(extraction_strategy::set),
        "How fields are picked from a page, into `extracted_content`; see [fields](fields.md). Those by a model are \
         refused.";
    chunking_strategy, Typed(&["RegexChunking"]),
        ["{\"type\":\"RegexChunking\",\"params\":{\"patterns\":[\"\\\\n\\\\n\"]}}",
        "{\"type\":\"RegexChunking\",\"params\":{}}"], NO_EXTRACTION, "How a page is divided for an extraction.";
    markdown_generator, Typed(GENERATORS), ["{\"type\":\"DefaultMarkdownGenerator\",\"params\":{}}"],
        Honoured(setters::markdown_generator),
        "How Markdown is written; its parameters have a table of their own.";
    only_text, Bool, ["false"], Honoured(|r, given| r.selects(given, |to| &mut to.only_text)),
        "Formatting within lines is taken off; its text stays.";
    css_selector, Text, ["null"], Honoured(|r, given| r.selector(given, |to| &mut to.css_selector)),
        "Only what it matches is read; where it matches nothing, the page says nothing. `html` and the metadata stay those \
         of the whole page.";
    target_elements, List, ["[]"], Honoured(selection::target_elements),
        "Selectors: Markdown and `cleaned_html` are made of what they match; links, media and tables are those of the page.";
    excluded_tags, List, ["[]"], Honoured(|r, given| r.names(given, |to| &mut to.excluded_tags)),
        "Elements to leave out, by name.";
    excluded_selector, Text, ["\"\""], Honoured(|r, given| r.selector(given, |to| &mut to.excluded_selector)),
        "Elements to leave out, by selector.";
    keep_data_attributes, Bool, ["false"], Honoured(|r, given| r.selects(given, |to| &mut to.keep_data_attributes)),
        "Whether `cleaned_html` keeps `data-` attributes.";
    keep_attrs, List, ["[]"], Honoured(|r, given| r.names(given, |to| &mut to.keep_attrs)),
        "Further attributes that `cleaned_html` keeps.";
    remove_forms, Bool, ["false"], Honoured(|r, given| r.selects(given, |to| &mut to.remove_forms)),
        "Whether forms are left out.";
    prettiify, Bool, ["false"], WithoutEffect("`cleaned_html` is always written compactly"),
        "Whether `cleaned_html` is indented.";
    parser_type, Text, ["\"lxml\""], WithoutEffect("there is one parser, which reads pages as browsers do"),
        "Which parser.";
    scraping_strategy, Typed(SCRAPERS), ["{\"type\":\"LXMLWebScrapingStrategy\",\"params\":{}}", "null",
        "{\"type\":\"WebScrapingStrategy\",\"params\":{}}"],
        WithoutEffect("there is one way of parser pages"),
        "How pages are read; `PDFContentScrapingStrategy` is refused.";
    proxy_config, Typed(&["ProxyConfig"]), ["null", "\"direct\""], PROXY, "A proxy, or several.";
    proxy_rotation_strategy, Typed(&["RoundRobinProxyStrategy"]), ["null"], PROXY, "How proxies take turns.";
    proxy_session_id, Text, ["null"], PROXY, "Which pages share a proxy.";
    proxy_session_ttl, Integer, ["null"], NO_PROXY, "How long pages share a proxy, in seconds.";
    proxy_session_auto_release, Bool, ["false"], NO_PROXY, "Whether a shared proxy is given back in the end.";
    locale, Text, ["null"], Honoured(setters::locale),
        "A language tag (`de-CH`), sent as `Accept-Language` unless `headers` hold one.";
    timezone_id, Text, ["null"], ONLY_SCRIPTS_SEE, "The visitor's time zone.";
    geolocation, Typed(&["GeolocationConfig"]), ["null"], ONLY_SCRIPTS_SEE, "The visitor's place.";
    fetch_ssl_certificate, Bool, ["false"], Refused("certificates are checked, but not given"),
        "Whether the result holds the certificate.";
    cache_mode, Enum("CacheMode", CACHE_MODES), ["\"bypass\"", "\"disabled\"", "null"],
        Honoured(setters::cache_mode),
        "What is done with pages fetched earlier: `enabled` takes and keeps them, `read_only` takes, `write_only` keeps. \
         A page is taken that a request with the same headers, cookies and user agent fetched; one with \
         `Cache-Control: no-store`, or without success, is not kept; one whose server says `no-cache`, or whose time is over \
         by what its server said (RFC 9111), is asked about first. `cache_status` of the result is `miss`, `hit`, \
         `hit_validated` or `hit_fallback`, `cached_at` the time in seconds.";
    session_id, Text, ["null"], STATE, "A browser page to go on with.";
    bypass_cache, Bool, ["false"], CACHE_MODE, "The older way of saying `bypass`.";
    disable_cache, Bool, ["false"], CACHE_MODE, "The older way of saying `disabled`.";
    no_cache_read, Bool, ["false"], CACHE_MODE, "The older way of saying `write_only`.";
    no_cache_write, Bool, ["false"], CACHE_MODE, "The older way of saying `read_only`.";
    shared_data, Object, ["null"], WithoutEffect("only hooks would read it, and there are none"), "Data for hooks.";
    check_cache_freshness, Bool, ["false"], Honoured(setters::check_cache_freshness),
        "Whether the server is asked first if the page has changed since. One that does not answer counts as no.";
    cache_validation_timeout, Number, ["10.0"],
        WithoutEffect("`page_timeout` holds for this as well"), "Seconds for asking about a cached page.";
    wait_until, Text, ["\"domcontentloaded\""], NO_WAITING, "What counts as loaded.";
    page_timeout, Number, ["60000"], Honoured(setters::page_timeout),
        "Milliseconds for the whole page, redirects included, at most a day. `0`: the operator's choice.";
    wait_for, Text, ["null"], Refused("nothing can be waited for, because pages are fetched without a browser"),
        "What must be on the page before it is read.";
    wait_for_timeout, Integer, ["null"], NO_WAITING, "Milliseconds for that.";
    wait_for_images, Bool, ["false"], NO_WAITING, "Whether images must be loaded.";
    delay_before_return_html, Number, ["0.1"], NO_WAITING, "Seconds to wait before the page is read.";
    mean_delay, Number, ["0.1"], PACE, "Seconds between pages.";
    max_range, Number, ["0.3"], PACE, "How much that varies.";
    semaphore_count, Integer, ["5"], Honoured(setters::semaphore_count),
        "How many pages of the job are crawled side by side, within the operator's bound.";
    js_code, TextOrList, ["null"], SCRIPTS, "Scripts to run on the page.";
    js_code_before_wait, TextOrList, ["null"], SCRIPTS, "Scripts to run before waiting.";
    c4a_script, TextOrList, ["null"], SCRIPTS, "Steps to take on the page.";
    js_only, Bool, ["false"], SCRIPTS, "Whether an open page is driven on, not loaded.";
    ignore_body_visibility, Bool, ["true"], NO_BROWSER, "Whether a hidden body is read.";
    scan_full_page, Bool, ["false"], NO_DYNAMICS, "Whether the page is scrolled through.";
    scroll_delay, Number, ["0.2"], NO_WAITING, "Seconds between scroll steps.";
    max_scroll_steps, Integer, ["null"], NO_BROWSER, "How often the page is scrolled.";
    process_iframes, Bool, ["false"], NO_DYNAMICS, "Whether frames become part of the page.";
    flatten_shadow_dom, Bool, ["false"], NO_DYNAMICS, "Whether shadow trees become part of the page.";
    remove_overlay_elements, Bool, ["false"], NO_DYNAMICS, "Whether pop-ups are removed.";
    remove_consent_popups, Bool, ["false"], NO_DYNAMICS, "Whether consent banners are removed.";
    simulate_user, Bool, ["false"], NOBODY_IMITATED, "Whether a person is imitated.";
    override_navigator, Bool, ["false"], NOBODY_IMITATED, "Whether the browser pretends to be another.";
    magic, Bool, ["false"], NOBODY_IMITATED, "Whether obstacles are dealt with by guessing.";
    adjust_viewport_to_content, Bool, ["false"], NO_BROWSER, "Whether the window fits the page.";
    screenshot, Bool, ["false"], OUTPUT, "Whether the result holds a picture of the page.";
    screenshot_wait_for, Number, ["null"], NO_PICTURE, "Seconds to wait before the picture.";
    screenshot_height_threshold, Integer, ["10000"], NO_PICTURE, "From which height the picture is put together.";
    force_viewport_screenshot, Bool, ["false"], NO_PICTURE, "Whether the picture shows the window only.";
    pdf, Bool, ["false"], OUTPUT, "Whether the result holds the page as PDF.";
    capture_mhtml, Bool, ["false"], OUTPUT, "Whether the result holds the page as MHTML.";
    image_description_min_word_threshold, Integer, ["1"], Honoured(selection::image_description_words),
        "Descriptions of images with fewer words are left empty. None is longer than 300 bytes.";
    image_score_threshold, Integer, ["2"], Honoured(setters::image_score_threshold),
        "Images that score this or less are left out of `media`. The peer's default counts as absent: only decoration \
         is left out then.";
    table_score_threshold, Integer, ["7"], Honoured(selection::table_score_threshold),
        "Tables that score less are left out: two points each for a first row of headings, heading cells, a caption, two \
         rows and columns at least; up to three for how much cells say. The peer's default counts as absent: whatever is \
         data is given then.";
    table_extraction, Typed(TABLES), ["{\"type\":\"DefaultTableExtraction\",\"params\":{}}", "null"],
        WithoutEffect("there is one way of parser tables"), "How tables are read; `LLMTableExtraction` is refused.";
    exclude_external_images, Bool, ["false"], Honoured(|r, given| r.selects(given, |to| &mut to.exclude_external_images)),
        "Whether images of other sites are left out.";
    exclude_all_images, Bool, ["false"], Honoured(|r, given| r.selects(given, |to| &mut to.exclude_all_images)),
        "Whether all images are left out.";
    exclude_social_media_domains, List,
        ["[\"facebook.com\",\"twitter.com\",\"x.com\",\"linkedin.com\",\"instagram.com\",\"pinterest.com\",\
          \"tiktok.com\",\"snapchat.com\",\"reddit.com\"]", "[]"],
        Honoured(selection::social_media_domains), "What counts as social media, beside the default list.";
    exclude_external_links, Bool, ["false"], Honoured(|r, given| r.selects(given, |to| &mut to.exclude_external_links)),
        "Whether links to other sites lose their targets; their text stays.";
    exclude_social_media_links, Bool, ["false"], Honoured(|r, given| r.selects(given, |to| &mut to.exclude_social_media_links)),
        "Whether links to social media lose their targets, and images from there are left out.";
    exclude_domains, List, ["[]"], Honoured(|r, given| r.names(given, |to| &mut to.exclude_domains)),
        "Sites, with those below them: links to them lose their targets, images from there are left out.";
    exclude_internal_links, Bool, ["false"], Honoured(|r, given| r.selects(given, |to| &mut to.exclude_internal_links)),
        "Whether links within the site lose their targets; their text stays.";
    score_links, Bool, ["false"], Honoured(selection::score_links),
        "Whether links are given a score from 0 to 10 (`intrinsic_score`, `total_score`) by their text, address and place.";
    preserve_https_for_internal_links, Bool, ["false"], WithoutEffect("links are given as the page has them"),
        "Whether links within the site stay `https` after a redirect to `http`.";
    verbose, Bool, ["true", "false"], LOGGING, "Whether more is logged.";
    log_console, Bool, ["false"], LOGGING, "Whether the page's console is logged.";
    capture_network_requests, Bool, ["false"], OUTPUT, "Whether the result holds what the page loaded.";
    capture_console_messages, Bool, ["false"], OUTPUT, "Whether the result holds what the page's scripts logged.";
    method, Text, ["\"GET\"", "\"get\""], Refused("pages are asked for by GET"), "The HTTP method.";
    stream, Bool, ["false"], WithoutEffect("a job is answered at once; ask for it to see its pages as they are done"),
        "Whether results are sent one by one.";
    prefetch, Bool, ["false"], WithoutEffect("every page is read in full"), "Whether only HTML and links are wanted.";
    process_in_browser, Bool, ["false"], NO_BROWSER, "Whether `raw:` pages are opened in a browser.";
    url, Text, ["null"], WithoutEffect("the addresses are those of `urls`"), "An address.";
    base_url, Text, ["null"], Honoured(setters::base_url),
        "What relative addresses on a `raw:` page are resolved against.";
    check_robots_txt, Bool, ["false"], Honoured(selection::check_robots_txt),
        "Whether robots.txt (RFC 9309, with `Crawl-delay`) is respected, at every redirect anew. What it forbids fails with \
         `Access denied by robots.txt`.";
    user_agent, Text, ["null"], Honoured(setters::crawler_user_agent),
        "The `User-Agent` to send. It goes before that of `browser_config`.";
    user_agent_mode, Text, ["null", "\"\""], NOBODY_IMITATED, "How a user agent is made up.";
    user_agent_generator_config, Object, ["{}"], NOBODY_IMITATED, "What a made-up user agent looks like.";
    deep_crawl_strategy, Typed(DEEP), ["null"], Refused("links are not followed yet; send all addresses in `urls`"),
        "How links are followed.";
    link_preview_config, Typed(&["LinkPreviewConfig"]), ["null"], SCORES, "Which links are looked at, and how.";
    virtual_scroll_config, Typed(&["VirtualScrollConfig"]), ["null"], SCRIPTS,
        "How a page that loads while scrolling is read.";
    url_matcher, TextOrList, ["null"], Refused("one configuration is for all addresses of a job"),
        "The addresses that the configuration is for.";
    match_mode, Enum("MatchMode", &["or", "and"]), ["\"or\""], WithoutEffect("it only matters to `url_matcher`"),
        "How several matchers work together.";
    experimental, Object, ["{}", "null"], WithoutEffect("there are no experiments"), "Experiments.";
    max_retries, Integer, ["0"], Honoured(setters::max_retries),
        "Further tries of a page after a transient failure: 0 to 100.";
    fallback_fetch_function, Text, ["null"], CODE, "Code that fetches a page in place of the crawler.";
};
