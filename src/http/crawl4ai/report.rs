//! The errors and warnings of one request, collected while it is parsed.

use opilio_actors::domain::job::Warning;
use opilio_page::PatternCompiler;

use crate::http::field_error::{FieldError, FieldPath, InvalidValue, Rejection};

/// Warnings are stored with the job; keys without effect beyond this number are counted, not named.
const MAX_WARNINGS: usize = 100;

/// The errors and warnings of one request.
#[derive(Default)]
pub struct Report {
    errors: Vec<FieldError>,
    /// Keys and values that are valid, but not supported or not available.
    unsupported: Vec<FieldError>,
    warnings: Vec<Warning>,
    /// Keys without effect that are not in `warnings`.
    unnamed: usize,
    compiler: PatternCompiler,
}

impl Report {
    pub fn fail(&mut self, path: &FieldPath, error: InvalidValue) {
        self.errors.push(error.at(path));
    }

    /// Records a key or a value that is valid, but not supported or not available.
    pub fn reject(&mut self, path: &FieldPath, error: InvalidValue) {
        self.unsupported.push(error.at(path));
    }

    /// The value; an error is recorded at `path`.
    pub fn check<T>(&mut self, path: &FieldPath, value: Result<T, InvalidValue>) -> Option<T> {
        value.map_err(|error| self.fail(path, error)).ok()
    }

    /// Records a key that has no effect.
    pub fn warn(&mut self, path: &FieldPath, reason: impl Into<String>) {
        self.warn_with(path, || reason.into());
    }

    /// [`Report::warn`] with a reason that is only computed for a key that is named.
    pub fn warn_with(&mut self, path: &FieldPath, reason: impl FnOnce() -> String) {
        if self.warnings.len() < MAX_WARNINGS {
            self.warnings.push(Warning { key: path.dotted(), reason: reason() });
        } else {
            self.unnamed += 1;
        }
    }

    /// Compiles the selectors and patterns of the request within its budget.
    pub fn compiler(&self) -> &PatternCompiler {
        &self.compiler
    }

    pub fn error_count(&self) -> usize {
        self.errors.len()
    }

    /// The parsed request and its warnings. `request` is `None` only after an error.
    ///
    /// # Errors
    /// All invalid fields, if there are any, else all keys that are not supported.
    pub fn finish<T>(self, request: Option<T>) -> Result<(T, Vec<Warning>), Rejection> {
        let (rejection, warnings) = self.into_parts();
        match (rejection, request) {
            (None, Some(request)) => Ok((request, warnings)),
            (rejection, _) => Err(rejection.unwrap_or(Rejection::Invalid(vec![]))),
        }
    }

    /// Why the request is rejected, and the warnings with the number of keys that are not named as the last one.
    pub fn into_parts(mut self) -> (Option<Rejection>, Vec<Warning>) {
        if self.unnamed > 0 {
            let reason = format!("and {} more keys without effect", self.unnamed);
            self.warnings.push(Warning { key: "…".to_owned(), reason });
        }
        let rejection = match (self.errors, self.unsupported) {
            (errors, unsupported) if errors.is_empty() && unsupported.is_empty() => None,
            (errors, unsupported) if errors.is_empty() => Some(Rejection::Unsupported(unsupported)),
            (errors, _) => Some(Rejection::Invalid(errors)),
        };
        (rejection, self.warnings)
    }
}
