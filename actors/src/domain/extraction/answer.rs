//! What a model said, as data: its JSON found between fences and chatter, slightly broken JSON mended.
//!
//! Nothing is completed: an answer that was cut off stays broken, so that it is asked for again.

mod shallow;

use serde_json::Value;

use shallow::Shallow;

/// The JSON of an answer that was asked to be JSON.
pub fn json(text: &str) -> Option<Value> {
    let text = spoken(text);
    let candidates = [Some(text), fenced(text), outermost(text)];
    let found = candidates.iter().flatten().find_map(|candidate| serde_json::from_str(candidate.trim()).ok());
    found.or_else(|| candidates.iter().skip(1).flatten().find_map(|candidate| mended(candidate)))
}

/// Where nothing was asked of its form: JSON if the answer is JSON, else its text.
pub fn free(text: &str) -> Value {
    let text = spoken(text);
    let whole = serde_json::from_str::<Value>(text).ok();
    let in_fence = || {
        let bare = text.strip_prefix("```").is_some_and(|rest| rest.trim_end().ends_with("```"));
        fenced(text).filter(|_| bare).and_then(|inner| serde_json::from_str(inner.trim()).ok())
    };
    whole.filter(|value| value.is_object() || value.is_array()).or_else(in_fence).unwrap_or_else(|| text.into())
}

/// Without what a reasoning model thinks aloud before it.
fn spoken(text: &str) -> &str {
    let text = text.trim();
    let thought = text.strip_prefix("<think>").and_then(|rest| rest.split_once("</think>"));
    thought.map_or(text, |(_, answer)| answer.trim())
}

/// What stands between the first pair of code fences.
fn fenced(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("```")?;
    let (_, rest) = rest.split_once('\n')?;
    rest.rsplit_once("```").map(|(inner, _)| inner)
}

/// From the first opening bracket to the last closing one of its kind.
fn outermost(text: &str) -> Option<&str> {
    let start = text.find(['{', '['])?;
    let close = if text[start..].starts_with('{') { '}' } else { ']' };
    let end = text.rfind(close).filter(|end| *end > start)?;
    Some(&text[start..=end])
}

/// Trailing commas, single quotes, names without quotes and comments are understood, and line ends within texts.
fn mended(text: &str) -> Option<Value> {
    json5(text.trim()).or_else(|| json5(&with_escaped_lines(text.trim())))
}

/// That reader knows no bound to nesting, and would end the process on an answer of brackets alone.
fn json5(text: &str) -> Option<Value> {
    json5::from_str(text).ok().map(|Shallow(value)| value)
}

fn with_escaped_lines(text: &str) -> String {
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

    use super::shallow::MAX_DEPTH;
    use super::*;

    #[test]
    fn json_is_found_whatever_stands_around_it() {
        for text in [
            r#"{"a": [1, "x"]}"#,
            "```json\n{\"a\": [1, \"x\"]}\n```",
            "Sure! Here it is:\n```\n{\"a\": [1, \"x\"]}\n```\nAnything else?",
            "Here it is: {\"a\": [1, \"x\"]}. Bye {or not",
            "<think>{\"a\": 0}</think>\n{\"a\": [1, \"x\"]}",
            "{'a': [1, 'x',],}",
            "{a: [1, /* one */ \"x\"]}",
        ] {
            assert_eq!(json(text), Some(json!({"a": [1, "x"]})), "{text}");
        }
        assert_eq!(json("{\"a\": \"two\nlines\"}"), Some(json!({"a": "two\nlines"})));
    }

    #[test]
    fn an_answer_of_brackets_alone_is_no_json_and_harms_nobody() {
        let nested = |depth: usize| format!("{{a: {}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(json(&nested(1_000_000)), None);
        assert_eq!(json(&format!("{{a: {}", "[".repeat(1_000_000))), None);
        assert_eq!(json(&nested(MAX_DEPTH)), None);
        assert!(json(&nested(MAX_DEPTH - 1)).is_some());
        assert_eq!(json("{a: 1} {b: 2}"), None, "what comes after it is not dropped");
    }

    #[test]
    fn an_answer_that_was_cut_off_is_not_completed() {
        for text in ["{\"a\": [1, 2", "{\"a\": \"he", "I cannot do that", ""] {
            assert_eq!(json(text), None, "{text}");
        }
    }

    #[test]
    fn without_a_form_an_answer_is_json_or_text() {
        assert_eq!(free(" [1] "), json!([1]));
        assert_eq!(free("```json\n{\"a\": 1}\n```"), json!({"a": 1}));
        assert_eq!(free("The title is {x}."), json!("The title is {x}."));
        assert_eq!(free("42"), json!("42"));
    }
}
