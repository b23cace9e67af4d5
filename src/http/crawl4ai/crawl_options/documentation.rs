//! Writes the table out as the page `docs/crawl-options.md`.

use super::table::{Class, Key, Kind, Section};

const INTRODUCTION: &str = "\
# What a crawl job may ask for

`browser_config` and `crawler_config` of a request take the keys of Crawl4AI 0.9.2 (`BrowserConfig`,
`CrawlerRunConfig`). Each key is in one of three classes:

- **honoured**: it does what it says.
- **without effect**: accepted, and named with the reason in `warnings` of the answer and of the job's status. Keys that
  are not listed here are treated so, too.
- **refused**: the answer is `422` with the reason, because doing without would change the meaning of the job, or
  because it may not come over the network.

A key at its default, or with a value listed beside it as harmless, is never refused and never warned about; nor is a
refused key with an empty value. `null` is absent. What is absent is the operator's choice.

A configuration is flat, `{\"page_timeout\": 5000}`, or typed,
`{\"type\": \"CrawlerRunConfig\", \"params\": {…}}`. A dictionary may also be written
`{\"type\": \"dict\", \"value\": {…}}`, an enumeration `{\"type\": \"CacheMode\", \"params\": \"bypass\"}`. A type name
that does not belong to its key is a `422`.

This page is generated from the table that the server itself uses.
";

/// The whole page, as Markdown.
pub fn documentation() -> String {
    let mut page = INTRODUCTION.to_owned();
    for section in Section::ALL {
        let kind = section.type_name().map(|name| format!(" (`{name}`)")).unwrap_or_default();
        page.push_str(&format!("\n## `{}`{kind}\n", section.path()));
        for (title, belongs) in CLASSES {
            write_class(&mut page, title, section.keys().iter().filter(|key| belongs(&key.class)));
        }
    }
    page
}

type Belongs = fn(&Class) -> bool;

const CLASSES: [(&str, Belongs); 3] = [
    ("Honoured", |class| matches!(class, Class::Honoured(_))),
    ("Without effect", |class| matches!(class, Class::WithoutEffect(_))),
    ("Refused", |class| matches!(class, Class::Refused(_))),
];

fn write_class<'k>(page: &mut String, title: &str, keys: impl Iterator<Item = &'k Key>) {
    let mut keys = keys.peekable();
    let Some(first) = keys.peek() else { return };
    let (reason, line) = match first.class {
        Class::Honoured(_) => ("", "|---|---|---|---|"),
        _ => (" why |", "|---|---|---|---|---|"),
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
    if let Class::WithoutEffect(reason) | Class::Refused(reason) = key.class {
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
        Kind::Text => "text".to_owned(),
        Kind::TextOrList => "text, or a list of texts".to_owned(),
        Kind::List => "list".to_owned(),
        Kind::Object => "object".to_owned(),
        Kind::Enum(name, values) => format!("`{name}`: {}", quoted(values)),
        Kind::Typed(names) => quoted(names),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `UPDATE_DOCS=1` writes the page anew.
    #[test]
    fn the_page_in_the_repository_is_what_the_table_says() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/crawl-options.md");
        if std::env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1") {
            std::fs::write(path, documentation()).unwrap();
        }
        let page = std::fs::read_to_string(path).unwrap_or_default();
        assert!(page == documentation(), "{path} is out of date; run this test with UPDATE_DOCS=1");
    }

    #[test]
    fn every_key_is_on_the_page() {
        let page = documentation();
        for key in Section::ALL.iter().flat_map(|section| section.keys()) {
            assert!(page.contains(&format!("| `{}` | ", key.name)), "{}", key.name);
        }
    }
}
