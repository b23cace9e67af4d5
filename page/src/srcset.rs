//! Parses `srcset` attributes according to the HTML standard.

/// One image candidate: its URL and its width descriptor in pixels, if any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Candidate<'a> {
    pub(crate) url: &'a str,
    pub(crate) width: Option<u32>,
}

/// The candidates of a `srcset`. A URL may contain commas; it ends at white space or at trailing commas.
pub(crate) fn candidates(srcset: &str) -> impl Iterator<Item = Candidate<'_>> {
    let mut rest = srcset;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == ',');
        if rest.is_empty() {
            return None;
        }
        let (url, after) = rest.split_at(rest.find(|c: char| c.is_ascii_whitespace()).unwrap_or(rest.len()));
        let bare = url.trim_end_matches(',');
        if bare.len() < url.len() {
            rest = after;
            return Some(Candidate { url: bare, width: None });
        }
        let (descriptors, after) = after.split_once(',').unwrap_or((after, ""));
        rest = after;
        let width = descriptors.split_ascii_whitespace().find_map(|part| part.strip_suffix('w')?.parse().ok());
        Some(Candidate { url, width })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_are_split_by_commas() {
        for (srcset, expected) in [
            ("a.jpg", vec![("a.jpg", None)]),
            ("a.jpg 1x, b.jpg 2x", vec![("a.jpg", None), ("b.jpg", None)]),
            (" a.jpg 480w,\n b.jpg 800w ,", vec![("a.jpg", Some(480)), ("b.jpg", Some(800))]),
            ("/w_1,h_2/a.jpg 10w, /b 20w", vec![("/w_1,h_2/a.jpg", Some(10)), ("/b", Some(20))]),
            ("a.jpg, b.jpg", vec![("a.jpg", None), ("b.jpg", None)]),
            (",,", vec![]),
            ("", vec![]),
        ] {
            let found: Vec<_> = candidates(srcset).map(|candidate| (candidate.url, candidate.width)).collect();
            assert_eq!(found, expected, "{srcset}");
        }
    }
}
