//! Compares two values. A comparison with a node set is true if it is true for one of its nodes.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use super::ast::Operator;
use super::document::XPathDocument;
use super::value::{XPathNode, XPathValue};
use crate::error::ReadError;

pub(super) fn compare(
    page: &XPathDocument,
    operator: Operator,
    left: &XPathValue,
    right: &XPathValue,
) -> Result<bool, ReadError> {
    match (left, right) {
        (XPathValue::Boolean(_), _) | (_, XPathValue::Boolean(_)) => {
            let number = |value: &XPathValue| f64::from(u8::from(value.to_boolean()));
            Ok(compare_numbers(operator, number(left), number(right)))
        }
        (XPathValue::Nodes(left), XPathValue::Nodes(right)) if operator == Operator::Equal => {
            share_a_string(page, left, right)
        }
        (XPathValue::Nodes(nodes), other) => any(page, nodes, |text| compare(page, operator, &text, other)),
        (other, XPathValue::Nodes(nodes)) => any(page, nodes, |text| compare(page, operator, other, &text)),
        (XPathValue::String(left), XPathValue::String(right)) if operator == Operator::Equal => Ok(left == right),
        (XPathValue::String(left), XPathValue::String(right)) if operator == Operator::NotEqual => Ok(left != right),
        _ => Ok(compare_numbers(operator, page.number(left)?, page.number(right)?)),
    }
}

/// Whether two node sets have a string value in common. Compares hashes: together the strings may be much longer than
/// the page.
fn share_a_string(page: &XPathDocument, left: &[XPathNode], right: &[XPathNode]) -> Result<bool, ReadError> {
    let hasher = RandomState::new();
    let mut texts = HashSet::new();
    for &node in left {
        page.budget.step()?;
        texts.insert(hasher.hash_one(page.string_value(node)));
    }
    for &node in right {
        page.budget.step()?;
        if texts.contains(&hasher.hash_one(page.string_value(node))) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn any(
    page: &XPathDocument,
    nodes: &[XPathNode],
    matches: impl Fn(XPathValue) -> Result<bool, ReadError>,
) -> Result<bool, ReadError> {
    for &node in nodes {
        page.budget.step()?;
        if matches(XPathValue::String(page.string_value(node)))? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn compare_numbers(operator: Operator, left: f64, right: f64) -> bool {
    match operator {
        Operator::Equal => left == right,
        Operator::NotEqual => left != right,
        Operator::Less => left < right,
        Operator::LessOrEqual => left <= right,
        Operator::Greater => left > right,
        _ => left >= right,
    }
}
