//! Parses XPath expressions.

use super::ast::{Axis, Expression, LocationStep, NodeTest, Operator, PathStart};
use super::function::Function;
use super::lexer::{Token, tokenize};

/// Nested parentheses, predicates and calls.
const MAX_DEPTH: usize = 24;

pub(super) fn parse(text: &str, relative: bool) -> Result<Expression, String> {
    let mut parser = Parser { tokens: tokenize(text)?, next: 0, depth: 0, relative };
    let expression = parser.binary(0)?;
    match parser.peek() {
        None => Ok(expression),
        Some(token) => Err(format!("unexpected {}", describe(token))),
    }
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
    relative: bool,
}

/// The binary operators by precedence, lowest first.
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

    fn symbol_at(&self, ahead: usize) -> Option<&'static str> {
        match self.tokens.get(self.next + ahead) {
            Some(Token::Symbol(symbol)) => Some(symbol),
            _ => None,
        }
    }

    fn accept(&mut self, symbol: &str) -> bool {
        let accepted = self.symbol_at(0) == Some(symbol);
        self.next += usize::from(accepted);
        accepted
    }

    fn expect(&mut self, symbol: &str) -> Result<(), String> {
        if self.accept(symbol) { Ok(()) } else { Err(format!("expected {symbol}{}", self.location())) }
    }

    fn location(&self) -> String {
        self.peek().map_or_else(|| " at the end".to_owned(), |token| format!(" before {}", describe(token)))
    }

    fn binary(&mut self, level: usize) -> Result<Expression, String> {
        let Some(operators) = LEVELS.get(level) else { return self.path() };
        if level == LEVELS.len() - 1 && self.accept("-") {
            self.enter_nested()?;
            let negative = Expression::Negative(Box::new(self.binary(level)?));
            self.depth -= 1;
            return Ok(negative);
        }
        let mut left = self.binary(level + 1)?;
        while let Some(&(symbol, operator)) = operators.iter().find(|(symbol, _)| self.symbol_at(0) == Some(symbol)) {
            self.expect(symbol)?;
            left = Expression::Binary(operator, Box::new(left), Box::new(self.binary(level + 1)?));
        }
        Ok(left)
    }

    fn enter_nested(&mut self) -> Result<(), String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err(format!("nested more than {MAX_DEPTH} levels deep")) } else { Ok(()) }
    }

    fn path(&mut self) -> Result<Expression, String> {
        let mut steps = Vec::new();
        let start = if self.is_primary() {
            let primary = self.primary()?;
            let predicates = self.predicates()?;
            let primary =
                if predicates.is_empty() { primary } else { Expression::Filter(Box::new(primary), predicates) };
            if !matches!(self.symbol_at(0), Some("/" | "//")) {
                return Ok(primary);
            }
            PathStart::Expression(Box::new(primary))
        } else if matches!(self.symbol_at(0), Some("/" | "//")) {
            let start = if self.relative && self.depth == 0 { PathStart::ContextNode } else { PathStart::Root };
            if self.symbol_at(0) == Some("/") && !self.starts_step(1) {
                self.next += 1;
                return Ok(Expression::Path(start, steps));
            }
            start
        } else {
            steps.push(self.step()?);
            PathStart::ContextNode
        };
        loop {
            if self.accept("//") {
                let (axis, test) = (Axis::DescendantOrSelf, NodeTest::AnyNode);
                steps.push(LocationStep { axis, test, predicates: Vec::new() });
            } else if !self.accept("/") {
                return Ok(Expression::Path(start, steps));
            }
            steps.push(self.step()?);
        }
    }

    fn starts_step(&self, ahead: usize) -> bool {
        match self.tokens.get(self.next + ahead) {
            Some(Token::Name(_)) => true,
            Some(Token::Symbol(symbol)) => matches!(*symbol, "." | ".." | "@" | "*"),
            _ => false,
        }
    }

    fn is_primary(&self) -> bool {
        match self.peek() {
            Some(Token::Number(_) | Token::Literal(_) | Token::Symbol("(")) => true,
            Some(Token::Name(name)) => self.symbol_at(1) == Some("(") && node_type(name).is_none(),
            _ => false,
        }
    }

    fn primary(&mut self) -> Result<Expression, String> {
        let token = self.peek().cloned();
        self.next += 1;
        match token {
            Some(Token::Number(number)) => Ok(Expression::Number(number)),
            Some(Token::Literal(text)) => Ok(Expression::Literal(text)),
            Some(Token::Name(name)) => self.call(&name),
            _ => {
                self.enter_nested()?;
                let inner = self.binary(0)?;
                self.expect(")")?;
                self.depth -= 1;
                Ok(inner)
            }
        }
    }

    fn call(&mut self, name: &str) -> Result<Expression, String> {
        let (function, accepted) = Function::by_name(name).ok_or_else(|| format!("unknown function {name}()"))?;
        self.expect("(")?;
        self.enter_nested()?;
        let mut arguments = Vec::new();
        if !self.accept(")") {
            arguments.push(self.binary(0)?);
            while self.accept(",") {
                arguments.push(self.binary(0)?);
            }
            self.expect(")")?;
        }
        self.depth -= 1;
        if !accepted.contains(&arguments.len()) {
            return Err(format!("{name}() cannot take {} arguments", arguments.len()));
        }
        Ok(Expression::Call(function, arguments))
    }

    fn predicates(&mut self) -> Result<Vec<Expression>, String> {
        let mut predicates = Vec::new();
        while self.accept("[") {
            self.enter_nested()?;
            predicates.push(self.binary(0)?);
            self.expect("]")?;
            self.depth -= 1;
        }
        Ok(predicates)
    }

    fn step(&mut self) -> Result<LocationStep, String> {
        for (symbol, axis) in [("..", Axis::Parent), (".", Axis::SelfNode)] {
            if self.accept(symbol) {
                return Ok(LocationStep { axis, test: NodeTest::AnyNode, predicates: self.predicates()? });
            }
        }
        let axis = self.axis()?;
        let test = self.test()?;
        Ok(LocationStep { axis, test, predicates: self.predicates()? })
    }

    fn axis(&mut self) -> Result<Axis, String> {
        if self.accept("@") {
            return Ok(Axis::Attribute);
        }
        let named = match self.peek() {
            Some(Token::Name(name)) if self.symbol_at(1) == Some("::") => name.clone(),
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
            "self" => Axis::SelfNode,
            other => return Err(format!("unknown axis {other}")),
        })
    }

    fn test(&mut self) -> Result<NodeTest, String> {
        if self.accept("*") {
            return Ok(NodeTest::AnyName);
        }
        let Some(Token::Name(name)) = self.peek().cloned() else {
            return Err(format!("expected a name{}", self.location()));
        };
        self.next += 1;
        if self.symbol_at(0) == Some("(")
            && let Some(test) = node_type(&name)
        {
            self.next += 1;
            self.next += usize::from(matches!(self.peek(), Some(Token::Literal(_))));
            self.expect(")")?;
            return Ok(test);
        }
        if name.contains(':') {
            return Err(format!("{name} has a namespace prefix; prefixes are not supported"));
        }
        Ok(NodeTest::Name(name))
    }
}

fn node_type(name: &str) -> Option<NodeTest> {
    Some(match name {
        "node" => NodeTest::AnyNode,
        "text" => NodeTest::Text,
        "comment" | "processing-instruction" => NodeTest::Nothing,
        _ => return None,
    })
}

fn describe(token: &Token) -> String {
    match token {
        Token::Name(name) => name.clone(),
        Token::Number(number) => number.to_string(),
        Token::Literal(text) => format!("{text:?}"),
        Token::Symbol(symbol) => symbol.replace('×', "*"),
    }
}
