//! Jobs and what became of them, as lines for a person. Pages, receivers and models wrote some of it, so all of it goes
//! through [`say`].

use std::io::{self, Write};

use opilio_actors::domain::text::{visible, visible_but};
use serde_json::Value;

/// Prints a line. Nothing in it acts on the terminal, or looks like another line.
pub fn say(out: &mut impl Write, line: &str) -> io::Result<()> {
    writeln!(out, "{}", visible(line))
}

/// Prints what may have several lines of its own.
pub fn say_all(out: &mut impl Write, text: &str) -> io::Result<()> {
    writeln!(out, "{}", visible_but(text, |c| c == '\n'))
}

/// `crawl_… completed 3 of 3 https://example.com and 2 more`
pub fn line(job: &Value) -> String {
    let mut line = format!("{} {:<10} {}", text(job, "task_id"), summary(job), progress(job));
    if let Some(first) = job["urls"][0].as_str() {
        let more = job["urls"].as_array().map_or(0, |urls| urls.len() - 1);
        line.push_str(&format!(" {}", shortened(first)));
        if more > 0 {
            line.push_str(&format!(" and {more} more"));
        }
    }
    line
}

/// All that there is to say about a job but its result, a line each.
pub fn card(job: &Value) -> Vec<String> {
    let mut lines = vec![line(job)];
    for (key, name) in [
        ("created_at", "created"),
        ("started_at", "started"),
        ("finished_at", "finished"),
        ("expires_at", "kept until"),
    ] {
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
pub fn warnings(answer: &Value) -> impl Iterator<Item = String> {
    let warnings = answer["warnings"].as_array().into_iter().flatten();
    warnings.map(|warning| format!("{}: {}", text(warning, "key"), text(warning, "reason")))
}

/// One attempt to deliver.
pub fn attempt(attempt: &Value) -> String {
    let came = match (attempt["status"].as_u64(), attempt["error"].as_str()) {
        (Some(status), _) => format!("HTTP {status}"),
        (None, Some(error)) => error.to_owned(),
        (None, None) => "under way".to_owned(),
    };
    let took = attempt["duration_s"].as_f64().map(|took| format!(" in {took:.3} s")).unwrap_or_default();
    let next = attempt["next_due"].as_str().map(|next| format!(", again at {next}")).unwrap_or_default();
    format!("  {} {} {came}{took}{next}", attempt["attempt"], text(attempt, "started_at"))
}

/// A page that has been crawled.
pub fn page(page: &Value) -> String {
    let url = text(page, "url");
    match page["success"].as_bool() {
        Some(true) => format!("crawled {url}"),
        _ => format!("failed {url} {}", text(page, "error_message")),
    }
}

/// `failed: HTTP 404 Not Found`, for a job that did not end well.
pub fn misfortune(job: &Value) -> Option<String> {
    let status = text(job, "status");
    let why = job["error"].as_str().map(|why| format!(": {why}")).unwrap_or_default();
    matches!(status, "failed" | "cancelled").then(|| format!("{} {status}{why}", text(job, "task_id")))
}

/// A text of a document, or nothing.
pub fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

fn summary(job: &Value) -> &str {
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

/// A page brought along may be long.
fn shortened(url: &str) -> String {
    const LONGEST: usize = 100;
    let first = url.lines().next().unwrap_or_default();
    match first.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &first[..end]),
        None => first.to_owned(),
    }
}
