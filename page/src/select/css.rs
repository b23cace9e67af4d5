//! CSS selectors over our own tree: parsed and matched by the `selectors` crate, as Firefox matches them.

use std::collections::HashSet;
use std::fmt;

use cssparser::{ParseError, ToCss};
use html5ever::{LocalName, Namespace, ns};
use precomputed_hash::PrecomputedHash;
use selectors::attr::{AttrSelectorOperation, CaseSensitivity, NamespaceConstraint};
use selectors::bloom::BloomFilter;
use selectors::matching::{
    ElementSelectorFlags, MatchingContext, MatchingForInvalidation, MatchingMode, NeedsSelectorFlags, QuirksMode,
    SelectorCaches, matches_selector,
};
use selectors::parser::{
    NonTSPseudoClass, ParseRelative, Parser, PseudoElement, SelectorImpl, SelectorList, SelectorParseErrorKind,
};
use selectors::{Element as Matched, OpaqueElement};

use crate::budget::Watch;
use crate::limits::MAX_SELECTOR_BYTES;
use crate::tree::{Data, Element, Id, Step, Tree};
use crate::{ReadError, text};

/// One or more selectors, separated by commas.
pub(crate) struct Selector {
    list: SelectorList<Names>,
}

impl Selector {
    /// Beside what browsers know, `:contains("text")` (also `:-soup-contains`) matches elements by their text, and a
    /// selector may begin with a combinator (`> li`), which then starts at the element that is searched.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_SELECTOR_BYTES {
            return Err(format!("is longer than {MAX_SELECTOR_BYTES} bytes"));
        }
        let text = text.trim();
        let scoped = format!(":scope {text}");
        let text = if text.starts_with(['>', '+', '~']) { &scoped } else { text };
        let list = SelectorList::parse(&Grammar, &mut cssparser::Parser::new(text), ParseRelative::No);
        list.map(|list| Self { list }).map_err(|_| "is no CSS selector".to_owned())
    }

    /// What of `top` matches, `top` itself excluded, in the page's order, at most `most`.
    pub(crate) fn all(&self, tree: &Tree, top: Id, most: usize, watch: &Watch) -> Result<Vec<Id>, ReadError> {
        let mut caches = SelectorCaches::default();
        let mut found = Vec::new();
        for id in tree.descendants(top).skip(1) {
            if tree.element(id).is_some() {
                watch.check()?;
                if self.matches(tree, id, Some(top), &mut caches) {
                    found.push(id);
                    if found.len() == most {
                        break;
                    }
                }
            }
        }
        Ok(found)
    }

    pub(crate) fn matches(&self, tree: &Tree, id: Id, scope: Option<Id>, caches: &mut SelectorCaches) -> bool {
        let mut context = MatchingContext::new(
            MatchingMode::Normal,
            None,
            caches,
            QuirksMode::NoQuirks,
            NeedsSelectorFlags::No,
            MatchingForInvalidation::No,
        );
        context.scope_element = scope.and_then(|id| tree.element(id)).map(OpaqueElement::new);
        let spot = Spot { tree, id };
        self.list.slice().iter().any(|selector| matches_selector(selector, 0, None, spot, &mut context))
    }
}

/// What any of the selectors matches, in the page's order, without what lies within another match.
pub(crate) fn outermost(tree: &Tree, selectors: &[Selector], watch: &Watch) -> Result<Vec<Id>, ReadError> {
    let mut matched = HashSet::new();
    for selector in selectors {
        matched.extend(selector.all(tree, Id::ROOT, usize::MAX, watch)?.into_iter().map(Id::index));
    }
    let mut found = Vec::new();
    let mut walk = tree.walk(Id::ROOT);
    while let Some(step) = walk.next() {
        if let Step::Enter(id) = step
            && matched.contains(&id.index())
        {
            found.push(id);
            walk.pass_over(id);
        }
    }
    Ok(found)
}

struct Grammar;

impl<'i> Parser<'i> for Grammar {
    type Impl = Names;
    type Error = SelectorParseErrorKind;

    fn parse_is_and_where(&self) -> bool {
        true
    }

    fn parse_has(&self) -> bool {
        true
    }

    fn parse_nth_child_of(&self) -> bool {
        true
    }

    fn parse_non_ts_functional_pseudo_class(
        &self,
        name: &str,
        parser: &mut cssparser::Parser<'i>,
        _after_part: bool,
    ) -> Result<ByText, ParseError<SelectorParseErrorKind>> {
        if !["contains", "-soup-contains"].iter().any(|known| name.eq_ignore_ascii_case(known)) {
            return Err(ParseError::custom(SelectorParseErrorKind::UnsupportedPseudoClassOrElement));
        }
        let text = parser.expect_ident_or_string()?;
        Ok(ByText(text.to_string()))
    }
}

/// The types that a selector is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Names;

