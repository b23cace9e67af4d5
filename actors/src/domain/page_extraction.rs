//! What a language model does with every page of a crawl: it finds the main content, or extracts data.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// What a model extracts from each page of a crawl.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PageExtraction {
    pub instruction: String,
    /// A JSON Schema that each page's content conforms to; validated at submission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    /// `family/model`; `None`: the operator's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
}

/// How a model finds the main content of each page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PageFilter {
    pub instruction: String,
    /// `family/model`; `None`: the operator's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
}

impl PageExtraction {
    /// The content of a page as a list of items, the form that readers of `extracted_content` expect.
    pub fn items(&self, content: Value) -> Vec<Value> {
        let items = match content {
            Value::Array(items) => items,
            other => vec![other],
        };
        match self.schema {
            Some(_) => items.into_iter().map(without_error).collect(),
            None => items.into_iter().enumerate().map(|(index, item)| block(index, item)).collect(),
        }
    }
}

fn without_error(item: Value) -> Value {
    match item {
        Value::Object(mut fields) => {
            fields.entry("error").or_insert(Value::Bool(false));
            Value::Object(fields)
        }
        other => other,
    }
}

/// An item that has `content` is a block already; any other value becomes the content of one.
fn block(index: usize, item: Value) -> Value {
    let mut fields = Map::from_iter([("index".to_owned(), json!(index)), ("tags".to_owned(), json!([]))]);
    match item {
        Value::Object(given) if given.contains_key("content") => fields.extend(given),
        other => {
            fields.insert("content".to_owned(), other);
        }
    }
    fields.insert("index".to_owned(), json!(index));
    without_error(Value::Object(fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extraction(schema: Option<Value>) -> PageExtraction {
        PageExtraction { instruction: "the title".to_owned(), schema, provider: None, temperature: None }
    }

    #[test]
    fn content_with_a_schema_becomes_a_list_of_items() {
        let extraction = extraction(Some(json!({})));
        let items = |content| Value::from(extraction.items(content));
        assert_eq!(items(json!({"a": 1})), json!([{"a": 1, "error": false}]));
        assert_eq!(items(json!([{"a": 1}, {"error": "x"}, 7])), json!([{"a": 1, "error": false}, {"error": "x"}, 7]));
        assert_eq!(items(json!([])), json!([]));
    }

    #[test]
    fn content_without_a_schema_becomes_blocks() {
        let extraction = extraction(None);
        let items = |content| Value::from(extraction.items(content));
        assert_eq!(items(json!("text")), json!([{"index": 0, "tags": [], "content": "text", "error": false}]));
        let blocks = json!([{"index": 4, "tags": ["t"], "content": ["x"]}, {"a": 1}]);
        let expected = json!([
            {"index": 0, "tags": ["t"], "content": ["x"], "error": false},
            {"index": 1, "tags": [], "content": {"a": 1}, "error": false},
        ]);
        assert_eq!(items(blocks), expected);
    }
}
