//! What is said about a key that is not in the table.

use super::table::Section;

/// Longer names are not compared with those of the table.
const MAX_COMPARED: usize = 48;
/// Typing mistakes that a name may be away from the one that was meant.
const MAX_DISTANCE: usize = 3;

/// Names the nearest known key of the section, or the section that does have the key.
pub fn reason(section: Section, name: &str) -> String {
    if let Some(owner) = Section::ALL.into_iter().find(|other| other.entry(name).is_some()) {
        return format!("unknown key here; it belongs in `{}`", owner.path());
    }
    match nearest(section, name) {
        Some(near) => format!("unknown key; the nearest known one is `{near}`"),
        None => "unknown key".to_owned(),
    }
}

fn nearest(section: Section, name: &str) -> Option<&'static str> {
    if name.len() > MAX_COMPARED {
        return None;
    }
    let lower = name.to_lowercase();
    let distance = |known: &'static str| (strsim::damerau_levenshtein(&lower, known), known);
    let near = section.keys().iter().map(|key| distance(key.name)).min()?;
    (near.0 <= MAX_DISTANCE.min(near.1.len() / 2)).then_some(near.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_key_is_named_or_the_place_where_it_belongs() {
        let page = "unknown key; the nearest known one is `page_timeout`";
        assert_eq!(reason(Section::Crawler, "page_time_out"), page);
        assert_eq!(reason(Section::Crawler, "PAGE_TIMEOUT"), page);
        assert_eq!(reason(Section::Crawler, "headless"), "unknown key here; it belongs in `browser_config`");
        assert_eq!(reason(Section::Crawler, "something_else_entirely"), "unknown key");
        assert_eq!(reason(Section::Crawler, &"x".repeat(100_000)), "unknown key");
        assert_eq!(reason(Section::Crawler, "ü"), "unknown key");
    }
}
