//! CSS selectors over the page's tree, parsed and matched by the `selectors` crate, as in Firefox.

mod element;
mod selector;
mod types;

pub(crate) use selector::{CssSelector, outermost_matches};
