//! The functions of XPath 1.0.

use super::document::{MAX_STRING_BYTES, XPathDocument};
use super::function::Function;
use super::value::{EvaluationContext, XPathNode, XPathValue};
use crate::error::ReadError;

/// Characters that `translate()` compares at the cost of one step.
const COMPARISONS_PER_STEP: usize = 16;

/// Calls a function with evaluated arguments. `values` contains the context node if there are no arguments.
pub(super) fn call(
    page: &XPathDocument,
    function: Function,
    values: &[XPathValue],
    context: EvaluationContext,
) -> Result<XPathValue, ReadError> {
    let text = |index: usize| values.get(index).map_or_else(|| Ok(String::new()), |value| page.string(value));
    let number = || page.number(&values[0]);
    Ok(match function {
        Function::Last => XPathValue::Number(context.size as f64),
        Function::Position => XPathValue::Number(context.position as f64),
        Function::Count => XPathValue::Number(values[0].nodes().len() as f64),
        Function::LocalName | Function::Name => {
            let first = values[0].nodes().first();
            XPathValue::String(first.and_then(|&node| page.name(node)).unwrap_or_default().to_owned())
        }
        Function::String => XPathValue::String(text(0)?),
        Function::Concat => XPathValue::String(concat(page, values)?),
        Function::StartsWith => XPathValue::Boolean(text(0)?.starts_with(&text(1)?)),
        Function::Contains => XPathValue::Boolean(text(0)?.contains(&text(1)?)),
        Function::SubstringBefore => {
            XPathValue::String(text(0)?.split_once(&text(1)?).map(|(before, _)| before.to_owned()).unwrap_or_default())
        }
        Function::SubstringAfter => {
            XPathValue::String(text(0)?.split_once(&text(1)?).map(|(_, after)| after.to_owned()).unwrap_or_default())
        }
        Function::Substring => {
            let length = values.get(2).map(|length| page.number(length)).transpose()?;
            XPathValue::String(substring(&text(0)?, page.number(&values[1])?, length))
        }
        Function::StringLength => XPathValue::Number(text(0)?.chars().count() as f64),
        Function::NormalizeSpace => XPathValue::String(text(0)?.split_whitespace().collect::<Vec<_>>().join(" ")),
        Function::Translate => XPathValue::String(translate(page, &text(0)?, &text(1)?, &text(2)?)?),
        Function::Boolean => XPathValue::Boolean(values[0].to_boolean()),
        Function::Not => XPathValue::Boolean(!values[0].to_boolean()),
        Function::True => XPathValue::Boolean(true),
        Function::False => XPathValue::Boolean(false),
        Function::Number => XPathValue::Number(number()?),
        Function::Sum => XPathValue::Number(sum(page, values[0].nodes())?),
        Function::Floor => XPathValue::Number(number()?.floor()),
        Function::Ceiling => XPathValue::Number(number()?.ceil()),
        Function::Round => XPathValue::Number((number()? + 0.5).floor()),
    })
}

fn concat(page: &XPathDocument, values: &[XPathValue]) -> Result<String, ReadError> {
    let mut joined = String::new();
    for value in values {
        if joined.len() <= MAX_STRING_BYTES {
            joined.push_str(&page.string(value)?);
        }
    }
    Ok(joined)
}

fn sum(page: &XPathDocument, nodes: &[XPathNode]) -> Result<f64, ReadError> {
    let mut sum = 0.0;
    for &node in nodes {
        sum += page.number(&XPathValue::String(page.string_value(node)))?;
    }
    Ok(sum)
}

/// The characters from position `start` (the first is 1), with the rounding of XPath.
fn substring(text: &str, start: f64, length: Option<f64>) -> String {
    let round = |number: f64| (number + 0.5).floor();
    let first = round(start);
    let end = length.map_or(f64::INFINITY, |length| first + round(length));
    let position = |index: usize| (index + 1) as f64;
    let is_inside = |index: usize| position(index) >= first && position(index) < end;
    text.chars().enumerate().filter(|(index, _)| is_inside(*index)).map(|(_, c)| c).collect()
}

fn translate(page: &XPathDocument, text: &str, from: &str, to: &str) -> Result<String, ReadError> {
    page.budget.work.spend(text.len() * from.len() / COMPARISONS_PER_STEP);
    page.budget.check()?;
    let to: Vec<char> = to.chars().collect();
    let position = |c: char| from.chars().position(|other| other == c);
    Ok(text.chars().filter_map(|c| position(c).map_or(Some(c), |index| to.get(index).copied())).collect())
}
