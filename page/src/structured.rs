//! Structured data of a page: JSON-LD, microdata, Open Graph.

mod microdata;

use serde_json::{Map, Value};

use crate::budget::Budget;
use crate::error::ReadError;
use crate::index::PageIndex;
use crate::text;
use crate::tree::{NodeId, Tree};
use crate::urls::BaseUrl;

/// Objects nested deeper are dropped: JSON parsers have depth limits.
const MAX_DEPTH: usize = 48;
/// Open Graph properties; further ones are dropped.
const MAX_PROPERTIES: usize = 500;
/// Bytes of all JSON-LD of a page; parsed values take several times as much memory.
const MAX_JSON_LD_BYTES: usize = 2 << 20;

/// An object with `json_ld`, `microdata` and `opengraph`, each if the page has such data; `None` if it has none.
pub(crate) fn structured(
    tree: &Tree,
    index: &PageIndex,
    base: &BaseUrl,
    budget: &Budget,
) -> Result<Option<Value>, ReadError> {
    let mut all = Map::new();
    let mut left = MAX_JSON_LD_BYTES;
    let blocks: Vec<Value> = index.json_ld_scripts.iter().flat_map(|&id| json_ld(tree, id, &mut left)).collect();
    if !blocks.is_empty() {
        all.insert("json_ld".to_owned(), Value::Array(blocks));
    }
    if index.has_microdata {
        let items = microdata::items(tree, base, budget)?;
        if !items.is_empty() {
            all.insert("microdata".to_owned(), Value::Array(items));
        }
    }
    let graph = opengraph(tree, index);
    if !graph.is_empty() {
        all.insert("opengraph".to_owned(), Value::Object(graph));
    }
    Ok((!all.is_empty()).then_some(Value::Object(all)))
}

/// The objects of one script; empty if it is not valid JSON or exceeds the remaining bytes.
fn json_ld(tree: &Tree, script: NodeId, left: &mut usize) -> Vec<Value> {
    let text: String = tree.children(script).filter_map(|child| tree.text(child)).collect();
    let Some(rest) = left.checked_sub(text.len()) else { return Vec::new() };
    *left = rest;
    let mut text = text.trim();
    for wrapper in ["<!--", "//<![CDATA[", "<![CDATA["] {
        text = text.strip_prefix(wrapper).unwrap_or(text).trim_start();
    }
    for wrapper in ["-->", "//]]>", "]]>", ";"] {
        text = text.strip_suffix(wrapper).unwrap_or(text).trim_end();
    }
    let parsed = serde_json::from_str(text).or_else(|_| serde_json::from_str(&with_escaped_controls(text)));
    let blocks = match parsed {
        Ok(Value::Array(blocks)) => blocks,
        Ok(block) => vec![block],
        Err(_) => Vec::new(),
    };
    blocks.into_iter().filter(|block| block.is_object() && is_shallow(block, MAX_DEPTH)).collect()
}

/// The text with the line ends and tabs inside its strings escaped, which many pages write as they are.
fn with_escaped_controls(json: &str) -> String {
    let mut out = String::with_capacity(json.len() + 16);
    let (mut in_string, mut after_backslash) = (false, false);
    for c in json.chars() {
        match c {
            '\n' if in_string => out.push_str("\\n"),
            '\r' if in_string => out.push_str("\\r"),
            '\t' if in_string => out.push_str("\\t"),
            c if in_string && c.is_ascii_control() => out.push(' '),
            c => out.push(c),
        }
        in_string ^= c == '"' && !after_backslash;
        after_backslash = c == '\\' && in_string && !after_backslash;
    }
    out
}

fn is_shallow(value: &Value, left: usize) -> bool {
    let Some(left) = left.checked_sub(1) else { return false };
    match value {
        Value::Array(items) => items.iter().all(|item| is_shallow(item, left)),
        Value::Object(map) => map.values().all(|item| is_shallow(item, left)),
        _ => true,
    }
}

/// Open Graph properties by name without `og:`. Images, videos and audio files are lists of objects, because each can
/// have properties of its own; another property that occurs twice is a list of its values.
fn opengraph(tree: &Tree, index: &PageIndex) -> Map<String, Value> {
    let mut graph = Map::new();
    let elements = index.metas.iter().filter_map(|&meta| tree.element(meta));
    for element in elements {
        let name = element.attr("property").or_else(|| element.attr("name")).unwrap_or_default();
        let name = name.trim().to_ascii_lowercase();
        let content = element.attr("content").map(text::collapse_whitespace).unwrap_or_default();
        if let Some(name) = name.strip_prefix("og:").filter(|name| !name.is_empty() && !content.is_empty())
            && graph.len() < MAX_PROPERTIES
        {
            add_property(&mut graph, name, content);
        }
    }
    graph
}

fn add_property(graph: &mut Map<String, Value>, name: &str, content: String) {
    let (root, part) = name.split_once(':').unwrap_or((name, "url"));
    if matches!(root, "image" | "video" | "audio") {
        let list = graph.entry(root).or_insert_with(|| Value::Array(Vec::new()));
        let Value::Array(list) = list else { return };
        let is_next = part == "url" && list.last().is_none_or(|last| last.get("url").is_some());
        if is_next || list.is_empty() {
            list.push(Value::Object(Map::new()));
        }
        if let Some(Value::Object(last)) = list.last_mut() {
            last.entry(part).or_insert_with(|| content.into());
        }
        return;
    }
    match graph.get_mut(name) {
        None => drop(graph.insert(name.to_owned(), content.into())),
        Some(Value::Array(values)) => values.push(content.into()),
        Some(first) => *first = Value::Array(vec![first.take(), content.into()]),
    }
}

#[cfg(test)]
mod tests;
