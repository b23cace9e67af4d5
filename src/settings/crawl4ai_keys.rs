//! Keys of Crawl4AI's `config.yml` that have no effect in Opilio.

const BROWSER: &str = "use the section `browser`";
const SERVER: &str = "belongs to Crawl4AI's web server";

const WITHOUT_EFFECT: [(&str, &str); 17] = [
    ("app.title", SERVER),
    ("app.version", SERVER),
    ("app.reload", SERVER),
    ("app.workers", "one process serves all connections"),
    ("app.timeout_keep_alive", "use limits.keep_alive"),
    ("limits.max_depth", "site crawls are not available yet"),
    ("limits.queue.workers", "use jobs.crawl_workers and crawler.pool.max_pages"),
    ("rate_limiting.storage_uri", "each process counts its own requests"),
    ("security.enabled", "the checks are always enabled; tokens decide who has access"),
    ("security.https_redirect", "TLS is terminated by a reverse proxy"),
    ("security.headers", "security headers are always sent"),
    ("crawler.base_config", "set crawler_config in the job"),
    ("crawler.memory_threshold_percent", "crawler.pool.max_pages bounds the memory"),
    ("crawler.rate_limiter", "use crawler.host_gap and crawler.pages_per_host"),
    ("crawler.timeouts", "use crawler.page_timeout"),
    ("crawler.pool.idle_ttl", BROWSER),
    ("crawler.browser", BROWSER),
];

/// The reason why `key` has no effect; `None` if it is not such a key.
pub fn without_effect(key: &str) -> Option<&'static str> {
    if key == "observability" || key.starts_with("observability.") {
        return Some("/metrics and /health are always enabled");
    }
    let matches = |name: &str| {
        let rest = key.strip_prefix(name);
        rest.is_some_and(|rest| {
            rest.is_empty() || rest.starts_with('.') || ["_s", "_sec", "_seconds", "_ms"].contains(&rest)
        })
    };
    WITHOUT_EFFECT.iter().find(|(name, _)| matches(name)).map(|(_, reason)| *reason)
}
