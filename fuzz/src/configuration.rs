//! A configuration file.

use opilio::settings::{Source, load_source};

/// `opilio config` prints a secret key as `***`, which is not a valid key.
const SECRET_KEY: &str = "0123456789abcdef0123456789abcdef";

/// A valid configuration, printed by `opilio config`, loads again with the same values. An invalid one has an error message.
///
/// # Panics
/// If the property does not hold for the file content `text`.
pub fn configuration(text: &str) {
    let loaded = match load_source(Some(&source(text)), &[], &[]) {
        Ok(loaded) => loaded,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let key = loaded.settings.security.secret_key.as_ref().map(|_| ("SECRET_KEY".to_owned(), SECRET_KEY.to_owned()));
    let printed = loaded.report();
    let reloaded = load_source(Some(&source(&printed)), key.as_slice(), &[]);
    let reloaded = reloaded.unwrap_or_else(|error| panic!("the report does not load: {error}\n{printed}"));
    let reprinted = reloaded.report();
    assert!(values(&printed).eq(values(&reprinted)), "{printed}\nbecame\n{reprinted}");
}

fn source(text: &str) -> Source {
    Source { name: "config.yml".to_owned(), text: text.to_owned() }
}

/// The lines of a report without the origins.
fn values(report: &str) -> impl Iterator<Item = &str> {
    report.lines().map(|line| line.rsplit_once(" # ").map_or(line, |(value, _)| value).trim_end())
}
