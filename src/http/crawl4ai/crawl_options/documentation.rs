//! Generates `docs/crawl-options.md`, and the rejected keys in `docs/migrating-from-crawl4ai.md`, from the table.

use serde_json::json;

use super::key::{Class, Key, Kind, Section};
use super::table::keys;

const INTRODUCTION: &str = "\
# Crawl options

`browser_config` and `crawler_config` of a request accept the keys of Crawl4AI 0.9.2 (`BrowserConfig`,
`CrawlerRunConfig`). Each key is in one of three classes:

- **Honoured**: it has an effect.
- **Without effect**: it is accepted and listed with the reason in `warnings` of the response and of the job's status.
  So are unknown keys.
- **Rejected**: the response is a `400` that names the key, the reason and the alternative, because the key changes what
  the job returns, or because a request may not set it.

A key with its default value, or with another value that is marked as harmless, is never rejected and gives no warning.
A rejected key may also be empty. `null` means absent. For an absent key, the server's configuration applies.

A configuration is flat, `{\"page_timeout\": 5000}`, or typed,
`{\"type\": \"CrawlerRunConfig\", \"params\": {…}}`. An object may be written
`{\"type\": \"dict\", \"value\": {…}}`, an enumeration `{\"type\": \"CacheMode\", \"params\": \"bypass\"}`, a number or a
boolean as a string, and a list of one entry as that entry. A list of names may also be separated by commas. A value of
another type, or a type name that an honoured key does not have, is a `422`.

This page is generated from the table of keys in the source code.
";

/// The page as Markdown.
pub fn documentation() -> String {
    let mut page = INTRODUCTION.to_owned();
    for section in Section::ALL {
        let kind = section.type_name().map(|name| format!(" (`{name}`)")).unwrap_or_default();
        page.push_str(&format!("\n## `{}`{kind}\n", section.path()));
        for (title, is_in) in CLASSES {
            write_class(&mut page, title, keys(section).iter().filter(|key| is_in(&key.class)));
        }
    }
    page
}

type IsInClass = fn(&Class) -> bool;

const CLASSES: [(&str, IsInClass); 3] = [
    ("Honoured", |class| matches!(class, Class::Honoured(_) | Class::Nested(_))),
    ("Without effect", |class| matches!(class, Class::WithoutEffect(_) | Class::WithoutEffectUnless(..))),
    ("Rejected", |class| matches!(class, Class::Rejected(_))),
];

fn write_class<'k>(page: &mut String, title: &str, keys: impl Iterator<Item = &'k Key>) {
    let mut keys = keys.peekable();
    let Some(first) = keys.peek() else { return };
    let (reason, line) = match first.class {
        Class::Honoured(_) | Class::Nested(_) => ("", "|---|---|---|---|"),
        _ => (" reason |", "|---|---|---|---|---|"),
    };
    page.push_str(&format!("\n### {title}\n\n| key | type | default | meaning |{reason}\n{line}\n"));
    for key in keys {
        write_key(page, key);
    }
}

fn write_key(page: &mut String, key: &Key) {
    let mut default = String::new();
    for (index, text) in key.harmless.iter().enumerate().filter(|(index, text)| *index == 0 || **text != "null") {
        let before = ["", "; harmless: ", ", "][index.min(2)];
        default.push_str(&format!("{before}`{text}`"));
    }
    page.push_str(&format!("| `{}` | {} | {default} | {} |", key.name, kind(key.kind), key.about));
    if let Class::WithoutEffect(reason) | Class::WithoutEffectUnless(reason, _) | Class::Rejected(reason) = key.class {
        page.push_str(&format!(" {reason} |"));
    }
    page.push('\n');
}

fn kind(kind: Kind) -> String {
    let quoted = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match kind {
        Kind::Bool => "boolean".to_owned(),
        Kind::Integer => "integer".to_owned(),
        Kind::Number => "number".to_owned(),
        Kind::Text => "string".to_owned(),
        Kind::TextOrList => "string, or a list of strings".to_owned(),
        Kind::List => "list".to_owned(),
        Kind::Object => "object".to_owned(),
        Kind::Enum(name, values) => format!("`{name}`: {}", quoted(values)),
        Kind::Typed(names) => quoted(names),
    }
}

/// The rejected keys and types by reason, as a table in Markdown.
pub fn rejections() -> String {
    let mut by_reason: Vec<(&str, Vec<String>)> = Vec::new();
    let mut add = |reason: &'static str, name: String| match by_reason.iter_mut().find(|(known, _)| *known == reason) {
        Some((_, names)) => names.push(name),
        None => by_reason.push((reason, vec![name])),
    };
    for section in Section::ALL {
        for key in keys(section) {
            match (key.class, key.kind) {
                (Class::Rejected(reason), _) => add(reason, format!("`{}.{}`", section.path(), key.name)),
                (Class::WithoutEffectUnless(_, rejection), Kind::Typed(names)) => {
                    for name in names {
                        if let Some(reason) = rejection(&json!({"type": name})) {
                            add(reason, format!("`{name}`"));
                        }
                    }
                }
                _ => {}
            }
        }
    }
    let row = |(reason, names): &(&str, Vec<String>)| format!("| {} | {reason} |\n", names.join(", "));
    format!("| key or type | reason |\n|---|---|\n{}", by_reason.iter().map(row).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Enclose the table in `docs/migrating-from-crawl4ai.md`.
    const BEGIN: &str = "<!-- The table of rejected keys is generated from the source code. -->\n\n";
    const END: &str = "\n<!-- End of the generated table. -->\n";

    fn is_update() -> bool {
        std::env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1")
    }

    /// `UPDATE_DOCS=1` writes the table.
    #[test]
    fn rejected_keys_in_the_repository_are_up_to_date() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/migrating-from-crawl4ai.md");
        let page = std::fs::read_to_string(path).unwrap();
        let (before, rest) = page.split_once(BEGIN).expect("the page has the first mark");
        let (table, after) = rest.split_once(END).expect("the page has the second mark");
        if is_update() {
            return std::fs::write(path, format!("{before}{BEGIN}{}{END}{after}", rejections())).unwrap();
        }
        assert!(table == rejections(), "{path} is out of date; run this test with UPDATE_DOCS=1");
    }

    #[test]
    fn every_rejected_key_is_in_the_table_with_its_reason() {
        let table = rejections();
        for section in Section::ALL {
            for key in keys(section) {
                let Class::Rejected(reason) = key.class else { continue };
                let name = format!("`{}.{}`", section.path(), key.name);
                let row = table.lines().find(|line| line.contains(&name));
                assert!(row.is_some_and(|row| row.contains(reason)), "{name}");
            }
        }
    }

    /// `UPDATE_DOCS=1` writes the page.
    #[test]
    fn page_in_the_repository_is_up_to_date() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/crawl-options.md");
        if is_update() {
            std::fs::write(path, documentation()).unwrap();
        }
        let page = std::fs::read_to_string(path).unwrap_or_default();
        assert!(page == documentation(), "{path} is out of date; run this test with UPDATE_DOCS=1");
    }

    #[test]
    fn page_contains_every_key() {
        let page = documentation();
        for key in Section::ALL.into_iter().flat_map(keys) {
            assert!(page.contains(&format!("| `{}` | ", key.name)), "{}", key.name);
        }
    }
}
