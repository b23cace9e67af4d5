//! A configuration that is accepted is printed so that it loads again, and means the same.

use crate::settings::{Source, load_source};

/// A key of chance: that of the configuration is printed as `***`, which nobody would accept.
const KEY: &str = "0123456789abcdef0123456789abcdef";

/// `text` as the content of `config.yml`.
///
/// # Panics
/// Where it is accepted and cannot be had again from what `opilio config` prints, and where it is refused without a word.
pub fn configuration(text: &str) {
    let loaded = match load_source(Some(&source(text)), &[], &[]) {
        Ok(loaded) => loaded,
        Err(refusal) => return assert!(!refusal.to_string().is_empty()),
    };
    let key = loaded.settings.security.secret_key.as_ref().map(|_| ("SECRET_KEY".to_owned(), KEY.to_owned()));
    let printed = loaded.report();
    let again = load_source(Some(&source(&printed)), key.as_slice(), &[]);
    let again = again.unwrap_or_else(|refusal| panic!("what was printed is refused: {refusal}\n{printed}"));
    let again = again.report();
    assert!(values(&printed).eq(values(&again)), "{printed}\nbecame\n{again}");
}

fn source(text: &str) -> Source {
    Source { name: "config.yml".to_owned(), text: text.to_owned() }
}

/// Without where they came from.
fn values(report: &str) -> impl Iterator<Item = &str> {
    report.lines().map(|line| line.rsplit_once(" # ").map_or(line, |(value, _)| value).trim_end())
}
