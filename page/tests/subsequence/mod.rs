//! The property of fit Markdown: its words and its lines of code are subsequences of those of the raw Markdown.

/// What contradicts the property: the first word or line of code of `fit` that does not follow in `raw`.
pub fn contradiction(raw: &str, fit: &str) -> Option<String> {
    let (raw_text, fit_text) = (without_link_targets(raw), without_link_targets(fit));
    first_missing(words(&raw_text), words(&fit_text))
        .map(|word| format!("word {word:?}"))
        .or_else(|| first_missing(code_lines(raw), code_lines(fit)).map(|line| format!("line of code {line:?}")))
}

fn first_missing<'t>(
    all: impl IntoIterator<Item = &'t str>,
    part: impl IntoIterator<Item = &'t str>,
) -> Option<String> {
    let mut all = all.into_iter();
    part.into_iter().find(|item| !all.any(|other| other == *item)).map(str::to_owned)
}

fn words(markdown: &str) -> impl Iterator<Item = &str> {
    markdown.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

/// Markdown without the targets of links and images: a link around several blocks is written at the first kept one.
fn without_link_targets(markdown: &str) -> String {
    let mut text = String::with_capacity(markdown.len());
    let mut rest = markdown;
    while let Some((before, target)) = rest.split_once("](") {
        text.push_str(before);
        text.push_str("] ");
        rest = target.find([')', '\n']).map_or("", |end| &target[end..]);
    }
    text + rest
}

/// The lines in code fences, without the indent or quote marks before the fence.
fn code_lines(markdown: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut open: Option<(usize, &str)> = None;
    for line in markdown.lines() {
        let fence = line.find("```").map(|at| {
            let marks = line[at..].trim_end_matches(|c| c != '`');
            (at, &marks[..marks.len() - marks.trim_start_matches('`').len()])
        });
        match (open, fence) {
            (None, Some((at, marks))) if !line[..at].contains(|c: char| c.is_alphabetic()) => open = Some((at, marks)),
            (Some((at, marks)), _) if line.get(at..) == Some(marks) => open = None,
            (Some((at, _)), _) => lines.push(line.get(at..).unwrap_or("")),
            _ => {}
        }
    }
    lines
}
