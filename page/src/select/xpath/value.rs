//! The values of XPath expressions.

use crate::tree::NodeId;

/// A node, or an attribute of an element by its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct XPathNode {
    pub(super) id: NodeId,
    pub(super) attribute: Option<u32>,
}

impl XPathNode {
    pub(super) fn node(id: NodeId) -> Self {
        Self { id, attribute: None }
    }
}

/// The node for which an expression is evaluated, and its position in the current node set.
#[derive(Clone, Copy)]
pub(super) struct EvaluationContext {
    pub(super) node: XPathNode,
    /// Starts at 1.
    pub(super) position: usize,
    pub(super) size: usize,
}

impl EvaluationContext {
    pub(super) fn single(id: NodeId) -> Self {
        Self { node: XPathNode::node(id), position: 1, size: 1 }
    }
}

/// The value of an expression.
pub(super) enum XPathValue {
    /// Unique nodes in document order.
    Nodes(Vec<XPathNode>),
    String(String),
    Number(f64),
    Boolean(bool),
}

impl XPathValue {
    /// XPath's `boolean()`.
    pub(super) fn to_boolean(&self) -> bool {
        match self {
            Self::Nodes(nodes) => !nodes.is_empty(),
            Self::String(text) => !text.is_empty(),
            Self::Number(number) => *number != 0.0 && !number.is_nan(),
            Self::Boolean(boolean) => *boolean,
        }
    }

    /// The nodes; empty if the value is not a node set.
    pub(super) fn into_nodes(self) -> Vec<XPathNode> {
        match self {
            Self::Nodes(nodes) => nodes,
            _ => Vec::new(),
        }
    }

    /// The nodes; empty if the value is not a node set.
    pub(super) fn nodes(&self) -> &[XPathNode] {
        match self {
            Self::Nodes(nodes) => nodes,
            _ => &[],
        }
    }
}

/// XPath's `number()` of a string; NaN if it is not a number.
pub(super) fn parse_number(text: &str) -> f64 {
    let text = text.trim();
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'));
    text.parse().ok().filter(|_| plain).unwrap_or(f64::NAN)
}

/// XPath's `string()` of a number.
pub(super) fn format_number(number: f64) -> String {
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    if number == 0.0 { "0".to_owned() } else { number.to_string() }
}
