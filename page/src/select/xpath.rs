//! XPath 1.0 over the page's tree, without namespaces, variables, `id()` and `lang()`.
//!
//! Existing crates (`sxd-xpath`, `xee-xpath`, `skyscraper`, `amxml`) each require their own tree, so the page would
//! have to be built a second time, and most are unmaintained.

mod ast;
mod axes;
mod compare;
mod document;
mod evaluator;
mod function;
mod functions;
mod lexer;
mod parser;
mod value;

use crate::budget::Budget;
use crate::error::ReadError;
use crate::limits::MAX_SELECTOR_BYTES;
use crate::tree::{NodeId, Tree};
use ast::Expression;
pub(crate) use document::DocumentOrder;
use document::XPathDocument;
use evaluator::Evaluator;
use value::{EvaluationContext, XPathValue};

/// A parsed XPath expression.
pub(crate) struct XPath {
    expression: Expression,
}

/// A result of an expression: an element, or the text of a text node, an attribute or a computed value.
pub(crate) enum XPathMatch {
    Element(NodeId),
    Text(String),
}

impl XPath {
    /// `relative`: a path that begins with `/` starts at the searched element instead of the root.
    pub(crate) fn parse(text: &str, relative: bool) -> Result<Self, String> {
        if text.len() > MAX_SELECTOR_BYTES {
            return Err(format!("is longer than {MAX_SELECTOR_BYTES} bytes"));
        }
        let expression = parser::parse(text, relative);
        let expression = expression.map_err(|reason| format!("is not a valid XPath expression: {reason}"))?;
        Ok(Self { expression })
    }

    /// The results of the expression for `top`, in document order.
    pub(crate) fn evaluate(
        &self,
        tree: &Tree,
        order: &DocumentOrder,
        top: NodeId,
        budget: &Budget,
    ) -> Result<Vec<XPathMatch>, ReadError> {
        let page = XPathDocument { tree, order, budget };
        Ok(match (Evaluator { page }).evaluate(&self.expression, EvaluationContext::single(top))? {
            XPathValue::Nodes(nodes) => nodes
                .into_iter()
                .map(|node| match node.attribute {
                    None if tree.text(node.id).is_none() => XPathMatch::Element(node.id),
                    _ => XPathMatch::Text(page.string_value(node)),
                })
                .collect(),
            other => vec![XPathMatch::Text(page.string(&other)?)],
        })
    }
}

#[cfg(test)]
mod tests;
