//! Takes out of the tree what a caller does not want, in one walk.

use std::collections::HashSet;

use html5ever::{LocalName, local_name};
use url::Url;

use super::css::{self, Selector};
use super::{SOCIAL_MEDIA, Selection};
use crate::budget::Watch;
use crate::classify::{heading_level, is_block, is_structured};
use crate::index::{Holds, Survey};
use crate::public_suffix::registrable;
use crate::tree::{Data, Element, Id, Step, Tag, Tree};
use crate::urls::Base;
use crate::{ReadError, media, text};

impl Selection {
    /// Whether [`leave_out`] has anything to do.
    pub(crate) fn leaves_out(&self) -> bool {
        !self.excluded_tags.is_empty()
            || self.excluded_selector.is_some()
            || self.only_text
            || self.remove_forms
            || self.word_count_threshold > 1
            || self.judges_links()
            || self.judges_images()
    }

    fn judges_links(&self) -> bool {
        self.exclude_external_links || self.exclude_internal_links || self.names_domains()
    }

    fn judges_images(&self) -> bool {
        self.exclude_all_images || self.exclude_external_images || self.names_domains()
    }

    fn names_domains(&self) -> bool {
        !self.exclude_domains.is_empty() || self.exclude_social_media_links
    }
}

/// Removes elements, and takes the targets off links, as the selection says.
pub(crate) fn leave_out(
    tree: &mut Tree,
    survey: &Survey,
    base: &Base,
    selection: &Selection,
    watch: &Watch,
) -> Result<(), ReadError> {
    let judge = Judge::of(tree, survey, base, selection, watch)?;
    let (mut out, mut unlinked, mut unformatted) = (Vec::new(), Vec::new(), Vec::new());
    let mut walk = tree.walk(Id::ROOT);
    while let Some(step) = walk.next() {
        let Step::Enter(id) = step else { continue };
        let Data::Element(element) = tree.data(id) else { continue };
        watch.step()?;
        if judge.is_unwanted(id, element) {
            out.push(id);
            walk.pass_over(id);
        } else if judge.is_no_link(element) {
            unlinked.push(id);
        } else if selection.only_text && is_formatting(&element.name.local) {
            unformatted.push(id);
        }
    }
    out.into_iter().for_each(|id| tree.unlink(id));
    for element in unlinked {
        if let Some(element) = tree.element_mut(element) {
            element.attrs.retain(|attr| attr.name.local != local_name!("href"));
        }
    }
    for element in unformatted {
        if let Some(element) = tree.element_mut(element) {
            (element.tag, element.name.local) = (Tag::Span, local_name!("span"));
            element.attrs.clear();
        }
    }
    Ok(())
}

struct Judge<'a> {
    tree: &'a Tree,
    survey: &'a Survey,
    base: &'a Base,
    selection: &'a Selection,
    home: Option<&'a str>,
    tags: HashSet<LocalName>,
    matched: HashSet<usize>,
    domains: Vec<String>,
}

impl<'a> Judge<'a> {
    fn of(
        tree: &'a Tree,
        survey: &'a Survey,
        base: &'a Base,
        selection: &'a Selection,
        watch: &Watch,
    ) -> Result<Self, ReadError> {
        let mut matched = HashSet::new();
        if let Some(text) = &selection.excluded_selector {
            let selector = Selector::parse(text).map_err(ReadError::InvalidSelector)?;
            matched.extend(css::outermost(tree, &[selector], watch)?.into_iter().map(Id::index));
        }
        let tags = selection.excluded_tags.iter().map(|tag| tag.trim().to_ascii_lowercase().into()).collect();
        let mut domains: Vec<String> = selection.exclude_domains.iter().map(|domain| host_name(domain)).collect();
        if selection.exclude_social_media_links {
            domains.extend(SOCIAL_MEDIA.map(str::to_owned));
            domains.extend(selection.social_media_domains.iter().map(|domain| host_name(domain)));
        }
        domains.retain(|domain| !domain.is_empty());
        Ok(Self { tree, survey, base, selection, home: base.page().map(registrable), tags, matched, domains })
    }

    fn is_unwanted(&self, id: Id, element: &Element) -> bool {
        let selection = self.selection;
        self.matched.contains(&id.index())
            || self.tags.contains(&element.name.local)
            || selection.remove_forms && element.tag == Tag::Form
            || self.is_unwanted_image(id, element)
            || selection.word_count_threshold > 1 && self.says_little(id, element)
    }

    fn is_unwanted_image(&self, id: Id, element: &Element) -> bool {
        match element.tag {
            Tag::Picture => self.selection.exclude_all_images,
            Tag::Img | Tag::Image if self.selection.exclude_all_images => true,
            Tag::Img | Tag::Image if self.selection.judges_images() => {
                let Some(url) = media::source(self.tree, id).and_then(|src| self.base.url(src)) else { return false };
                self.selection.exclude_external_images && self.is_external(&url) || self.is_named(&url)
            }
            _ => false,
        }
    }

    fn is_no_link(&self, element: &Element) -> bool {
        if !matches!(element.tag, Tag::A | Tag::Area) || !self.selection.judges_links() {
            return false;
        }
        let url = element.attr("href").and_then(|href| self.base.url(href));
        let Some(url) = url.filter(|url| matches!(url.scheme(), "http" | "https")) else { return false };
        let out = if self.is_external(&url) {
            self.selection.exclude_external_links
        } else {
            self.selection.exclude_internal_links
        };
        out || self.is_named(&url)
    }

    fn is_external(&self, url: &Url) -> bool {
        self.home != Some(registrable(url))
    }

    fn is_named(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        self.domains
            .iter()
            .any(|domain| host.strip_suffix(domain.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
    }

    /// An innermost block of text, with fewer words than asked for.
    fn says_little(&self, id: Id, element: &Element) -> bool {
        let least = self.selection.word_count_threshold as usize;
        let tag = element.tag;
        let is_text = is_block(tag) && !is_structured(tag) && heading_level(tag).is_none();
        let is_frame = matches!(
            tag,
            Tag::Html | Tag::Body | Tag::Td | Tag::Th | Tag::Tr | Tag::Thead | Tag::Tbody | Tag::Tfoot | Tag::Caption
        );
        let holds = self.survey.holds(id);
        if !is_text || is_frame || holds.any(Holds::BLOCK | Holds::IMAGE) || !holds.any(Holds::TEXT) {
            return false;
        }
        words(&text::text_of(self.tree, id, least.saturating_mul(64).min(1 << 20))) < least
    }
}

/// Words between spaces; a character of a script that is written without spaces is one.
fn words(text: &str) -> usize {
    let dense = |c: char| matches!(c, '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}');
    text.split_whitespace().map(|word| word.chars().filter(|&c| dense(c)).count().max(1)).sum()
}

/// `Example.com` of `https://www.Example.com/`, `.example.com` and `example.com`, in lower case.
fn host_name(domain: &str) -> String {
    let domain = domain.trim().to_ascii_lowercase();
    let rest = domain.split_once("://").map_or(domain.as_str(), |(_, rest)| rest);
    let host = rest.split(['/', ':', '?']).next().unwrap_or_default().trim_matches('.');
    host.strip_prefix("www.").unwrap_or(host).to_owned()
}

/// Elements that only say how text within a line looks.
fn is_formatting(name: &str) -> bool {
    const NAMES: [&str; 23] = [
        "abbr", "b", "cite", "code", "del", "dfn", "em", "font", "i", "ins", "kbd", "mark", "q", "s", "samp", "small",
        "strike", "strong", "sub", "sup", "time", "u", "var",
    ];
    NAMES.contains(&name)
}
