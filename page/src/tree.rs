//! The parsed page.

mod arena;
mod build;
mod limits;
mod node;
mod parse;
mod sink;
mod tag;
mod xml;

pub(crate) use arena::{Tree, Visit};
pub(crate) use node::{Element, NodeData, NodeId};
pub(crate) use parse::parse;
pub(crate) use tag::Tag;
pub(crate) use xml::{is_xhtml, parse_xml};
