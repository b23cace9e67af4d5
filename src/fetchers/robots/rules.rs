//! The rules of a robots.txt (RFC 9309). Own code, because the parsers on crates.io are unmaintained.

use std::time::Duration;

use url::Url;

/// Rules of one site for one agent; further ones are ignored.
const MAX_RULES: usize = 10_000;
/// Asterisks of one pattern. A pattern with more matches every path that its beginning matches.
const MAX_ASTERISKS: usize = 32;
/// Bytes of the patterns times bytes of the path that are matched in less than a millisecond.
const FAST_WORK: usize = 1 << 20;

/// The rules of a site for one agent.
#[derive(Debug, Default)]
pub struct Rules {
    rules: Vec<Rule>,
    pub delay: Option<Duration>,
    /// Of all patterns.
    pattern_bytes: usize,
}

#[derive(Debug)]
struct Rule {
    allow: bool,
    pattern: Box<str>,
}

/// Collects the groups that apply to an agent: those with its longest name, or else those for `*`.
struct Parser {
    /// The product tokens of the agent.
    products: Vec<String>,
    /// The length of the longest name of the agent so far; 0 for `*`.
    best: Option<usize>,
    applicable: Rules,
    /// The length of the name of the agent in the current group; `None`: the group does not apply.
    current: Option<usize>,
}

impl Rules {
    /// The rules for this `User-Agent`. Unknown lines are ignored.
    pub fn parse(text: &str, agent: &str) -> Self {
        let products = product_tokens(agent);
        let mut parser = Parser { products, best: None, applicable: Self::default(), current: None };
        let mut names_agents = false;
        for line in text.trim_start_matches('\u{feff}').split(['\n', '\r']) {
            let line = line.split('#').next().unwrap_or_default();
            let Some((key, value)) = key_and_value(line) else { continue };
            let key = key.to_ascii_lowercase();
            match key.as_str() {
                "user-agent" => {
                    if !names_agents {
                        parser.current = None;
                    }
                    names_agents = true;
                    parser.name(first_token(value));
                }
                "allow" | "disallow" => {
                    names_agents = false;
                    if let Some(rules) = parser.rules().filter(|_| !value.is_empty()) {
                        rules.push(key == "allow", value);
                    }
                }
                "crawl-delay" => {
                    names_agents = false;
                    let seconds = value.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
                    if let Some(rules) = parser.rules().filter(|rules| rules.delay.is_none()) {
                        rules.delay = seconds.filter(|delay| !delay.is_zero());
                    }
                }
                _ => {}
            }
        }
        let mut rules = parser.applicable;
        rules.rules.shrink_to_fit();
        rules
    }

    fn push(&mut self, allow: bool, pattern: &str) {
        let pattern = normalized(pattern);
        let excess = pattern.match_indices('*').nth(MAX_ASTERISKS).map(|(at, _)| at);
        // Without its end a pattern matches more: right for `Disallow`, too much for `Allow`.
        if self.rules.len() == MAX_RULES || allow && excess.is_some() {
            return;
        }
        let pattern = &pattern[..excess.unwrap_or(pattern.len())];
        self.pattern_bytes += pattern.len();
        self.rules.push(Rule { allow, pattern: pattern.into() });
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        self.pattern_bytes + self.rules.len() * size_of::<Rule>()
    }

    /// Whether [`Self::allows`] takes less than a millisecond.
    pub fn is_fast(&self, url: &Url) -> bool {
        self.pattern_bytes.saturating_mul(url.as_str().len()) <= FAST_WORK
    }

    /// Whether the agent may request the URL. The time is linear in the length of the URL for each rule.
    pub fn allows(&self, url: &Url) -> bool {
        let mut path = url.path().to_owned();
        if let Some(query) = url.query() {
            path.extend(["?", query]);
        }
        let path = normalized(&path);
        let matching = self.rules.iter().filter(|rule| matches(&rule.pattern, &path));
        // The longest pattern decides; of two with equal length, `Allow`.
        let rule = matching.max_by_key(|rule| (rule.pattern.len(), rule.allow));
        path == "/robots.txt" || rule.is_none_or(|rule| rule.allow)
    }
}

