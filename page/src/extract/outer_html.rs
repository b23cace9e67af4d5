//! The HTML of an element with all its attributes.

use crate::html::{escape_attribute, escape_text_within, is_void};
use crate::tree::{NodeData, NodeId, Tag, Tree, Visit};

/// The element as HTML, well-formed if the page's names are. Descendants of elements that begin after `max_bytes` are
/// dropped.
pub(super) fn outer_html(tree: &Tree, top: NodeId, max_bytes: usize) -> String {
    let mut out = String::new();
    let mut walk = tree.walk(top);
    while let Some(step) = walk.next() {
        match step {
            Visit::Enter(id) => match tree.data(id) {
                NodeData::Text { .. } => {
                    let text = tree.text(id).unwrap_or_default();
                    let raw = tree.parent(id).is_some_and(|parent| is_raw_text_element(tree.tag(parent)));
                    if raw {
                        out.push_str(&text[..text.floor_char_boundary(max_bytes.saturating_sub(out.len()))]);
                    } else {
                        escape_text_within(text, max_bytes, &mut out);
                    }
                }
                NodeData::Element(element) => {
                    out.extend(["<", &*element.name.local]);
                    for attr in &element.attrs {
                        out.extend([" ", &*attr.name.local, "=\""]);
                        escape_attribute(&attr.value, &mut out);
                        out.push('"');
                    }
                    out.push('>');
                    if out.len() > max_bytes {
                        walk.skip_children(id);
                    }
                }
                NodeData::Document => {}
            },
            Visit::Leave(id) => {
                if let Some(element) = tree.element(id).filter(|element| !is_void(element.tag)) {
                    out.extend(["</", &*element.name.local, ">"]);
                }
            }
        }
    }
    tree.work().spend_bytes(out.len());
    out
}

fn is_raw_text_element(tag: Tag) -> bool {
    matches!(tag, Tag::Script | Tag::Style | Tag::Xmp | Tag::Iframe | Tag::Noembed | Tag::Noframes | Tag::Plaintext)
}
