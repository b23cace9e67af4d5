//! Jobs and deliveries as lines of text. Pages, receivers and models wrote parts of it, so all output goes through
//! [`write_line`] or [`write_text`], which escape control characters.

use std::io::{self, Write};

use opilio_actors::domain::text::{escape_except, visible};
use serde_json::Value;

pub fn write_line(out: &mut impl Write, line: &str) -> io::Result<()> {
    writeln!(out, "{}", visible(line))
}

/// Keeps line breaks.
pub fn write_text(out: &mut impl Write, text: &str) -> io::Result<()> {
    writeln!(out, "{}", escape_except(text, |c| c == '\n'))
}

/// `crawl_… completed 3 of 3 https://example.com and 2 more`
pub fn job_line(job: &Value) -> String {
    let mut line = format!("{} {:<10} {}", text(job, "task_id"), status(job), progress(job));
    if let Some(first) = job["urls"][0].as_str() {
        let more = job["urls"].as_array().map_or(0, |urls| urls.len() - 1);
        line.push_str(&format!(" {}", shortened(first)));
        if more > 0 {
            line.push_str(&format!(" and {more} more"));
        }
    }
    line
}

/// Everything about a job except its result.
pub fn job_details(job: &Value) -> Vec<String> {
    let mut lines = vec![job_line(job)];
    for (key, name) in
        [("created_at", "created"), ("started_at", "started"), ("finished_at", "finished"), ("expires_at", "expires")]
    {
        if let Some(moment) = job[key].as_str() {
            lines.push(format!("  {name:<12} {moment}"));
        }
    }
    if let Some(error) = job["error"].as_str() {
        lines.push(format!("  {:<12} {error}", "error"));
    }
    if let Some(webhook) = job.get("webhook") {
        let (state, url) = (text(webhook, "state"), text(webhook, "url"));
        lines.push(format!("  {:<12} {state} after {} attempts: {url}", "webhook", webhook["attempts"]));
        if let Some(due) = webhook["next_attempt_at"].as_str() {
            lines.push(format!("  {:<12} {due}", "next attempt"));
        }
    }
    lines.extend(warnings(job).map(|warning| format!("  {:<12} {warning}", "warning")));
    lines
}

/// Keys of the request that had no effect, each with the reason.
pub fn warnings(job: &Value) -> impl Iterator<Item = String> {
    let warnings = job["warnings"].as_array().into_iter().flatten();
    warnings.map(|warning| format!("{}: {}", text(warning, "key"), text(warning, "reason")))
}

/// A delivery attempt.
pub fn attempt_line(attempt: &Value) -> String {
    let outcome = match (attempt["status"].as_u64(), attempt["error"].as_str()) {
        (Some(status), _) => format!("HTTP {status}"),
        (None, Some(error)) => error.to_owned(),
        (None, None) => "in flight".to_owned(),
    };
    let duration = attempt["duration_s"].as_f64().map(|seconds| format!(" in {seconds:.3} s")).unwrap_or_default();
    let next = attempt["next_due"].as_str().map(|next| format!(", next attempt at {next}")).unwrap_or_default();
    format!("  {} {} {outcome}{duration}{next}", attempt["attempt"], text(attempt, "started_at"))
}

/// A crawled page.
pub fn page_line(page: &Value) -> String {
    let url = text(page, "url");
    match page["success"].as_bool() {
        Some(true) => format!("crawled {url}"),
        _ => format!("failed {url} {}", text(page, "error_message")),
    }
}

/// `crawl_… failed: HTTP 404 Not Found`, for a job that failed or was cancelled.
pub fn failure(job: &Value) -> Option<String> {
    let status = text(job, "status");
    let reason = job["error"].as_str().map(|reason| format!(": {reason}")).unwrap_or_default();
    matches!(status, "failed" | "cancelled").then(|| format!("{} {status}{reason}", text(job, "task_id")))
}

/// The text of a key, or an empty text.
pub fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

fn status(job: &Value) -> &str {
    match text(job, "status") {
        "processing" => text(job, "stage"),
        settled => settled,
    }
}

fn progress(job: &Value) -> String {
    let count = |key: &str| job["progress"][key].as_u64().unwrap_or_default();
    match count("failed") {
        0 => format!("{} of {}", count("done"), count("total")),
        failed => format!("{} of {} ({failed} failed)", count("done"), count("total")),
    }
}

/// The first line of a URL, up to a limit: `raw:` URLs may be long.
fn shortened(url: &str) -> String {
    const MAX_CHARACTERS: usize = 100;
    let first = url.lines().next().unwrap_or_default();
    match first.char_indices().nth(MAX_CHARACTERS) {
        Some((end, _)) => format!("{}…", &first[..end]),
        None => first.to_owned(),
    }
}
