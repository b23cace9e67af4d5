//! A model's response as data: JSON inside code fences or surrounding text, with small syntax errors repaired.
//!
//! A truncated response is not completed; it is not valid JSON, so the request is repeated.

mod depth_limit;

use serde_json::Value;

use super::prompt::NONE;
use depth_limit::DepthLimited;

/// The JSON of a response for which JSON was requested.
pub fn parse_json(text: &str) -> Option<Value> {
    // Strings of complete JSON can contain the tags of a reasoning section.
    if let Ok(value) = serde_json::from_str(text.trim()) {
        return Some(value);
    }
    let text = without_reasoning(text);
    let candidates = [Some(text), fenced(text), outermost(text)];
    let found = candidates.iter().flatten().find_map(|candidate| serde_json::from_str(candidate.trim()).ok());
    found.or_else(|| candidates.iter().skip(1).flatten().find_map(|candidate| repaired(candidate)))
}

/// The value of a response for which no format was requested: its JSON object or array, else its text.
pub fn parse_free_form(text: &str) -> Value {
    let is_data = |value: &Value| value.is_object() || value.is_array();
    if let Some(value) = serde_json::from_str(text).ok().filter(is_data) {
        return value;
    }
    let text = without_reasoning(text);
    let whole = serde_json::from_str::<Value>(text).ok();
    let in_fence = || {
        let bare = text.strip_prefix("```").is_some_and(|rest| rest.trim_end().ends_with("```"));
        fenced(text).filter(|_| bare).and_then(|inner| serde_json::from_str(inner.trim()).ok())
    };
    whole.filter(is_data).or_else(in_fence).unwrap_or_else(|| text.into())
}

/// The Markdown of a response for which Markdown was requested; empty if the model says that there is none.
pub fn parse_markdown(text: &str) -> String {
    let text = without_reasoning(text);
    let is_fence = text.starts_with("```markdown\n") || text.starts_with("```md\n");
    let text = fenced(text).filter(|_| is_fence && text.ends_with("```")).unwrap_or(text).trim();
    if text.eq_ignore_ascii_case(NONE) { String::new() } else { text.to_owned() }
}

/// The text after the last reasoning section. The opening tag may be missing: some chat templates end with it.
fn without_reasoning(text: &str) -> &str {
    const CLOSING: [&str; 2] = ["</think>", "</reasoning>"];
    let lower = text.to_ascii_lowercase();
    let ends = CLOSING.iter().filter_map(|tag| Some(lower.rfind(tag)? + tag.len()));
    text[ends.max().unwrap_or(0)..].trim()
}

/// The text between the first code fence and the last.
fn fenced(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("```")?;
    let (_, rest) = rest.split_once('\n')?;
    rest.rsplit_once("```").map(|(inner, _)| inner)
}

/// The text from the first opening bracket to the last closing bracket of the same kind.
fn outermost(text: &str) -> Option<&str> {
    let start = text.find(['{', '['])?;
    let close = if text[start..].starts_with('{') { '}' } else { ']' };
    let end = text.rfind(close).filter(|end| *end > start)?;
    Some(&text[start..=end])
}

/// Parses JSON with trailing commas, single quotes, unquoted names, comments, or line breaks inside strings.
fn repaired(text: &str) -> Option<Value> {
    json5(text.trim()).or_else(|| json5(&with_escaped_newlines(text.trim())))
}

/// Parses JSON5 with a depth limit. The parser has none, so deep nesting would overflow the stack.
fn json5(text: &str) -> Option<Value> {
    json5::from_str(text).ok().map(|DepthLimited(value)| value)
}

fn with_escaped_newlines(text: &str) -> String {
    let (mut out, mut quoted, mut escaped) = (String::with_capacity(text.len()), false, false);
    for c in text.chars() {
        match c {
            '\n' if quoted => out.push_str("\\n"),
            '\r' if quoted => {}
            _ => out.push(c),
        }
        quoted ^= c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::depth_limit::MAX_DEPTH;
    use super::*;

    #[test]
    fn json_is_found_in_fences_and_surrounding_text() {
        for text in [
            r#"{"a": [1, "x"]}"#,
            "```json\n{\"a\": [1, \"x\"]}\n```",
            "Sure! Here it is:\n```\n{\"a\": [1, \"x\"]}\n```\nAnything else?",
            "Here it is: {\"a\": [1, \"x\"]}. Bye {or not",
            "<think>{\"a\": 0}</think>\n{\"a\": [1, \"x\"]}",
            "{'a': [1, 'x',],}",
            "{a: [1, /* one */ \"x\"]}",
        ] {
            assert_eq!(parse_json(text), Some(json!({"a": [1, "x"]})), "{text}");
        }
        assert_eq!(parse_json("{\"a\": \"two\nlines\"}"), Some(json!({"a": "two\nlines"})));
    }

    #[test]
    fn text_before_the_last_reasoning_tag_is_ignored() {
        for text in [
            "I think {\"a\": 0}</think>{\"a\": 1}",
            "<THINK>{\"a\": 0}</Think>\n<think>no, {\"a\": 2}</think>\n```json\n{\"a\": 1}\n```",
            "<reasoning>{\"a\": 0}</REASONING> {\"a\": 1}",
            "İ</think>{\"a\": 1}",
        ] {
            assert_eq!(parse_json(text), Some(json!({"a": 1})), "{text}");
        }
        assert_eq!(parse_json(r#"{"a": "</think>"}"#), Some(json!({"a": "</think>"})));
        assert_eq!(parse_free_form("Hm.</think>\n\nThe title is x."), json!("The title is x."));
        assert_eq!(parse_free_form("<think>[0]</think>[1]"), json!([1]));
        assert_eq!(parse_free_form(r#"["</reasoning>"]"#), json!(["</reasoning>"]));
    }

    #[test]
    fn deeply_nested_response_is_rejected() {
        let nested = |depth: usize| format!("{{a: {}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(parse_json(&nested(1_000_000)), None);
        assert_eq!(parse_json(&format!("{{a: {}", "[".repeat(1_000_000))), None);
        assert_eq!(parse_json(&nested(MAX_DEPTH)), None);
        assert!(parse_json(&nested(MAX_DEPTH - 1)).is_some());
        assert_eq!(parse_json("{a: 1} {b: 2}"), None, "a second value is not dropped");
    }

    #[test]
    fn truncated_response_is_not_completed() {
        for text in ["{\"a\": [1, 2", "{\"a\": \"he", "I cannot do that", ""] {
            assert_eq!(parse_json(text), None, "{text}");
        }
    }

    #[test]
    fn markdown_response_loses_its_fence_and_reasoning() {
        for text in [
            "# T\n\n```js\nx\n```",
            "```markdown\n# T\n\n```js\nx\n```\n```",
            "<think>hm</think>\n# T\n\n```js\nx\n```\n",
        ] {
            assert_eq!(parse_markdown(text), "# T\n\n```js\nx\n```", "{text}");
        }
        assert_eq!(
            (parse_markdown("```js\nx\n```").as_str(), parse_markdown(" none\n").as_str()),
            ("```js\nx\n```", "")
        );
    }

    #[test]
    fn free_form_response_is_json_or_text() {
        assert_eq!(parse_free_form(" [1] "), json!([1]));
        assert_eq!(parse_free_form("```json\n{\"a\": 1}\n```"), json!({"a": 1}));
        assert_eq!(parse_free_form("The title is {x}."), json!("The title is {x}."));
        assert_eq!(parse_free_form("42"), json!("42"));
    }
}
