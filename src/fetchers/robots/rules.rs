//! The rules of a robots.txt (RFC 9309). Own code, because the parsers on crates.io are unmaintained.

use std::time::Duration;

use url::Url;

#[derive(Debug, Default)]
pub struct Rules {
    groups: Vec<Group>,
}

#[derive(Debug, Default)]
struct Group {
    /// Lower case.
    agents: Vec<String>,
    rules: Vec<Rule>,
    delay: Option<Duration>,
}

#[derive(Debug)]
struct Rule {
    allow: bool,
    pattern: String,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    pub allowed: bool,
    pub delay: Option<Duration>,
}

impl Rules {
    /// Unknown lines are ignored.
    pub fn parse(text: &str) -> Self {
        let mut groups: Vec<Group> = Vec::new();
        let mut names_agents = false;
        for line in text.trim_start_matches('\u{feff}').split(['\n', '\r']) {
            let line = line.split('#').next().unwrap_or_default();
            let Some((key, value)) = key_and_value(line) else { continue };
            let key = key.to_ascii_lowercase();
            if key == "user-agent" {
                if !names_agents {
                    groups.push(Group::default());
                }
                names_agents = true;
                if let Some(group) = groups.last_mut() {
                    group.agents.push(first_token(value).to_lowercase());
                }
                continue;
            }
            let Some(group) = groups.last_mut() else { continue };
            match key.as_str() {
                "allow" | "disallow" => {
                    names_agents = false;
                    if !value.is_empty() {
                        group.rules.push(Rule { allow: key == "allow", pattern: normalized(value) });
                    }
                }
                "crawl-delay" => {
                    names_agents = false;
                    let seconds = value.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
                    group.delay = seconds.filter(|delay| !delay.is_zero());
                }
                _ => {}
            }
        }
        Self { groups }
    }

    /// The rules for this `User-Agent` and URL. All groups with the longest matching name apply; without one, those for `*`.
    pub fn verdict(&self, agent: &str, url: &Url) -> Verdict {
        let products = product_tokens(agent);
        let specificity = |name: &str| {
            if name == "*" { Some(0) } else { products.iter().any(|product| product == name).then_some(name.len()) }
        };
        let matched = |group: &Group| group.agents.iter().filter_map(|name| specificity(name)).max();
        let best = self.groups.iter().filter_map(matched).max();
        let mut applicable = self.groups.iter().filter(|group| best.is_some() && matched(group) == best);
        let delay = applicable.clone().find_map(|group| group.delay);
        let mut path = url.path().to_owned();
        if let Some(query) = url.query() {
            path.extend(["?", query]);
        }
        let path = normalized(&path);
        let matching = applicable.by_ref().flat_map(|group| &group.rules).filter(|rule| matches(&rule.pattern, &path));
        // The longest pattern decides; of two with equal length, `Allow`.
        let rule = matching.max_by_key(|rule| (rule.pattern.len(), rule.allow));
        Verdict { allowed: path == "/robots.txt" || rule.is_none_or(|rule| rule.allow), delay }
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
        Rules::parse(text).verdict(AGENT, &url).allowed
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
            let rules = Rules::parse(&format!("User-agent: {name}\nDisallow: /"));
            assert_eq!(rules.verdict(agent, &url).allowed, !applies, "{agent} {name}");
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
        let url = Url::parse("https://a.example/").unwrap();
        let delay = |text: &str| Rules::parse(text).verdict(AGENT, &url).delay;
        assert_eq!(delay("User-agent: *\nCrawl-delay: 1.5"), Some(Duration::from_millis(1500)));
        assert_eq!(delay("User-agent: x\nCrawl-delay: 9\nUser-agent: *\nDisallow:"), None);
        for invalid in ["-1", "x", "NaN", "1e99", "0"] {
            assert_eq!(delay(&format!("User-agent: *\nCrawl-delay: {invalid}")), None, "{invalid}");
        }
    }
}
