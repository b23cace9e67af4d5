//! The syntax tree of an XPath expression.

use super::function::Function;

/// An expression.
#[derive(Debug)]
pub(super) enum Expression {
    Binary(Operator, Box<Expression>, Box<Expression>),
    Negative(Box<Expression>),
    Path(PathStart, Vec<LocationStep>),
    Filter(Box<Expression>, Vec<Expression>),
    Literal(String),
    Number(f64),
    Call(Function, Vec<Expression>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Plus,
    Minus,
    Times,
    Div,
    Mod,
    Union,
}

/// Where a path starts.
#[derive(Debug)]
pub(super) enum PathStart {
    Root,
    ContextNode,
    Expression(Box<Expression>),
}

/// One step of a path.
#[derive(Debug)]
pub(super) struct LocationStep {
    pub(super) axis: Axis,
    pub(super) test: NodeTest,
    pub(super) predicates: Vec<Expression>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Axis {
    Ancestor,
    AncestorOrSelf,
    Attribute,
    Child,
    Descendant,
    DescendantOrSelf,
    Following,
    FollowingSibling,
    Parent,
    Preceding,
    PrecedingSibling,
    SelfNode,
}

/// Which nodes on an axis a step selects.
#[derive(Debug)]
pub(super) enum NodeTest {
    AnyNode,
    AnyName,
    Name(String),
    Text,
    /// Comments and processing instructions, which the tree does not store.
    Nothing,
}
