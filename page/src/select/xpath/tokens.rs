//! The words of an XPath expression.

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// Also with a prefix, `a:b`, or `a:*`.
    Name(String),
    Number(f64),
    Literal(String),
    /// Punctuation, the operators that are signs, and `and`, `or`, `div`, `mod` where they are operators. The sign for
    /// multiplication is `×`; `*` is any name.
    Sign(&'static str),
}

/// More tokens than anybody writes; it bounds how deep an expression can be.
const MAX_TOKENS: usize = 400;

pub(super) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (token, length) = next(rest, tokens.last())?;
        tokens.push(token);
        if tokens.len() > MAX_TOKENS {
            return Err(format!("it has more than {MAX_TOKENS} words"));
        }
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

fn next(rest: &str, before: Option<&Token>) -> Result<(Token, usize), String> {
    const SIGNS: [&str; 22] = [
        "::", "//", "..", "!=", "<=", ">=", "(", ")", "[", "]", ",", "@", "/", "|", "+", "-", "=", "<", ">", "*", ".",
        "$",
    ];
    let first = rest.chars().next().unwrap_or_default();
    if first == '"' || first == '\'' {
        let end = rest[1..].find(first).ok_or_else(|| "a text has no end".to_owned())?;
        return Ok((Token::Literal(rest[1..=end].to_owned()), end + 2));
    }
    let second_is_digit = rest[first.len_utf8()..].starts_with(|c: char| c.is_ascii_digit());
    if first.is_ascii_digit() || first == '.' && second_is_digit {
        let length = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let number = rest[..length].parse().map_err(|_| format!("{} is no number", &rest[..length]))?;
        return Ok((Token::Number(number), length));
    }
    let operator_may_follow = match before {
        None => false,
        Some(Token::Sign(sign)) => matches!(*sign, ")" | "]" | "." | ".." | "*"),
        Some(_) => true,
    };
    if let Some(&sign) = SIGNS.iter().find(|&&sign| rest.starts_with(sign)) {
        let sign = if sign == "*" && operator_may_follow { "×" } else { sign };
        let length = if sign == "×" { 1 } else { sign.len() };
        return Ok((Token::Sign(sign), length));
    }
    let name = name(rest).ok_or_else(|| format!("{first:?} cannot stand there"))?;
    let operator = ["and", "or", "div", "mod"].into_iter().find(|&operator| operator == name && operator_may_follow);
    let token = operator.map_or_else(|| Token::Name(name.to_owned()), Token::Sign);
    Ok((token, name.len()))
}

fn name(rest: &str) -> Option<&str> {
    let starts = |c: char| c.is_alphabetic() || c == '_';
    let goes_on = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '\u{b7}');
    let end = |text: &str| text.find(|c: char| !goes_on(c)).unwrap_or(text.len());
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