impl Parser {
    /// Adds a name to the current group. A longer name than before replaces the rules so far.
    fn name(&mut self, name: &str) {
        let name = name.to_lowercase();
        let length = match name.as_str() {
            "*" => 0,
            name if self.products.iter().any(|product| product == name) => name.len(),
            _ => return,
        };
        self.current = self.current.max(Some(length));
        if self.current > self.best {
            self.best = self.current;
            self.applicable = Rules::default();
        }
    }

    /// The rules, if the current group applies.
    fn rules(&mut self) -> Option<&mut Rules> {
        (self.current.is_some() && self.current == self.best).then_some(&mut self.applicable)
    }
}

/// A line's key and value. Without a colon, a line of two words has its value after the space.
fn key_and_value(line: &str) -> Option<(&str, &str)> {
    if let Some((key, value)) = line.split_once(':') {
        return Some((key.trim(), value.trim()));
    }
    let mut words = line.split_whitespace();
    let pair = (words.next()?, words.next()?);
    words.next().is_none().then_some(pair)
}

/// The product token at the start of a `User-agent` value, or of a part of a `User-Agent` header: up to a space or a
/// version.
fn first_token(value: &str) -> &str {
    value.split(|c: char| c.is_whitespace() || c == '/').next().unwrap_or_default()
}

/// The product tokens of a `User-Agent` header in lower case: `opilio` for `Mozilla/5.0 (compatible; Opilio/0.1)`.
/// `Mozilla`, which nearly every client sends, counts only alone.
fn product_tokens(agent: &str) -> Vec<String> {
    let parts = agent.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ';' | ','));
    let tokens = parts.map(first_token).filter(|token| !token.is_empty() && !token.contains([':', '+', '@']));
    let mut tokens: Vec<String> = tokens.map(str::to_lowercase).collect();
    if tokens.len() > 1 {
        tokens.retain(|token| !matches!(token.as_str(), "mozilla" | "compatible"));
    }
    tokens
}

/// `*` matches any characters; a trailing `$` matches the end.
fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, whole) = pattern.strip_suffix('$').map_or((pattern, false), |pattern| (pattern, true));
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = path.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let last = if whole { parts.pop() } else { None };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    match last {
        Some(last) => rest.ends_with(last),
        None => !whole || rest.is_empty(),
    }
}

