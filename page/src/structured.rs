//! Data that a page embeds for machines: JSON-LD, microdata, OpenGraph.

mod microdata;

use serde_json::{Map, Value};

use crate::ReadError;
use crate::budget::Watch;
use crate::index::Survey;
use crate::text;
use crate::tree::{Id, Tree};
use crate::urls::Base;

/// Data nested deeper are dropped: readers of JSON have limits.
const MAX_DEPTH: usize = 48;
const MAX_PROPERTIES: usize = 500;
/// Of all JSON-LD of a page; as values it takes several times as much.
const MAX_BYTES: usize = 2 << 20;

/// `json_ld`, `microdata` and `opengraph`, each where the page has it; `None` where it has none.
pub(crate) fn structured(tree: &Tree, survey: &Survey, base: &Base, watch: &Watch) -> Result<Option<Value>, ReadError> {
    let mut all = Map::new();
    let mut left = MAX_BYTES;
    let blocks: Vec<Value> = survey.data_blocks.iter().flat_map(|&id| json_ld(tree, id, &mut left)).collect();
    if !blocks.is_empty() {
        all.insert("json_ld".to_owned(), Value::Array(blocks));
    }
    if survey.has_items {
        let items = microdata::items(tree, base, watch)?;
        if !items.is_empty() {
            all.insert("microdata".to_owned(), Value::Array(items));
        }
    }
    let graph = opengraph(tree, survey);
    if !graph.is_empty() {
        all.insert("opengraph".to_owned(), Value::Object(graph));
    }
    Ok((!all.is_empty()).then_some(Value::Object(all)))
}

/// The objects of one block; none where it is no JSON, or longer than what is left.
fn json_ld(tree: &Tree, script: Id, left: &mut usize) -> Vec<Value> {
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
    let blocks = match serde_json::from_str(text) {
        Ok(Value::Array(blocks)) => blocks,
        Ok(block) => vec![block],
        Err(_) => Vec::new(),
    };
    blocks.into_iter().filter(|block| block.is_object() && is_shallow(block, MAX_DEPTH)).collect()
}

fn is_shallow(value: &Value, left: usize) -> bool {
    let Some(left) = left.checked_sub(1) else { return false };
    match value {
        Value::Array(items) => items.iter().all(|item| is_shallow(item, left)),
        Value::Object(map) => map.values().all(|item| is_shallow(item, left)),
        _ => true,
    }
}

/// By property without `og:`. Images, videos and audios are lists of objects, as each can have several properties of its
/// own; of another property that comes twice all values are given.
fn opengraph(tree: &Tree, survey: &Survey) -> Map<String, Value> {
    let mut graph = Map::new();
    let elements = survey.metas.iter().filter_map(|&meta| tree.element(meta));
    for element in elements {
        let name = element.attr("property").or_else(|| element.attr("name")).unwrap_or_default();
        let name = name.trim().to_ascii_lowercase();
        let content = element.attr("content").map(text::collapsed).unwrap_or_default();
        if let Some(name) = name.strip_prefix("og:").filter(|name| !name.is_empty() && !content.is_empty())
            && graph.len() < MAX_PROPERTIES
        {
            note(&mut graph, name, content);
        }
    }
    graph
}

fn note(graph: &mut Map<String, Value>, name: &str, content: String) {
    let (root, part) = name.split_once(':').unwrap_or((name, "url"));
    if matches!(root, "image" | "video" | "audio") {
        let list = graph.entry(root).or_insert_with(|| Value::Array(Vec::new()));
        let Value::Array(list) = list else { return };
        let begins = part == "url" && list.last().is_none_or(|last| last.get("url").is_some());
        if begins || list.is_empty() {
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
