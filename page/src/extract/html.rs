//! An element as HTML, with all its attributes.

use crate::cleaned::{escape_text, escape_value, is_void};
use crate::tree::{Data, Id, Step, Tag, Tree};

/// Well-formed where the page's names are; not much more than `budget` bytes, what comes later is left out.
pub(super) fn outer(tree: &Tree, top: Id, budget: usize) -> String {
    let mut out = String::new();
    let mut walk = tree.walk(top);
    while let Some(step) = walk.next() {
        match step {
            Step::Enter(id) => match tree.data(id) {
                Data::Text { .. } => {
                    let text = tree.text(id).unwrap_or_default();
                    let raw = tree.parent(id).is_some_and(|parent| holds_raw_text(tree.tag(parent)));
                    if raw { out.push_str(text) } else { escape_text(text, &mut out) }
                }
                Data::Element(element) => {
                    out.extend(["<", &*element.name.local]);
                    for attr in &element.attrs {
                        out.extend([" ", &*attr.name.local, "=\""]);
                        escape_value(&attr.value, &mut out);
                        out.push('"');
                    }
                    out.push('>');
                    if out.len() > budget {
                        walk.pass_over(id);
                    }
                }
                Data::Document => {}
            },
            Step::Leave(id) => {
                if let Some(element) = tree.element(id).filter(|element| !is_void(element.tag)) {
                    out.extend(["</", &*element.name.local, ">"]);
                }
            }
        }
    }
    tree.work().spend_bytes(out.len());
    out
}

fn holds_raw_text(tag: Tag) -> bool {
    matches!(tag, Tag::Script | Tag::Style | Tag::Xmp | Tag::Iframe | Tag::Noembed | Tag::Noframes | Tag::Plaintext)
}