/// Percent-encodes non-ASCII characters, with upper-case digits, so that patterns and paths are comparable.
fn normalized(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut digits = 0;
    for byte in text.bytes() {
        if !byte.is_ascii() {
            out.push_str(&format!("%{byte:02X}"));
        } else {
            out.push(if digits > 0 { byte.to_ascii_uppercase() } else { byte }.into());
            digits = if byte == b'%' { 2 } else { digits - i32::from(digits > 0) };
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGENT: &str = "Mozilla/5.0 (compatible; Opilio/0.1)";

    fn allowed(text: &str, path: &str) -> bool {
        let url = Url::parse("https://a.example").unwrap().join(path).unwrap();
        Rules::parse(text, AGENT).allows(&url)
    }

    #[test]
    fn longest_rule_of_most_specific_group_decides() {
        for (text, path, expected) in [
            ("", "/a", true),
            ("User-agent: *\nDisallow: /", "/a", false),
            ("User-agent: *\nDisallow:", "/a", true),
            ("user-AGENT : * # all\r\nDISALLOW: /a # b", "/ab?c", false),
            ("User-agent: *\nDisallow: /a", "/b", true),
            ("User-agent: *\nDisallow: /a\nAllow: /a/b", "/a/b/c", true),
            ("User-agent: *\nAllow: /a\nDisallow: /a", "/a", true),
            ("User-agent: *\nDisallow: /\nUser-agent: opilio\nAllow: /", "/a", true),
            ("User-agent: other\nUser-agent: Opilio\nDisallow: /a\n\nUser-agent: *\nDisallow: /", "/b", true),
            ("User-agent: opilio\nDisallow: /a\nUser-agent: opilio\nDisallow: /b", "/b", false),
            ("User-agent: other\nDisallow: /", "/a", true),
            ("User-agent: *\nDisallow: /*.pdf$", "/x/y.pdf", false),
            ("User-agent: *\nDisallow: /*.pdf$", "/x/y.pdf?z", true),
            ("User-agent: *\nDisallow: /a*b*c", "/a1b2c3", false),
            ("User-agent: *\nDisallow: /a$", "/ab", true),
            ("User-agent: *\nDisallow: /?q=", "/?q=1", false),
            ("User-agent: *\nDisallow: /ü", "/%c3%bc", false),
            ("User-agent: *\nDisallow: /", "/robots.txt", true),
            ("Disallow: /\nnonsense\nSitemap: x", "/a", true),
            ("\u{feff}User-agent: *\nSitemap: y\nDisallow: /a", "/a", false),
        ] {
            assert_eq!(allowed(text, path), expected, "{text} {path}");
        }
    }

    #[test]
    fn groups_apply_by_product_token() {
        let url = Url::parse("https://a.example/a").unwrap();
        for (agent, name, applies) in [
            (AGENT, "opilio", true),
            (AGENT, "Opilio/0.1", true),
            (AGENT, "OPILIO beta", true),
            (AGENT, "opil", false),
            (AGENT, "Mozilla", false),
            (AGENT, "*", true),
            (AGENT, "* all", true),
            ("Robotto/1.0", "bot", false),
            ("MyBot/1.0 (+http://bot.example)", "mybot", true),
            ("MyBot/1.0 (+http://bot.example)", "bot", false),
            ("MyBot", "my", false),
            ("archive.org_bot", "archive.org_bot", true),
            ("Mozilla/5.0 (X11; Linux) Chrome/130.0 Safari/537", "chrome", true),
            ("Mozilla/5.0", "mozilla", true),
        ] {
            let rules = Rules::parse(&format!("User-agent: {name}\nDisallow: /"), agent);
            assert_eq!(rules.allows(&url), !applies, "{agent} {name}");
        }
    }

    #[test]
    fn lines_without_a_colon_are_read() {
        assert!(!allowed("User-agent *\nDisallow /a", "/a"));
        assert!(allowed("User-agent *\nDisallow /a b", "/a"));
        assert!(allowed("User-agent\n*\nDisallow\n/", "/a"));
    }

    #[test]
    fn crawl_delay_is_that_of_the_group() {
        let delay = |text: &str| Rules::parse(text, AGENT).delay;
        assert_eq!(delay("User-agent: *\nCrawl-delay: 1.5"), Some(Duration::from_millis(1500)));
        assert_eq!(delay("User-agent: x\nCrawl-delay: 9\nUser-agent: *\nDisallow:"), None);
        for invalid in ["-1", "x", "NaN", "1e99", "0"] {
            assert_eq!(delay(&format!("User-agent: *\nCrawl-delay: {invalid}")), None, "{invalid}");
        }
    }

    #[test]
    fn only_applicable_rules_are_kept_and_their_number_is_limited() {
        let other = "User-agent: other\n".to_owned() + &"Disallow: /x\n".repeat(20_000);
        let rules = Rules::parse(&(other + "User-agent: *\nDisallow: /a\n"), AGENT);
        assert_eq!((rules.rules.len(), rules.pattern_bytes), (1, 2));
        let many = "User-agent: *\n".to_owned() + &"Disallow: /*a*b\n".repeat(30_000);
        let rules = Rules::parse(&many, AGENT);
        assert!(rules.rules.len() == MAX_RULES && rules.bytes() < 1 << 20, "{}", rules.bytes());
        let url = Url::parse(&format!("https://a.example/{}", "x".repeat(8000))).unwrap();
        assert!(!rules.is_fast(&url) && rules.allows(&url));
    }

    #[test]
    fn pattern_with_many_asterisks_is_cut_for_disallow_and_ignored_for_allow() {
        let pattern = format!("/{}z$", "*a".repeat(40));
        let path = format!("/{}", "a".repeat(35));
        assert!(!allowed(&format!("User-agent: *\nDisallow: {pattern}"), &path));
        assert!(!allowed(&format!("User-agent: *\nDisallow: /\nAllow: {pattern}"), &path));
    }
}
