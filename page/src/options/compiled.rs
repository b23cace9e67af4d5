//! The compiled selectors and patterns of [`Options`].

use std::sync::Arc;

use crate::error::ReadError;
use crate::extract::CompiledExtraction;
use crate::options::{Options, SchemaError};
use crate::pattern_compiler::PatternCompiler;
use crate::select::css::CssSelector;

/// The compiled selectors and patterns of [`Options`], for any number of pages.
#[derive(Default)]
pub struct CompiledPatterns {
    pub(crate) css_selector: Vec<Arc<CssSelector>>,
    pub(crate) target_elements: Vec<Arc<CssSelector>>,
    pub(crate) excluded: Vec<Arc<CssSelector>>,
    pub(crate) required: Option<Arc<CssSelector>>,
    pub(crate) extraction: Option<CompiledExtraction>,
    bytes: usize,
}

impl CompiledPatterns {
    /// Bytes of the compiled forms.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Options {
    /// Compiles the selectors and patterns within the budget of one request.
    ///
    /// # Errors
    /// One of them is invalid, or they exceed the budget.
    pub fn compile(&self) -> Result<CompiledPatterns, ReadError> {
        let (compiler, selection) = (PatternCompiler::default(), &self.selection);
        let selectors = |texts: &[String]| {
            let selectors = texts.iter().map(|text| compiler.css_selector(text));
            selectors.collect::<Result<Vec<_>, _>>().map_err(ReadError::InvalidSelector)
        };
        let extraction = self.extraction.as_ref().map(|extraction| extraction.compile(&compiler));
        let extraction = extraction.transpose().map_err(first_error)?;
        let (css_selector, excluded) = (selection.css_selector.as_slice(), selection.excluded_selector.as_slice());
        Ok(CompiledPatterns {
            css_selector: selectors(css_selector)?,
            target_elements: selectors(&selection.target_elements)?,
            excluded: selectors(excluded)?,
            required: selectors(self.required_selector.as_slice())?.pop(),
            extraction,
            bytes: compiler.bytes(),
        })
    }

    /// A text that is equal for options with equal selectors and patterns; `None`: there are none.
    pub fn pattern_key(&self) -> Option<String> {
        let selection = &self.selection;
        let single = [&selection.css_selector, &selection.excluded_selector, &self.required_selector];
        let is_empty = single.iter().all(|selector| selector.is_none()) && selection.target_elements.is_empty();
        if is_empty && self.extraction.is_none() {
            return None;
        }
        serde_json::to_string(&(single, &selection.target_elements, &self.extraction)).ok()
    }
}

fn first_error(errors: Vec<SchemaError>) -> ReadError {
    ReadError::InvalidSelector(errors.into_iter().next().map(|error| error.reason).unwrap_or_default())
}
