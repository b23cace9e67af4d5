//! The types that the `selectors` crate requires.

use std::fmt;

use cssparser::{ParseError, ToCss};
use html5ever::{LocalName, Namespace};
use precomputed_hash::PrecomputedHash;
use selectors::parser::{NonTSPseudoClass, Parser, PseudoElement, SelectorImpl, SelectorParseErrorKind};

/// Enables the selectors of browsers and `:contains()`.
pub(super) struct SelectorParser;

impl<'i> Parser<'i> for SelectorParser {
    type Impl = SelectorTypes;
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
    ) -> Result<ContainsText, ParseError<SelectorParseErrorKind>> {
        if !["contains", "-soup-contains"].iter().any(|known| name.eq_ignore_ascii_case(known)) {
            return Err(ParseError::custom(SelectorParseErrorKind::UnsupportedPseudoClassOrElement));
        }
        let text = parser.expect_ident_or_string()?;
        Ok(ContainsText(text.to_string()))
    }
}

/// The types of which a selector consists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SelectorTypes;

impl SelectorImpl for SelectorTypes {
    type AttrValue = AttrValue;
    type Identifier = CssName;
    type LocalName = CssName;
    type NamespacePrefix = CssName;
    type NamespaceUrl = Namespace;
    type BorrowedNamespaceUrl = Namespace;
    type BorrowedLocalName = CssName;
    type NonTSPseudoClass = ContainsText;
    type PseudoElement = NoPseudoElement;
    type ExtraMatchingData<'a> = ();
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AttrValue(String);

impl From<&str> for AttrValue {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl AsRef<str> for AttrValue {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl ToCss for AttrValue {
    fn to_css<W: fmt::Write>(&self, to: &mut W) -> fmt::Result {
        cssparser::serialize_string(&self.0, to)
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct CssName(pub(super) LocalName);

impl From<&str> for CssName {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl ToCss for CssName {
    fn to_css<W: fmt::Write>(&self, to: &mut W) -> fmt::Result {
        cssparser::serialize_identifier(&self.0, to)
    }
}

impl PrecomputedHash for CssName {
    fn precomputed_hash(&self) -> u32 {
        self.0.precomputed_hash()
    }
}

/// The pseudo-class `:contains("…")`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ContainsText(pub(super) String);

impl NonTSPseudoClass for ContainsText {
    fn is_active_or_hover(&self) -> bool {
        false
    }

    fn is_user_action_state(&self) -> bool {
        false
    }
}

impl ToCss for ContainsText {
    fn to_css<W: fmt::Write>(&self, to: &mut W) -> fmt::Result {
        to.write_str(":contains(")?;
        cssparser::serialize_string(&self.0, to)?;
        to.write_str(")")
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoPseudoElement {}

impl PseudoElement for NoPseudoElement {}

impl ToCss for NoPseudoElement {
    fn to_css<W: fmt::Write>(&self, _: &mut W) -> fmt::Result {
        match *self {}
    }
}
