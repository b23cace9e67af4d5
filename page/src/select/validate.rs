//! Validates selectors.

use super::css::CssSelector;

/// Checks that a text is a valid CSS selector.
///
/// # Errors
/// The reason, without a subject: `is not a valid CSS selector`.
pub fn validate_css_selector(text: &str) -> Result<(), String> {
    CssSelector::parse(text).map(|_| ())
}
