//! Microdata, in the form of JSON that the HTML standard has for them: `{"type": […], "id", "properties": {name: […]}}`.

use serde_json::{Map, Value};

use crate::ReadError;
use crate::budget::Watch;
use crate::text;
use crate::tree::{Element, Id, Step, Tag, Tree};
use crate::urls::Base;

/// Items within each other; deeper ones are dropped.
const MAX_DEPTH: usize = 12;
/// A value is cut here, at a word.
const MAX_TEXT: usize = 4000;
/// Of all values of a page.
const MAX_BYTES: usize = 1 << 20;

/// The items that are no property of another.
pub(super) fn items(tree: &Tree, base: &Base, watch: &Watch) -> Result<Vec<Value>, ReadError> {
    let mut open: Vec<(Id, Value)> = Vec::new();
    let mut items = Vec::new();
    let mut left = MAX_BYTES;
    let mut walk = tree.walk(Id::ROOT);
    while let Some(step) = walk.next() {
        watch.step()?;
        match step {
            Step::Enter(id) => {
                let Some(element) = tree.element(id) else { continue };
                if element.attr("itemscope").is_some() {
                    if open.len() == MAX_DEPTH {
                        walk.pass_over(id);
                    } else {
                        open.push((id, item(element)));
                    }
                } else if let (Some(names), Some((_, item))) = (element.attr("itemprop"), open.last_mut()) {
                    let value = value(tree, id, element, base);
                    for name in names.split_ascii_whitespace() {
                        let Some(rest) = left.checked_sub(name.len() + value.len() + 8) else { break };
                        left = rest;
                        add(item, name, Value::from(value.as_str()));
                    }
                }
            }
            Step::Leave(id) => {
                let Some((_, done)) = open.pop_if(|(opened, _)| *opened == id) else { continue };
                let name = tree.attr(id, "itemprop").and_then(|names| names.split_ascii_whitespace().next());
                match (name, open.last_mut()) {
                    (Some(name), Some((_, above))) => add(above, name, done),
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

fn add(item: &mut Value, name: &str, value: Value) {
    let properties = item.get_mut("properties").and_then(Value::as_object_mut);
    let values = properties.map(|properties| properties.entry(name).or_insert_with(|| Value::Array(Vec::new())));
    if let Some(Value::Array(values)) = values {
        values.push(value);
    }
}

fn value(tree: &Tree, id: Id, element: &Element, base: &Base) -> String {
    let attr = |name: &str| element.attr(name);
    let address = |name: &str| attr(name).map(|address| base.shown(address));
    let value = match element.tag {
        Tag::Audio | Tag::Embed | Tag::Iframe | Tag::Img | Tag::Source | Tag::Track | Tag::Video => address("src"),
        Tag::A | Tag::Area | Tag::Link => address("href"),
        Tag::Object => address("data"),
        _ => None,
    };
    // `content` counts on any element: pages write it so.
    let value = value.or_else(|| attr("content").map(str::to_owned));
    let value = value.or_else(|| match &*element.name.local {
        "data" | "meter" => attr("value").map(str::to_owned),
        "time" => attr("datetime").map(str::to_owned),
        _ => None,
    });
    value.unwrap_or_else(|| text::text_of(tree, id, MAX_TEXT))
}
