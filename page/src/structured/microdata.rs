//! Microdata as JSON in the form of the HTML standard: `{"type": […], "id", "properties": {name: […]}}`.

use serde_json::{Map, Value};

use crate::budget::Budget;
use crate::error::ReadError;
use crate::text;
use crate::tree::{Element, NodeId, Tag, Tree, Visit};
use crate::urls::BaseUrl;

/// Items nested deeper are dropped.
const MAX_DEPTH: usize = 12;
/// Values are cut at a word before this many bytes.
const MAX_TEXT: usize = 4000;
/// Bytes of all values of a page.
const MAX_BYTES: usize = 1 << 20;

/// The top-level items of a page.
pub(super) fn items(tree: &Tree, base: &BaseUrl, budget: &Budget) -> Result<Vec<Value>, ReadError> {
    let mut open: Vec<(NodeId, Value)> = Vec::new();
    let mut items = Vec::new();
    let mut left = MAX_BYTES;
    let mut walk = tree.walk(NodeId::ROOT);
    while let Some(step) = walk.next() {
        budget.step()?;
        match step {
            Visit::Enter(id) => {
                let Some(element) = tree.element(id) else { continue };
                if element.attr("itemscope").is_some() {
                    if open.len() == MAX_DEPTH {
                        walk.skip_children(id);
                    } else {
                        open.push((id, item(element)));
                    }
                } else if let (Some(names), Some((_, item))) = (element.attr("itemprop"), open.last_mut()) {
                    let value = value(tree, id, element, base);
                    for name in names.split_ascii_whitespace() {
                        let Some(rest) = left.checked_sub(name.len() + value.len() + 8) else { break };
                        left = rest;
                        add_property(item, name, Value::from(value.as_str()));
                    }
                }
            }
            Visit::Leave(id) => {
                let Some((_, done)) = open.pop_if(|(opened, _)| *opened == id) else { continue };
                let name = tree.attr(id, "itemprop").and_then(|names| names.split_ascii_whitespace().next());
                match (name, open.last_mut()) {
                    (Some(name), Some((_, above))) => add_property(above, name, done),
                    _ => items.push(done),
                }
            }
        }
    }
    Ok(items)
}

fn item(element: &Element) -> Value {
    let mut item = Map::new();
    let types: Vec<&str> = element.attr("itemtype").unwrap_or_default().split_ascii_whitespace().collect();
    if !types.is_empty() {
        item.insert("type".to_owned(), types.into());
    }
    if let Some(id) = element.attr("itemid") {
        item.insert("id".to_owned(), id.into());
    }
    item.insert("properties".to_owned(), Value::Object(Map::new()));
    Value::Object(item)
}

fn add_property(item: &mut Value, name: &str, value: Value) {
    let properties = item.get_mut("properties").and_then(Value::as_object_mut);
    let values = properties.map(|properties| properties.entry(name).or_insert_with(|| Value::Array(Vec::new())));
    if let Some(Value::Array(values)) = values {
        values.push(value);
    }
}

fn value(tree: &Tree, id: NodeId, element: &Element, base: &BaseUrl) -> String {
    let attr = |name: &str| element.attr(name);
    let url = |name: &str| attr(name).map(|url| base.resolve_or_keep(url));
    let value = match element.tag {
        Tag::Audio | Tag::Embed | Tag::Iframe | Tag::Img | Tag::Source | Tag::Track | Tag::Video => url("src"),
        Tag::A | Tag::Area | Tag::Link => url("href"),
        Tag::Object => url("data"),
        _ => None,
    };
    // Pages use `content` on any element, not only on `<meta>`.
    let value = value.or_else(|| attr("content").map(str::to_owned));
    let value = value.or_else(|| match &*element.name.local {
        "data" | "meter" => attr("value").map(str::to_owned),
        "time" => attr("datetime").map(str::to_owned),
        _ => None,
    });
    value.unwrap_or_else(|| text::text_content(tree, id, MAX_TEXT))
}
