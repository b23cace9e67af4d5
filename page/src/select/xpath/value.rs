//! What XPath expressions come to, and how one kind of value becomes another.

use crate::tree::Id;

/// A node, or one of an element's attributes by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Spot {
    pub(super) id: Id,
    pub(super) attribute: Option<u32>,
}

impl Spot {
    pub(super) fn node(id: Id) -> Self {
        Self { id, attribute: None }
    }
}

pub(super) enum Value {
    /// In the page's order, each once.
    Nodes(Vec<Spot>),
    Text(String),
    Number(f64),
    Truth(bool),
}

impl Value {
    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Nodes(nodes) => !nodes.is_empty(),
            Self::Text(text) => !text.is_empty(),
            Self::Number(number) => *number != 0.0 && !number.is_nan(),
            Self::Truth(truth) => *truth,
        }
    }
}

/// No number: NaN.
pub(super) fn number_of(text: &str) -> f64 {
    let text = text.trim();
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'));
    text.parse().ok().filter(|_| plain).unwrap_or(f64::NAN)
}

pub(super) fn shown(number: f64) -> String {
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    if number == 0.0 { "0".to_owned() } else { number.to_string() }
}
