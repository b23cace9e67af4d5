//! Reads XPath expressions into a tree.

use super::functions::Function;
use super::tokens::{Token, tokens};

#[derive(Debug)]
pub(super) enum Expression {
    Binary(Operator, Box<Expression>, Box<Expression>),
    Negative(Box<Expression>),
    Path(Start, Vec<Step>),
    Filter(Box<Expression>, Vec<Expression>),
    Text(String),
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

#[derive(Debug)]
pub(super) enum Start {
    Root,
    Here,
    At(Box<Expression>),
}

#[derive(Debug)]
pub(super) struct Step {
    pub(super) axis: Axis,
    pub(super) test: Test,
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
    Itself,
}

#[derive(Debug)]
pub(super) enum Test {
    AnyNode,
    AnyName,
    Name(String),
    Text,
    /// Comments and processing instructions: none are kept.
    Nothing,
}

/// Brackets within each other.
const MAX_DEPTH: usize = 24;

pub(super) fn parse(text: &str, relative: bool) -> Result<Expression, String> {
    let mut parser = Parser { tokens: tokens(text)?, next: 0, depth: 0, relative };
    let expression = parser.binary(0)?;
    match parser.peek() {
        None => Ok(expression),
        Some(token) => Err(format!("{} cannot stand there", shown(token))),
    }
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
    relative: bool,
}

/// From the loosest to the tightest.
const LEVELS: [&[(&str, Operator)]; 7] = [
    &[("or", Operator::Or)],
    &[("and", Operator::And)],
    &[("=", Operator::Equal), ("!=", Operator::NotEqual)],
    &[("<", Operator::Less), ("<=", Operator::LessOrEqual), (">", Operator::Greater), (">=", Operator::GreaterOrEqual)],
    &[("+", Operator::Plus), ("-", Operator::Minus)],
    &[("×", Operator::Times), ("div", Operator::Div), ("mod", Operator::Mod)],
    &[("|", Operator::Union)],
];

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next)
    }

    fn sign_after(&self, ahead: usize) -> Option<&'static str> {
        match self.tokens.get(self.next + ahead) {
            Some(Token::Sign(sign)) => Some(sign),
            _ => None,
        }
    }

    fn takes(&mut self, sign: &str) -> bool {
        let there = self.sign_after(0) == Some(sign);
        self.next += usize::from(there);
        there
    }

    fn wants(&mut self, sign: &str) -> Result<(), String> {
        if self.takes(sign) { Ok(()) } else { Err(format!("{sign} is missing{}", self.place())) }
    }

    fn place(&self) -> String {
        self.peek().map_or_else(|| " at its end".to_owned(), |token| format!(" before {}", shown(token)))
    }

    fn binary(&mut self, level: usize) -> Result<Expression, String> {
        let Some(operators) = LEVELS.get(level) else { return self.path() };
        if level == LEVELS.len() - 1 && self.takes("-") {
            self.deeper()?;
            let negative = Expression::Negative(Box::new(self.binary(level)?));
            self.depth -= 1;
            return Ok(negative);
        }
        let mut left = self.binary(level + 1)?;
        while let Some(&(sign, operator)) = operators.iter().find(|(sign, _)| self.sign_after(0) == Some(sign)) {
            self.wants(sign)?;
            left = Expression::Binary(operator, Box::new(left), Box::new(self.binary(level + 1)?));
        }
        Ok(left)
    }

    fn deeper(&mut self) -> Result<(), String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err(format!("its brackets are more than {MAX_DEPTH} deep")) } else { Ok(()) }
    }

    fn path(&mut self) -> Result<Expression, String> {
        let mut steps = Vec::new();
        let start = if self.is_primary() {
            let primary = self.primary()?;
            let predicates = self.predicates()?;
            let primary =
                if predicates.is_empty() { primary } else { Expression::Filter(Box::new(primary), predicates) };
            if !matches!(self.sign_after(0), Some("/" | "//")) {
                return Ok(primary);
            }
            Start::At(Box::new(primary))
        } else if matches!(self.sign_after(0), Some("/" | "//")) {
            let start = if self.relative && self.depth == 0 { Start::Here } else { Start::Root };
            if self.sign_after(0) == Some("/") && !self.begins_step(1) {
                self.next += 1;
                return Ok(Expression::Path(start, steps));
            }
            start
        } else {
            steps.push(self.step()?);
            Start::Here
        };
        loop {
            if self.takes("//") {
                let (axis, test) = (Axis::DescendantOrSelf, Test::AnyNode);
                steps.push(Step { axis, test, predicates: Vec::new() });
            } else if !self.takes("/") {
                return Ok(Expression::Path(start, steps));
            }
            steps.push(self.step()?);
        }
    }

    fn begins_step(&self, ahead: usize) -> bool {
        match self.tokens.get(self.next + ahead) {
            Some(Token::Name(_)) => true,
            Some(Token::Sign(sign)) => matches!(*sign, "." | ".." | "@" | "*"),
            _ => false,
        }
    }

    fn is_primary(&self) -> bool {
        match self.peek() {
            Some(Token::Number(_) | Token::Literal(_) | Token::Sign("(")) => true,
            Some(Token::Name(name)) => self.sign_after(1) == Some("(") && node_type(name).is_none(),
            _ => false,
        }
    }

    fn primary(&mut self) -> Result<Expression, String> {
        let token = self.peek().cloned();
        self.next += 1;
        match token {
            Some(Token::Number(number)) => Ok(Expression::Number(number)),
            Some(Token::Literal(text)) => Ok(Expression::Text(text)),
            Some(Token::Name(name)) => self.call(&name),
            _ => {
                self.deeper()?;
                let inner = self.binary(0)?;
                self.wants(")")?;
                self.depth -= 1;
                Ok(inner)
            }
        }
    }

    fn call(&mut self, name: &str) -> Result<Expression, String> {
        let (function, arguments) = Function::named(name).ok_or_else(|| format!("there is no function {name}()"))?;
        self.wants("(")?;
        self.deeper()?;
        let mut given = Vec::new();
        if !self.takes(")") {
            given.push(self.binary(0)?);
            while self.takes(",") {
                given.push(self.binary(0)?);
            }
            self.wants(")")?;
        }
        self.depth -= 1;
        if !arguments.contains(&given.len()) {
            return Err(format!("{name}() cannot take {} arguments", given.len()));
        }
        Ok(Expression::Call(function, given))
    }

    fn predicates(&mut self) -> Result<Vec<Expression>, String> {
        let mut predicates = Vec::new();
        while self.takes("[") {
            self.deeper()?;
            predicates.push(self.binary(0)?);
            self.wants("]")?;
            self.depth -= 1;
        }
        Ok(predicates)
    }

    fn step(&mut self) -> Result<Step, String> {
        for (sign, axis) in [("..", Axis::Parent), (".", Axis::Itself)] {
            if self.takes(sign) {
                return Ok(Step { axis, test: Test::AnyNode, predicates: self.predicates()? });
            }
        }
        let axis = self.axis()?;
        let test = self.test()?;
        Ok(Step { axis, test, predicates: self.predicates()? })
    }

    fn axis(&mut self) -> Result<Axis, String> {
        if self.takes("@") {
            return Ok(Axis::Attribute);
        }
        let named = match self.peek() {
            Some(Token::Name(name)) if self.sign_after(1) == Some("::") => name.clone(),
            _ => return Ok(Axis::Child),
        };
        self.next += 2;
        Ok(match named.as_str() {
            "ancestor" => Axis::Ancestor,
            "ancestor-or-self" => Axis::AncestorOrSelf,
            "attribute" => Axis::Attribute,
            "child" => Axis::Child,
            "descendant" => Axis::Descendant,
            "descendant-or-self" => Axis::DescendantOrSelf,
            "following" => Axis::Following,
            "following-sibling" => Axis::FollowingSibling,
            "parent" => Axis::Parent,
            "preceding" => Axis::Preceding,
            "preceding-sibling" => Axis::PrecedingSibling,
            "self" => Axis::Itself,
            other => return Err(format!("there is no axis {other}")),
        })
    }

    fn test(&mut self) -> Result<Test, String> {
        if self.takes("*") {
            return Ok(Test::AnyName);
        }
        let Some(Token::Name(name)) = self.peek().cloned() else {
            return Err(format!("a name is missing{}", self.place()));
        };
        self.next += 1;
        if self.sign_after(0) == Some("(")
            && let Some(test) = node_type(&name)
        {
            self.next += 1;
            self.next += usize::from(matches!(self.peek(), Some(Token::Literal(_))));
            self.wants(")")?;
            return Ok(test);
        }
        if name.contains(':') {
            return Err(format!("{name} has a prefix, and pages have no namespaces"));
        }
        Ok(Test::Name(name))
    }
}

fn node_type(name: &str) -> Option<Test> {
    Some(match name {
        "node" => Test::AnyNode,
        "text" => Test::Text,
        "comment" | "processing-instruction" => Test::Nothing,
        _ => return None,
    })
}

fn shown(token: &Token) -> String {
    match token {
        Token::Name(name) => name.clone(),
        Token::Number(number) => number.to_string(),
        Token::Literal(text) => format!("{text:?}"),
        Token::Sign(sign) => sign.replace('×', "*"),
    }
}
