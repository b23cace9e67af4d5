//! The warning for a key that is not in the table.

use super::key::Section;
use super::table::{find, keys};

/// Longer names are not compared with known keys.
const MAX_COMPARED_BYTES: usize = 48;
/// Edits between a name and the known key that is suggested for it.
const MAX_DISTANCE: usize = 3;

/// Names the section that has the key, or the nearest known key.
pub fn reason(section: Section, name: &str) -> String {
    if let Some(owner) = Section::ALL.into_iter().find(|other| find(*other, name).is_some()) {
        return format!("unknown key here; it belongs in `{}`", owner.path());
    }
    match nearest(section, name) {
        Some(near) => format!("unknown key; is `{near}` meant?"),
        None => "unknown key".to_owned(),
    }
}

fn nearest(section: Section, name: &str) -> Option<&'static str> {
    if name.len() > MAX_COMPARED_BYTES {
        return None;
    }
    let lower = name.to_lowercase();
    let distance = |known: &'static str| (strsim::damerau_levenshtein(&lower, known), known);
    let near = keys(section).iter().map(|key| distance(key.name)).min()?;
    (near.0 <= MAX_DISTANCE.min(near.1.len() / 2)).then_some(near.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_key_or_section_is_named() {
        let page = "unknown key; is `page_timeout` meant?";
        assert_eq!(reason(Section::Crawler, "page_time_out"), page);
        assert_eq!(reason(Section::Crawler, "PAGE_TIMEOUT"), page);
        assert_eq!(reason(Section::Crawler, "headless"), "unknown key here; it belongs in `browser_config`");
        assert_eq!(reason(Section::Crawler, "something_else_entirely"), "unknown key");
        assert_eq!(reason(Section::Crawler, &"x".repeat(100_000)), "unknown key");
        assert_eq!(reason(Section::Crawler, "ü"), "unknown key");
    }
}
