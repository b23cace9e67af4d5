//! The functions of XPath 1.0.

use super::document::{Document, MAX_STRING_BYTES};
use super::function::Function;
use super::value::{Context, Value, XPathNode};
use crate::error::ReadError;

/// Characters that `translate()` compares at the cost of one step.
const COMPARISONS_PER_STEP: usize = 16;

/// Calls a function with evaluated arguments. `values` contains the context node if there are no arguments.
pub(super) fn call(
    page: &Document,
    function: Function,
    values: &[Value],
    context: Context,
) -> Result<Value, ReadError> {
    let text = |index: usize| values.get(index).map_or_else(|| Ok(String::new()), |value| page.string(value));
    let number = || page.number(&values[0]);
    Ok(match function {
        Function::Last => Value::Number(context.size as f64),
        Function::Position => Value::Number(context.position as f64),
        Function::Count => Value::Number(values[0].nodes().len() as f64),
        Function::LocalName | Function::Name => {
            let first = values[0].nodes().first();
            Value::String(first.and_then(|&node| page.name(node)).unwrap_or_default().to_owned())
        }
        Function::String => Value::String(text(0)?),
        Function::Concat => Value::String(concat(page, values)?),
        Function::StartsWith => Value::Boolean(text(0)?.starts_with(&text(1)?)),
        Function::Contains => Value::Boolean(text(0)?.contains(&text(1)?)),
        Function::SubstringBefore => {
            Value::String(text(0)?.split_once(&text(1)?).map(|(before, _)| before.to_owned()).unwrap_or_default())
        }
        Function::SubstringAfter => {
            Value::String(text(0)?.split_once(&text(1)?).map(|(_, after)| after.to_owned()).unwrap_or_default())
        }
        Function::Substring => {
            let length = values.get(2).map(|length| page.number(length)).transpose()?;
            Value::String(substring(&text(0)?, page.number(&values[1])?, length))
        }
        Function::StringLength => Value::Number(text(0)?.chars().count() as f64),
        Function::NormalizeSpace => Value::String(text(0)?.split_whitespace().collect::<Vec<_>>().join(" ")),
        Function::Translate => Value::String(translate(page, &text(0)?, &text(1)?, &text(2)?)?),
        Function::Boolean => Value::Boolean(values[0].to_boolean()),
        Function::Not => Value::Boolean(!values[0].to_boolean()),
        Function::True => Value::Boolean(true),
        Function::False => Value::Boolean(false),
        Function::Number => Value::Number(number()?),
        Function::Sum => Value::Number(sum(page, values[0].nodes())?),
        Function::Floor => Value::Number(number()?.floor()),
        Function::Ceiling => Value::Number(number()?.ceil()),
        Function::Round => Value::Number((number()? + 0.5).floor()),
    })
}

fn concat(page: &Document, values: &[Value]) -> Result<String, ReadError> {
    let mut joined = String::new();
    for value in values {
        if joined.len() <= MAX_STRING_BYTES {
            joined.push_str(&page.string(value)?);
        }
    }
    Ok(joined)
}

fn sum(page: &Document, nodes: &[XPathNode]) -> Result<f64, ReadError> {
    let mut sum = 0.0;
    for &node in nodes {
        sum += page.number(&Value::String(page.string_value(node)))?;
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

fn translate(page: &Document, text: &str, from: &str, to: &str) -> Result<String, ReadError> {
    page.budget.work.spend(text.len() * from.len() / COMPARISONS_PER_STEP);
    page.budget.check()?;
    let to: Vec<char> = to.chars().collect();
    let position = |c: char| from.chars().position(|other| other == c);
    Ok(text.chars().filter_map(|c| position(c).map_or(Some(c), |index| to.get(index).copied())).collect())
}
