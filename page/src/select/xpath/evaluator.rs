//! Evaluates expressions.

use super::ast::{Expression, LocationStep, Operator, PathStart};
use super::axes::{needs_sorting, passes, visit_axis};
use super::compare::compare;
use super::document::XPathDocument;
use super::function::Function;
use super::functions::call;
use super::value::{EvaluationContext, XPathNode, XPathValue};
use crate::error::ReadError;
use crate::tree::NodeId;

/// Evaluates expressions on one page.
pub(super) struct Evaluator<'t> {
    pub(super) page: XPathDocument<'t>,
}

impl Evaluator<'_> {
    pub(super) fn evaluate(
        &self,
        expression: &Expression,
        context: EvaluationContext,
    ) -> Result<XPathValue, ReadError> {
        self.page.budget.step()?;
        Ok(match expression {
            Expression::Literal(text) => XPathValue::String(text.clone()),
            Expression::Number(number) => XPathValue::Number(*number),
            Expression::Negative(inner) => XPathValue::Number(-self.page.number(&self.evaluate(inner, context)?)?),
            Expression::Call(function, arguments) => self.call(*function, arguments, context)?,
            Expression::Binary(operator, left, right) => self.binary(*operator, left, right, context)?,
            Expression::Filter(inner, predicates) => match self.evaluate(inner, context)? {
                XPathValue::Nodes(nodes) => XPathValue::Nodes(self.filter(nodes, predicates)?),
                other => other,
            },
            Expression::Path(start, steps) => {
                let mut nodes = match start {
                    PathStart::Root => vec![XPathNode::node(NodeId::ROOT)],
                    PathStart::ContextNode => vec![context.node],
                    PathStart::Expression(inner) => self.evaluate(inner, context)?.into_nodes(),
                };
                for step in steps {
                    nodes = self.step(&nodes, step)?;
                }
                XPathValue::Nodes(nodes)
            }
        })
    }

    fn call(
        &self,
        function: Function,
        arguments: &[Expression],
        context: EvaluationContext,
    ) -> Result<XPathValue, ReadError> {
        let mut values = Vec::with_capacity(arguments.len().max(1));
        for argument in arguments {
            values.push(self.evaluate(argument, context)?);
        }
        if values.is_empty() {
            values.push(XPathValue::Nodes(vec![context.node]));
        }
        call(&self.page, function, &values, context)
    }

    fn step(&self, from: &[XPathNode], step: &LocationStep) -> Result<Vec<XPathNode>, ReadError> {
        let mut found = Vec::new();
        let mut max_unsorted = self.page.tree.len();
        for &node in from {
            if found.len() > max_unsorted {
                found = self.page.sorted(found);
                max_unsorted = max_unsorted.max(found.len() * 2);
            }
            let mut candidates = Vec::new();
            visit_axis(self.page.tree, step.axis, node, |candidate| {
                self.page.budget.step()?;
                if passes(&self.page, &step.test, step.axis, candidate) {
                    candidates.push(candidate);
                }
                Ok(())
            })?;
            found.extend(self.filter(candidates, &step.predicates)?);
        }
        let in_order = from.len() == 1 && !needs_sorting(step.axis);
        Ok(if in_order { found } else { self.page.sorted(found) })
    }

    /// The nodes that pass all predicates. A number as predicate is compared with the position.
    fn filter(&self, mut nodes: Vec<XPathNode>, predicates: &[Expression]) -> Result<Vec<XPathNode>, ReadError> {
        for predicate in predicates {
            let size = nodes.len();
            let mut passed = Vec::new();
            for (index, node) in nodes.into_iter().enumerate() {
                let position = index + 1;
                let passes = match self.evaluate(predicate, EvaluationContext { node, position, size })? {
                    XPathValue::Number(number) => number == position as f64,
                    other => other.to_boolean(),
                };
                if passes {
                    passed.push(node);
                }
            }
            nodes = passed;
        }
        Ok(nodes)
    }

    fn binary(
        &self,
        operator: Operator,
        left: &Expression,
        right: &Expression,
        context: EvaluationContext,
    ) -> Result<XPathValue, ReadError> {
        let left = self.evaluate(left, context)?;
        match operator {
            Operator::Or if left.to_boolean() => return Ok(XPathValue::Boolean(true)),
            Operator::And if !left.to_boolean() => return Ok(XPathValue::Boolean(false)),
            _ => {}
        }
        let right = self.evaluate(right, context)?;
        let arithmetic = |apply: fn(f64, f64) -> f64| -> Result<XPathValue, ReadError> {
            Ok(XPathValue::Number(apply(self.page.number(&left)?, self.page.number(&right)?)))
        };
        Ok(match operator {
            Operator::Or | Operator::And => XPathValue::Boolean(right.to_boolean()),
            Operator::Plus => arithmetic(|a, b| a + b)?,
            Operator::Minus => arithmetic(|a, b| a - b)?,
            Operator::Times => arithmetic(|a, b| a * b)?,
            Operator::Div => arithmetic(|a, b| a / b)?,
            Operator::Mod => arithmetic(|a, b| a % b)?,
            Operator::Union => {
                let mut nodes = left.into_nodes();
                nodes.extend(right.into_nodes());
                XPathValue::Nodes(self.page.sorted(nodes))
            }
            comparison => XPathValue::Boolean(compare(&self.page, comparison, &left, &right)?),
        })
    }
}
