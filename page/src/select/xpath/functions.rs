//! XPath's functions.

use std::ops::RangeInclusive;

use super::grammar::Expression;
use super::value::{Spot, Value};
use super::walking::{Context, Ground, MAX_TEXT};
use crate::ReadError;

macro_rules! functions {
    ($($function:ident = $name:literal, $least:literal..=$most:expr;)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Function {
            $($function,)*
        }

        impl Function {
            /// With how many arguments it takes.
            pub(super) fn named(name: &str) -> Option<(Self, RangeInclusive<usize>)> {
                match name {
                    $($name => Some((Self::$function, $least..=$most)),)*
                    _ => None,
                }
            }
        }
    };
}

functions! {
    Last = "last", 0..=0;
    Position = "position", 0..=0;
    Count = "count", 1..=1;
    LocalName = "local-name", 0..=1;
    Name = "name", 0..=1;
    Text = "string", 0..=1;
    Concat = "concat", 2..=usize::MAX;
    StartsWith = "starts-with", 2..=2;
    Contains = "contains", 2..=2;
    SubstringBefore = "substring-before", 2..=2;
    SubstringAfter = "substring-after", 2..=2;
    Substring = "substring", 2..=3;
    StringLength = "string-length", 0..=1;
    NormalizeSpace = "normalize-space", 0..=1;
    Translate = "translate", 3..=3;
    Truth = "boolean", 1..=1;
    Not = "not", 1..=1;
    True = "true", 0..=0;
    False = "false", 0..=0;
    Number = "number", 0..=1;
    Sum = "sum", 1..=1;
    Floor = "floor", 1..=1;
    Ceiling = "ceiling", 1..=1;
    Round = "round", 1..=1;
}

impl Ground<'_> {
    pub(super) fn call(
        &self,
        function: Function,
        arguments: &[Expression],
        context: Context,
    ) -> Result<Value, ReadError> {
        let mut values = Vec::with_capacity(arguments.len().max(1));
        for argument in arguments {
            values.push(self.evaluate(argument, context)?);
        }
        if values.is_empty() {
            values.push(Value::Nodes(vec![context.spot]));
        }
        let text = |place: usize| values.get(place).map_or_else(|| Ok(String::new()), |value| self.string(value));
        let number = || self.number(&values[0]);
        Ok(match function {
            Function::Last => Value::Number(context.size as f64),
            Function::Position => Value::Number(context.position as f64),
            Function::Count => Value::Number(nodes(&values[0]).len() as f64),
            Function::LocalName | Function::Name => {
                let first = nodes(&values[0]).first();
                Value::Text(first.and_then(|&spot| self.name(spot)).unwrap_or_default().to_owned())
            }
            Function::Text => Value::Text(text(0)?),
            Function::Concat => {
                let mut all = String::new();
                for value in &values {
                    if all.len() <= MAX_TEXT {
                        all.push_str(&self.string(value)?);
                    }
                }
                Value::Text(all)
            }
            Function::StartsWith => Value::Truth(text(0)?.starts_with(&text(1)?)),
            Function::Contains => Value::Truth(text(0)?.contains(&text(1)?)),
            Function::SubstringBefore => {
                Value::Text(text(0)?.split_once(&text(1)?).map(|(before, _)| before.to_owned()).unwrap_or_default())
            }
            Function::SubstringAfter => {
                Value::Text(text(0)?.split_once(&text(1)?).map(|(_, after)| after.to_owned()).unwrap_or_default())
            }
            Function::Substring => {
                let length = values.get(2).map(|length| self.number(length)).transpose()?;
                Value::Text(substring(&text(0)?, self.number(&values[1])?, length))
            }
            Function::StringLength => Value::Number(text(0)?.chars().count() as f64),
            Function::NormalizeSpace => Value::Text(text(0)?.split_whitespace().collect::<Vec<_>>().join(" ")),
            Function::Translate => {
                let (text, from, to) = (text(0)?, text(1)?, text(2)?);
                self.watch.work.spend(text.len() * from.len() / 16);
                self.watch.check()?;
                Value::Text(translated(&text, &from, &to))
            }
            Function::Truth => Value::Truth(values[0].is_true()),
            Function::Not => Value::Truth(!values[0].is_true()),
            Function::True => Value::Truth(true),
            Function::False => Value::Truth(false),
            Function::Number => Value::Number(number()?),
            Function::Sum => {
                let mut sum = 0.0;
                for &spot in nodes(&values[0]) {
                    sum += self.number(&Value::Text(self.text(spot)))?;
                }
                Value::Number(sum)
            }
            Function::Floor => Value::Number(number()?.floor()),
            Function::Ceiling => Value::Number(number()?.ceil()),
            Function::Round => Value::Number((number()? + 0.5).floor()),
        })
    }
}

fn nodes(value: &Value) -> &[Spot] {
    match value {
        Value::Nodes(nodes) => nodes,
        _ => &[],
    }
}

/// Characters from the place `start` (from 1), as XPath rounds.
fn substring(text: &str, start: f64, length: Option<f64>) -> String {
    let round = |number: f64| (number + 0.5).floor();
    let first = round(start);
    let end = length.map_or(f64::INFINITY, |length| first + round(length));
    let place = |index: usize| (index + 1) as f64;
    let within = |index: usize| place(index) >= first && place(index) < end;
    text.chars().enumerate().filter(|(index, _)| within(*index)).map(|(_, c)| c).collect()
}

fn translated(text: &str, from: &str, to: &str) -> String {
    let to: Vec<char> = to.chars().collect();
    let place = |c: char| from.chars().position(|other| other == c);
    text.chars().filter_map(|c| place(c).map_or(Some(c), |place| to.get(place).copied())).collect()
}
