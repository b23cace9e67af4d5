//! Compares two values. A comparison with a node set is true if it is true for one of its nodes.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use super::ast::Operator;
use super::document::Document;
use super::value::{Value, XPathNode};
use crate::error::ReadError;

pub(super) fn compare(page: &Document, operator: Operator, left: &Value, right: &Value) -> Result<bool, ReadError> {
    match (left, right) {
        (Value::Boolean(_), _) | (_, Value::Boolean(_)) => {
            let number = |value: &Value| f64::from(u8::from(value.to_boolean()));
            Ok(compare_numbers(operator, number(left), number(right)))
        }
        (Value::Nodes(left), Value::Nodes(right)) if operator == Operator::Equal => share_a_string(page, left, right),
        (Value::Nodes(nodes), other) => any(page, nodes, |text| compare(page, operator, &text, other)),
        (other, Value::Nodes(nodes)) => any(page, nodes, |text| compare(page, operator, other, &text)),
        (Value::String(left), Value::String(right)) if operator == Operator::Equal => Ok(left == right),
        (Value::String(left), Value::String(right)) if operator == Operator::NotEqual => Ok(left != right),
        _ => Ok(compare_numbers(operator, page.number(left)?, page.number(right)?)),
    }
}

/// Whether two node sets have a string value in common. Compares hashes: together the strings may be much longer than
/// the page.
fn share_a_string(page: &Document, left: &[XPathNode], right: &[XPathNode]) -> Result<bool, ReadError> {
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
    page: &Document,
    nodes: &[XPathNode],
    matches: impl Fn(Value) -> Result<bool, ReadError>,
) -> Result<bool, ReadError> {
    for &node in nodes {
        page.budget.step()?;
        if matches(Value::String(page.string_value(node)))? {
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
