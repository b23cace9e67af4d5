//! Evaluates expressions: walks the axes, keeps what passes, compares and counts.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use super::Order;
use super::grammar::{Axis, Expression, Operator, Start, Step, Test};
use super::value::{Spot, Value, number_of, shown};
use crate::ReadError;
use crate::budget::Watch;
use crate::tree::{Id, Tree};

/// The text of a node is cut here.
pub(super) const MAX_TEXT: usize = 1 << 20;

/// The page, and the work that is left.
pub(super) struct Ground<'t> {
    pub(super) tree: &'t Tree,
    pub(super) order: &'t Order,
    pub(super) watch: &'t Watch,
}

/// Where an expression is evaluated.
#[derive(Clone, Copy)]
pub(super) struct Context {
    pub(super) spot: Spot,
    /// From 1.
    pub(super) position: usize,
    pub(super) size: usize,
}

impl Context {
    pub(super) fn alone(id: Id) -> Self {
        Self { spot: Spot::node(id), position: 1, size: 1 }
    }
}

impl Ground<'_> {
    pub(super) fn evaluate(&self, expression: &Expression, context: Context) -> Result<Value, ReadError> {
        self.watch.step()?;
        Ok(match expression {
            Expression::Text(text) => Value::Text(text.clone()),
            Expression::Number(number) => Value::Number(*number),
            Expression::Negative(inner) => Value::Number(-self.number(&self.evaluate(inner, context)?)?),
            Expression::Call(function, arguments) => self.call(*function, arguments, context)?,
            Expression::Binary(operator, left, right) => self.binary(*operator, left, right, context)?,
            Expression::Filter(inner, predicates) => match self.evaluate(inner, context)? {
                Value::Nodes(nodes) => Value::Nodes(self.kept(nodes, predicates)?),
                other => other,
            },
            Expression::Path(start, steps) => {
                let mut nodes = match start {
                    Start::Root => vec![Spot::node(Id::ROOT)],
                    Start::Here => vec![context.spot],
                    Start::At(inner) => self.nodes(self.evaluate(inner, context)?),
                };
                for step in steps {
                    nodes = self.step(&nodes, step)?;
                }
                Value::Nodes(nodes)
            }
        })
    }

    /// What is no set of nodes is an empty one.
    pub(super) fn nodes(&self, value: Value) -> Vec<Spot> {
        match value {
            Value::Nodes(nodes) => nodes,
            _ => Vec::new(),
        }
    }

    fn step(&self, from: &[Spot], step: &Step) -> Result<Vec<Spot>, ReadError> {
        let mut found = Vec::new();
        let mut room = self.tree.len();
        for &spot in from {
            if found.len() > room {
                found = self.sorted(found);
                room = room.max(found.len() * 2);
            }
            let mut candidates = Vec::new();
            self.along(step.axis, spot, |candidate| {
                self.watch.step()?;
                if self.passes(&step.test, step.axis, candidate) {
                    candidates.push(candidate);
                }
                Ok(())
            })?;
            found.extend(self.kept(candidates, &step.predicates)?);
        }
        let in_order = from.len() == 1 && !is_backward(step.axis);
        Ok(if in_order { found } else { self.sorted(found) })
    }

    /// Each once, in the page's order.
    fn sorted(&self, mut nodes: Vec<Spot>) -> Vec<Spot> {
        nodes.sort_by_key(|spot| (self.order.place(spot.id), spot.attribute));
        nodes.dedup();
        nodes
    }

    fn kept(&self, mut nodes: Vec<Spot>, predicates: &[Expression]) -> Result<Vec<Spot>, ReadError> {
        for predicate in predicates {
            let size = nodes.len();
            let mut kept = Vec::new();
            for (index, spot) in nodes.into_iter().enumerate() {
                let position = index + 1;
                let keep = match self.evaluate(predicate, Context { spot, position, size })? {
                    Value::Number(number) => number == position as f64,
                    other => other.is_true(),
                };
                if keep {
                    kept.push(spot);
                }
            }
            nodes = kept;
        }
        Ok(nodes)
    }

    fn passes(&self, test: &Test, axis: Axis, spot: Spot) -> bool {
        match test {
            Test::AnyNode => true,
            Test::Nothing => false,
            Test::Text => spot.attribute.is_none() && self.tree.text(spot.id).is_some(),
            Test::AnyName => {
                axis == Axis::Attribute || spot.attribute.is_none() && self.tree.element(spot.id).is_some()
            }
            Test::Name(name) => self.name(spot) == Some(name),
        }
    }

    /// Of an element or an attribute.
    pub(super) fn name(&self, spot: Spot) -> Option<&str> {
        let element = self.tree.element(spot.id)?;
        match spot.attribute {
            None => Some(&element.name.local),
            Some(place) => element.attrs.get(place as usize).map(|attr| &*attr.name.local),
        }
    }

    /// In the order of the axis: backwards where it looks back.
    fn along(
        &self,
        axis: Axis,
        spot: Spot,
        mut meet: impl FnMut(Spot) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let (tree, id) = (self.tree, spot.id);
        let mut all = |ids: &mut dyn Iterator<Item = Id>| ids.map(Spot::node).try_for_each(&mut meet);
        if spot.attribute.is_some() {
            return match axis {
                Axis::Itself => meet(spot),
                Axis::Parent => meet(Spot::node(id)),
                Axis::Ancestor => all(&mut std::iter::once(id).chain(tree.ancestors(id))),
                Axis::AncestorOrSelf => {
                    meet(spot)?;
                    std::iter::once(id).chain(tree.ancestors(id)).map(Spot::node).try_for_each(&mut meet)
                }
                Axis::DescendantOrSelf => meet(spot),
                _ => Ok(()),
            };
        }
        match axis {
            Axis::Itself => all(&mut std::iter::once(id)),
            Axis::Child => all(&mut tree.children(id)),
            Axis::Descendant => all(&mut tree.descendants(id).skip(1)),
            Axis::DescendantOrSelf => all(&mut tree.descendants(id)),
            Axis::Parent => all(&mut tree.parent(id).into_iter()),
            Axis::Ancestor => all(&mut tree.ancestors(id)),
            Axis::AncestorOrSelf => all(&mut std::iter::once(id).chain(tree.ancestors(id))),
            Axis::FollowingSibling => all(&mut tree.siblings_after(id)),
            Axis::PrecedingSibling => all(&mut tree.siblings_before(id)),
            Axis::Following => {
                let above = std::iter::once(id).chain(tree.ancestors(id));
                all(&mut above.flat_map(|id| tree.siblings_after(id)).flat_map(|id| tree.descendants(id)))
            }
            Axis::Preceding => {
                let above = std::iter::once(id).chain(tree.ancestors(id));
                let reversed = |id: Id| tree.descendants(id).collect::<Vec<_>>().into_iter().rev();
                all(&mut above.flat_map(|id| tree.siblings_before(id)).flat_map(reversed))
            }
            Axis::Attribute => {
                let count = tree.element(id).map_or(0, |element| element.attrs.len() as u32);
                (0..count).map(|place| Spot { id, attribute: Some(place) }).try_for_each(meet)
            }
        }
    }

    fn binary(
        &self,
        operator: Operator,
        left: &Expression,
        right: &Expression,
        context: Context,
    ) -> Result<Value, ReadError> {
        let left = self.evaluate(left, context)?;
        match operator {
            Operator::Or if left.is_true() => return Ok(Value::Truth(true)),
            Operator::And if !left.is_true() => return Ok(Value::Truth(false)),
            _ => {}
        }
        let right = self.evaluate(right, context)?;
        let arithmetic = |with: fn(f64, f64) -> f64| -> Result<Value, ReadError> {
            Ok(Value::Number(with(self.number(&left)?, self.number(&right)?)))
        };
        Ok(match operator {
            Operator::Or | Operator::And => Value::Truth(right.is_true()),
            Operator::Plus => arithmetic(|a, b| a + b)?,
            Operator::Minus => arithmetic(|a, b| a - b)?,
            Operator::Times => arithmetic(|a, b| a * b)?,
            Operator::Div => arithmetic(|a, b| a / b)?,
            Operator::Mod => arithmetic(|a, b| a % b)?,
            Operator::Union => {
                let mut nodes = self.nodes(left);
                nodes.extend(self.nodes(right));
                Value::Nodes(self.sorted(nodes))
            }
            comparison => Value::Truth(self.holds(comparison, &left, &right)?),
        })
    }

    /// Of a set of nodes it is enough that one of them compares so.
    fn holds(&self, operator: Operator, left: &Value, right: &Value) -> Result<bool, ReadError> {
        match (left, right) {
            (Value::Truth(_), _) | (_, Value::Truth(_)) => {
                Ok(compare(operator, f64::from(u8::from(left.is_true())), f64::from(u8::from(right.is_true()))))
            }
            (Value::Nodes(left), Value::Nodes(right)) if operator == Operator::Equal => {
                // By their hashes: together the texts may be much longer than the page.
                let hasher = RandomState::new();
                let mut texts = HashSet::new();
                for &spot in left {
                    self.watch.step()?;
                    texts.insert(hasher.hash_one(self.text(spot)));
                }
                for &spot in right {
                    self.watch.step()?;
                    if texts.contains(&hasher.hash_one(self.text(spot))) {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            (Value::Nodes(nodes), other) => self.any(nodes, |text| self.holds(operator, &text, other)),
            (other, Value::Nodes(nodes)) => self.any(nodes, |text| self.holds(operator, other, &text)),
            (Value::Text(left), Value::Text(right)) if operator == Operator::Equal => Ok(left == right),
            (Value::Text(left), Value::Text(right)) if operator == Operator::NotEqual => Ok(left != right),
            _ => Ok(compare(operator, self.number(left)?, self.number(right)?)),
        }
    }

    fn any(&self, nodes: &[Spot], holds: impl Fn(Value) -> Result<bool, ReadError>) -> Result<bool, ReadError> {
        for &spot in nodes {
            self.watch.step()?;
            if holds(Value::Text(self.text(spot)))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(super) fn string(&self, value: &Value) -> Result<String, ReadError> {
        self.watch.step()?;
        Ok(match value {
            Value::Nodes(nodes) => nodes.first().map(|&spot| self.text(spot)).unwrap_or_default(),
            Value::Text(text) => text.clone(),
            Value::Number(number) => shown(*number),
            Value::Truth(truth) => truth.to_string(),
        })
    }

    pub(super) fn number(&self, value: &Value) -> Result<f64, ReadError> {
        Ok(match value {
            Value::Number(number) => *number,
            Value::Truth(truth) => f64::from(u8::from(*truth)),
            other => number_of(&self.string(other)?),
        })
    }

    /// The string value of a node.
    pub(super) fn text(&self, spot: Spot) -> String {
        let element = self.tree.element(spot.id);
        let mut text = match spot.attribute {
            Some(place) => {
                let attr = element.and_then(|element| element.attrs.get(place as usize));
                attr.map(|attr| attr.value.to_string()).unwrap_or_default()
            }
            None => self.all_text(spot.id),
        };
        text.truncate(text.floor_char_boundary(MAX_TEXT));
        self.watch.work.spend_bytes(text.len());
        text
    }

    fn all_text(&self, id: Id) -> String {
        let mut all = String::new();
        for text in self.tree.descendants(id).filter_map(|id| self.tree.text(id)) {
            all.push_str(text);
            if all.len() > MAX_TEXT {
                break;
            }
        }
        all
    }
}

fn is_backward(axis: Axis) -> bool {
    matches!(axis, Axis::Ancestor | Axis::AncestorOrSelf | Axis::Preceding | Axis::PrecedingSibling | Axis::Following)
}

fn compare(operator: Operator, left: f64, right: f64) -> bool {
    match operator {
        Operator::Equal => left == right,
        Operator::NotEqual => left != right,
        Operator::Less => left < right,
        Operator::LessOrEqual => left <= right,
        Operator::Greater => left > right,
        _ => left >= right,
    }
}
