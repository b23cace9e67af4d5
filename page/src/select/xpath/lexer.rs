//! Splits an XPath expression into tokens.

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// May have a prefix: `a:b`, `a:*`.
    Name(String),
    Number(f64),
    Literal(String),
    /// Punctuation and operators, including `and`, `or`, `div` and `mod` in operator position. `×` is multiplication;
    /// `*` is the wildcard.
    Symbol(&'static str),
}

/// Limits the depth of the syntax tree.
const MAX_TOKENS: usize = 400;

pub(super) fn tokenize(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (token, length) = next(rest, tokens.last())?;
        tokens.push(token);
        if tokens.len() > MAX_TOKENS {
            return Err(format!("more than {MAX_TOKENS} tokens"));
        }
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

fn next(rest: &str, before: Option<&Token>) -> Result<(Token, usize), String> {
    const SYMBOLS: [&str; 22] = [
        "::", "//", "..", "!=", "<=", ">=", "(", ")", "[", "]", ",", "@", "/", "|", "+", "-", "=", "<", ">", "*", ".",
        "$",
    ];
    let first = rest.chars().next().unwrap_or_default();
    if first == '"' || first == '\'' {
        let end = rest[1..].find(first).ok_or_else(|| "unterminated string".to_owned())?;
        return Ok((Token::Literal(rest[1..=end].to_owned()), end + 2));
    }
    let second_is_digit = rest[first.len_utf8()..].starts_with(|c: char| c.is_ascii_digit());
    if first.is_ascii_digit() || first == '.' && second_is_digit {
        let length = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let number = rest[..length].parse().map_err(|_| format!("{} is not a valid number", &rest[..length]))?;
        return Ok((Token::Number(number), length));
    }
    let operator_may_follow = match before {
        None => false,
        Some(Token::Symbol(symbol)) => matches!(*symbol, ")" | "]" | "." | ".." | "*"),
        Some(_) => true,
    };
    if let Some(&symbol) = SYMBOLS.iter().find(|&&symbol| rest.starts_with(symbol)) {
        let symbol = if symbol == "*" && operator_may_follow { "×" } else { symbol };
        let length = if symbol == "×" { 1 } else { symbol.len() };
        return Ok((Token::Symbol(symbol), length));
    }
    let name = name(rest).ok_or_else(|| format!("unexpected {first:?}"))?;
    let operator = ["and", "or", "div", "mod"].into_iter().find(|&operator| operator == name && operator_may_follow);
    let token = operator.map_or_else(|| Token::Name(name.to_owned()), Token::Symbol);
    Ok((token, name.len()))
}

fn name(rest: &str) -> Option<&str> {
    let starts = |c: char| c.is_alphabetic() || c == '_';
    let continues = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '\u{b7}');
    let end = |text: &str| text.find(|c: char| !continues(c)).unwrap_or(text.len());
    if !rest.starts_with(starts) {
        return None;
    }
    let mut length = end(rest);
    if let Some(local) = rest[length..].strip_prefix(':')
        && local.starts_with(|c: char| starts(c) || c == '*')
    {
        length += 1 + end(local).max(1);
    }
    Some(&rest[..length])
}