impl SelectorImpl for Names {
    type AttrValue = Value;
    type Identifier = Name;
    type LocalName = Name;
    type NamespacePrefix = Name;
    type NamespaceUrl = Namespace;
    type BorrowedNamespaceUrl = Namespace;
    type BorrowedLocalName = Name;
    type NonTSPseudoClass = ByText;
    type PseudoElement = NoPseudoElement;
    type ExtraMatchingData<'a> = ();
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Value(String);

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl AsRef<str> for Value {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl ToCss for Value {
    fn to_css<W: fmt::Write>(&self, to: &mut W) -> fmt::Result {
        cssparser::serialize_string(&self.0, to)
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Name(LocalName);

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl ToCss for Name {
    fn to_css<W: fmt::Write>(&self, to: &mut W) -> fmt::Result {
        cssparser::serialize_identifier(&self.0, to)
    }
}

impl PrecomputedHash for Name {
    fn precomputed_hash(&self) -> u32 {
        self.0.precomputed_hash()
    }
}

/// `:contains("…")`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ByText(String);

impl NonTSPseudoClass for ByText {
    fn is_active_or_hover(&self) -> bool {
        false
    }

    fn is_user_action_state(&self) -> bool {
        false
    }
}

impl ToCss for ByText {
    fn to_css<W: fmt::Write>(&self, to: &mut W) -> fmt::Result {
        to.write_str(":contains(")?;
        cssparser::serialize_string(&self.0, to)?;
        to.write_str(")")
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoPseudoElement {}

impl PseudoElement for NoPseudoElement {}

impl ToCss for NoPseudoElement {
    fn to_css<W: fmt::Write>(&self, _: &mut W) -> fmt::Result {
        match *self {}
    }
}

/// An element where it stands.
#[derive(Clone, Copy)]
struct Spot<'t> {
    tree: &'t Tree,
    id: Id,
}

impl fmt::Debug for Spot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.id)
    }
}

impl Spot<'_> {
    fn element(&self) -> &Element {
        self.tree.element(self.id).expect("only elements are matched")
    }

    fn at(&self, id: Id) -> Self {
        Self { tree: self.tree, id }
    }

    fn is_element(&self, id: Id) -> bool {
        self.tree.element(id).is_some()
    }
}

impl Matched for Spot<'_> {
    type Impl = Names;

    fn opaque(&self) -> OpaqueElement {
        OpaqueElement::new(self.element())
    }

    fn parent_element(&self) -> Option<Self> {
        self.tree.ancestors(self.id).next().filter(|&id| self.is_element(id)).map(|id| self.at(id))
    }

    fn parent_node_is_shadow_root(&self) -> bool {
        false
    }

    fn containing_shadow_host(&self) -> Option<Self> {
        None
    }

    fn is_pseudo_element(&self) -> bool {
        false
    }

    fn prev_sibling_element(&self) -> Option<Self> {
        self.tree.siblings_before(self.id).find(|&id| self.is_element(id)).map(|id| self.at(id))
    }

    fn next_sibling_element(&self) -> Option<Self> {
        self.tree.siblings_after(self.id).find(|&id| self.is_element(id)).map(|id| self.at(id))
    }

    fn first_element_child(&self) -> Option<Self> {
        self.tree.children(self.id).find(|&id| self.is_element(id)).map(|id| self.at(id))
    }

    fn is_html_element_in_html_document(&self) -> bool {
        self.element().name.ns == ns!(html)
    }

    fn has_local_name(&self, name: &Name) -> bool {
        self.element().name.local == name.0
    }

    fn has_namespace(&self, namespace: &Namespace) -> bool {
        self.element().name.ns == *namespace
    }

    fn is_same_type(&self, other: &Self) -> bool {
        self.element().name == other.element().name
    }

    fn attr_matches(
        &self,
        namespace: &NamespaceConstraint<&Namespace>,
        name: &Name,
        operation: &AttrSelectorOperation<&Value>,
    ) -> bool {
        let in_namespace = |own: &Namespace| match namespace {
            NamespaceConstraint::Any => true,
            NamespaceConstraint::Specific(wanted) => own == *wanted,
        };
        let attrs = &self.element().attrs;
        let matches = |value: &str| {
            self.tree.work().spend_bytes(value.len());
            operation.eval_str(value)
        };
        attrs.iter().any(|attr| attr.name.local == name.0 && in_namespace(&attr.name.ns) && matches(&attr.value))
    }

    fn match_non_ts_pseudo_class(&self, ByText(wanted): &ByText, _: &mut MatchingContext<'_, Names>) -> bool {
        const LONGEST: usize = 100_000;
        text::text_of(self.tree, self.id, LONGEST).contains(wanted.as_str())
    }

    fn match_pseudo_element(&self, pseudo: &NoPseudoElement, _: &mut MatchingContext<'_, Names>) -> bool {
        match *pseudo {}
    }

    fn apply_selector_flags(&self, _: ElementSelectorFlags) {}

    fn is_link(&self) -> bool {
        matches!(&*self.element().name.local, "a" | "area" | "link") && self.element().attr("href").is_some()
    }

    fn is_html_slot_element(&self) -> bool {
        &*self.element().name.local == "slot"
    }

    fn has_id(&self, id: &Name, case: CaseSensitivity) -> bool {
        self.element().attr("id").is_some_and(|own| case.eq(own.as_bytes(), id.0.as_bytes()))
    }

    fn has_class(&self, name: &Name, case: CaseSensitivity) -> bool {
        let classes = self.element().attr("class").unwrap_or_default();
        self.tree.work().spend_bytes(classes.len());
        classes.split_ascii_whitespace().any(|class| case.eq(class.as_bytes(), name.0.as_bytes()))
    }

    fn has_custom_state(&self, _: &Name) -> bool {
        false
    }

    fn imported_part(&self, _: &Name) -> Option<Name> {
        None
    }

    fn is_part(&self, _: &Name) -> bool {
        false
    }

    fn is_empty(&self) -> bool {
        self.tree.first_child(self.id).is_none()
    }

    fn is_root(&self) -> bool {
        self.tree.parent(self.id).is_some_and(|parent| matches!(self.tree.data(parent), Data::Document))
    }

    fn add_element_unique_hashes(&self, _: &mut BloomFilter) -> bool {
        false
    }
}
