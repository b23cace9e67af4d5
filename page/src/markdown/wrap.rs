//! Wraps the paragraphs of finished Markdown at a width, for reading it in a terminal.

/// Breaks lines at spaces so that they have at most `width` characters if possible. Code, headings and tables stay
/// unchanged, as does the text after `max_bytes`.
pub(super) fn wrapped(markdown: &str, width: usize, max_bytes: usize) -> String {
    let mut out = String::with_capacity(markdown.len() + markdown.len() / 40);
    let mut fence: Option<&str> = None;
    for line in markdown.split_inclusive('\n') {
        let (body, end) = line.strip_suffix('\n').map_or((line, ""), |body| (body, "\n"));
        let (prefix, next, text) = split_prefix(body);
        let fence_here = text.starts_with("```") || text.starts_with("~~~");
        match fence {
            Some(open) if text.starts_with(open) && text.trim_start_matches(&open[..1]).trim().is_empty() => {
                fence = None
            }
            Some(_) => {}
            None if fence_here => {
                fence = text.get(..text.len() - text.trim_start_matches(&text[..1]).len());
            }
            None if !text.starts_with(['#', '|']) && out.len() < max_bytes => {
                out.push_str(prefix);
                wrap(text, &next, width.saturating_sub(prefix.chars().count()).max(1), max_bytes, &mut out);
                out.push_str(end);
                continue;
            }
            None => {}
        }
        out.push_str(line);
    }
    out
}

/// The prefix of a line (list markers, quotes, indentation), the prefix for its continuation lines, and its text.
fn split_prefix(line: &str) -> (&str, String, &str) {
    let mut next = String::new();
    let mut rest = line;
    loop {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let bytes = rest.as_bytes();
        let taken = match bytes {
            [b'>', b' ', ..] => 2,
            [b' ', ..] => 1,
            [b'-' | b'*' | b':', b' ', ..] => 2,
            _ if (1..10).contains(&digits) && matches!(bytes.get(digits..), Some([b'.' | b')', b' ', ..])) => {
                digits + 2
            }
            _ => break,
        };
        next.push_str(if bytes[0] == b'>' { "> " } else { &"            "[..taken] });
        rest = &rest[taken..];
    }
    (&line[..line.len() - rest.len()], next, rest)
}

fn wrap(text: &str, next: &str, width: usize, max_bytes: usize, out: &mut String) {
    let mut used = 0;
    let hard_break = if text.ends_with("  ") { "  " } else { "" };
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let length = word.chars().count();
        let breaks = used > 0 && used + 1 + length > width && out.len() < max_bytes && !starts_markdown(word);
        if breaks {
            out.push('\n');
            out.push_str(next);
            used = 0;
        } else if used > 0 {
            out.push(' ');
            used += 1;
        }
        out.push_str(word);
        used += length;
    }
    out.push_str(hard_break);
}

/// Whether a word has a meaning in Markdown at the start of a line.
fn starts_markdown(word: &str) -> bool {
    let first = word.as_bytes()[0];
    matches!(first, b'#' | b'>' | b'-' | b'+' | b'*' | b'=' | b'|' | b':' | b'~' | b'`')
        || first.is_ascii_digit() && word.ends_with(['.', ')'])
}

#[cfg(test)]
mod tests {
    use super::wrapped;

    #[test]
    fn paragraphs_wrap_inside_lists_and_quotes() {
        for (markdown, expected) in [
            ("one two three\n", "one two\nthree\n"),
            ("- one two three\n", "- one\n  two\n  three\n"),
            ("> 1. one two\n", "> 1. one\n>    two\n"),
            ("# one two three\n", "# one two three\n"),
            ("```\none two three\n```\nfour five\n", "```\none two three\n```\nfour\nfive\n"),
            ("one two 3. four\n", "one two 3.\nfour\n"),
            ("one  \ntwo\n", "one  \ntwo\n"),
        ] {
            assert_eq!(wrapped(markdown, 8, usize::MAX), expected, "{markdown}");
        }
    }
}
