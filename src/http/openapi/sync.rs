//! The operations whose caller waits.

use serde_json::{Value, json};
use utoipa::openapi::path::Operation;

use super::operation_builder::{operation, text};
use super::schemas::{
    Answer, ConfigDump, Configuration, CrawlRequest, Crawled, Defaults, Html, HtmlRequest, Markdown, MarkdownRequest,
    PageRequest,
};

const LINES: &str = "{\"url\": \"https://example.com\", \"success\": true, …}\n{\"status\": \"completed\"}\n";

fn request() -> Value {
    json!({"urls": ["https://example.com"], "crawler_config": {"page_timeout": 15000}})
}

pub fn crawl() -> Operation {
    let answer = json!({
        "success": true, "results": [], "server_processing_time_s": 0.4, "server_memory_delta_mb": null,
        "server_peak_memory_mb": null,
    });
    operation("waiting", "crawl", "Crawl pages and wait for them")
        .about("With `stream: true` in `crawler_config` the answer is NDJSON, as that of `/crawl/stream`.")
        .takes::<CrawlRequest>(request())
        .answers_also::<Crawled>(200, "At least one page succeeded", "application/x-ndjson", answer)
        .fails_with_a_reason(500, "No page succeeded: the first one's reason. Or an error of the server's own")
        .fails(&[409, 501])
        .build()
}

pub fn crawl_stream() -> Operation {
    operation("waiting", "crawl_stream", "Crawl pages and get each as soon as it is ready")
        .about("A client that leaves stops the work.")
        .takes::<CrawlRequest>(request())
        .answers_in(
            200,
            "One page's result a line, and a last line with the status and, where keys had no effect, `warnings`",
            "application/x-ndjson",
            LINES,
        )
        .fails(&[409, 501])
        .build()
}

pub fn markdown() -> Operation {
    let answer = json!({
        "url": "https://example.com", "filter": "raw", "query": null, "cache": "0", "markdown": "# Example Domain",
        "success": true,
    });
    operation("waiting", "markdown", "One page as Markdown")
        .takes::<MarkdownRequest>(json!({"url": "https://example.com", "f": "raw"}))
        .answers::<Markdown>(200, "The page", answer)
        .fails(&[400, 409, 501, 502])
        .build()
}

pub fn html() -> Operation {
    let answer = json!({"html": "<h1>Example Domain</h1>", "url": "https://example.com", "success": true});
    operation("waiting", "html", "One page as HTML made small, for writing a schema by")
        .takes::<HtmlRequest>(json!({"url": "https://example.com"}))
        .answers::<Html>(200, "The page", answer)
        .fails(&[409, 502])
        .build()
}

pub fn ask() -> Operation {
    operation("waiting", "ask", "Ask a language model about one page")
        .about("Without `q`, and with a job's id in place of the page, the job's status: see `GET /llm/job/{task_id}`.")
        .named("url", text(), "The page, also percent-encoded or without its scheme")
        .query("q", text(), "The question")
        .query("provider", text(), "`family/model`; without it, the server's own")
        .query("temperature", text(), "0.0 to 2.0")
        .query("offset", text(), "Of a job: the first page to show")
        .query("limit", text(), "Of a job: how many pages")
        .query("fields", text(), "Of a job: keys of each page, separated by commas")
        .answers::<Answer>(200, "What the model says", json!({"answer": "It is an example."}))
        .fails(&[400, 404, 409, 422, 502])
        .build()
}

pub fn schema() -> Operation {
    let answer = json!({
        "browser": {"type": "BrowserConfig", "params": {"headless": true}},
        "crawler": {"type": "CrawlerRunConfig", "params": {"page_timeout": 60000}},
    });
    operation("waiting", "get_schema", "The default of every key of a configuration")
        .answers::<Defaults>(200, "Both configurations", answer)
        .build()
}

pub fn dump() -> Operation {
    let example = json!({"type": "CrawlerRunConfig", "params": {"page_timeout": 5000}});
    operation("waiting", "dump_config", "A configuration in its plain form, without the keys that nobody knows")
        .takes::<ConfigDump>(example.clone())
        .answers::<Configuration>(200, "The configuration", example)
        .build()
}

/// What is not there yet. `GET` where `what` is about hooks, else `POST`.
pub fn missing(id: &str, what: &str) -> Operation {
    let described = operation("waiting", id, &format!("{what}: not there until there is a browser")).fails(&[501]);
    if id == "hooks_info" {
        described.build()
    } else {
        described.takes::<PageRequest>(json!({"url": "https://example.com"})).build()
    }
}

pub fn artifact() -> Operation {
    operation("waiting", "get_artifact", "A file that a browser made: not there until there is one")
        .named("artifact_id", text(), "Its id")
        .fails(&[501])
        .build()
}
