//! Keys of Crawl4AI's `config.yml` that mean nothing here, each with the reason.

const BROWSER: &str = "there is no browser to set up";
const ELSEWHERE: &str = "belongs to a server of another kind; nothing here depends on it";

const WITHOUT_EFFECT: [(&str, &str); 18] = [
    ("app.title", ELSEWHERE),
    ("app.version", ELSEWHERE),
    ("app.reload", ELSEWHERE),
    ("app.workers", "one process serves all connections"),
    ("app.timeout_keep_alive", ELSEWHERE),
    ("limits.max_pages", "there are no deep crawls yet"),
    ("limits.max_depth", "there are no deep crawls yet"),
    ("limits.queue.workers", "workers are cheap here; see jobs.crawl_workers and crawler.pool.max_pages"),
    ("rate_limiting.storage_uri", "each process counts for itself"),
    ("security.enabled", "the checks are always made; who gets in is said by the credentials"),
    ("security.https_redirect", "TLS is the business of a proxy in front"),
    ("security.headers", "every answer has the headers that it needs"),
    ("crawler.base_config", "a job's own crawler_config says how its pages are crawled"),
    ("crawler.memory_threshold_percent", "memory is bounded by crawler.pool.max_pages"),
    ("crawler.rate_limiter", "see crawler.host_gap and crawler.pages_per_host"),
    ("crawler.timeouts", "see crawler.page_timeout"),
    ("crawler.pool.idle_ttl", BROWSER),
    ("crawler.browser", BROWSER),
];

/// The reason why `key` may stand in a file and does nothing.
pub fn without_effect(key: &str) -> Option<&'static str> {
    if key == "observability" || key.starts_with("observability.") {
        return Some("/metrics and /health are always there");
    }
    let known = |name: &str| {
        let rest = key.strip_prefix(name);
        rest.is_some_and(|rest| {
            rest.is_empty() || rest.starts_with('.') || ["_s", "_sec", "_seconds", "_ms"].contains(&rest)
        })
    };
    WITHOUT_EFFECT.iter().find(|(name, _)| known(name)).map(|(_, reason)| *reason)
}
