//! Compiles the selectors and patterns of one request: within one budget, and equal ones once.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::extract::Pattern;
use crate::select::css::CssSelector;
use crate::select::xpath::XPath;

/// Bytes of everything that is compiled for one request.
const MAX_BYTES: usize = 8 << 20;
/// Time to compile it. The limit on bytes is reached long before; this is for a loaded machine.
const MAX_TIME: Duration = Duration::from_secs(5);
/// Compiled bytes per byte of a selector or an expression, at most.
const BYTES_PER_SELECTOR_BYTE: usize = 160;

/// Compiles the selectors and patterns of one request, each once, within one budget of bytes and time.
pub struct PatternCompiler {
    bytes_left: Cell<usize>,
    deadline: Instant,
    selectors: Cache<CssSelector>,
    /// By whether the expression is relative.
    expressions: [Cache<XPath>; 2],
    /// By whether the case is ignored.
    patterns: [Cache<Pattern>; 2],
}

type Cache<T> = RefCell<HashMap<String, Arc<T>>>;

impl Default for PatternCompiler {
    fn default() -> Self {
        Self {
            bytes_left: Cell::new(MAX_BYTES),
            deadline: Instant::now() + MAX_TIME,
            selectors: Cache::default(),
            expressions: <[Cache<XPath>; 2]>::default(),
            patterns: <[Cache<Pattern>; 2]>::default(),
        }
    }
}

impl PatternCompiler {
    /// Compiled bytes so far.
    pub(crate) fn bytes(&self) -> usize {
        MAX_BYTES - self.bytes_left.get()
    }

    /// Takes `bytes` of the budget for something that another package compiles.
    ///
    /// # Errors
    /// The budget is exhausted; the reason has no subject.
    pub fn charge(&self, bytes: usize) -> Result<(), String> {
        let left = self.bytes_left.get().checked_sub(bytes);
        // Nothing is compiled after the first failure.
        self.bytes_left.set(left.unwrap_or(0));
        left.map(|_| ()).ok_or_else(too_large)
    }

    /// Compiles a CSS selector.
    ///
    /// # Errors
    /// The selector is invalid, or the budget is exhausted; the reason has no subject.
    pub fn check_css_selector(&self, text: &str) -> Result<(), String> {
        self.css_selector(text).map(|_| ())
    }

    /// Charges a regular expression that another package compiles: the bytes that this package needs for it, or
    /// `otherwise` if it is not valid here.
    ///
    /// # Errors
    /// The budget is exhausted; the reason has no subject.
    pub fn charge_pattern(&self, pattern: &str, otherwise: usize) -> Result<(), String> {
        match self.pattern(pattern, false) {
            Err(_) if self.bytes_left.get() > 0 => self.charge(otherwise),
            charged => charged.map(|_| ()),
        }
    }

    pub(crate) fn css_selector(&self, text: &str) -> Result<Arc<CssSelector>, String> {
        self.once(&self.selectors, text, |_| {
            CssSelector::parse(text).map(|selector| (selector, text.len() * BYTES_PER_SELECTOR_BYTE))
        })
    }

    pub(crate) fn xpath(&self, text: &str, relative: bool) -> Result<Arc<XPath>, String> {
        self.once(&self.expressions[usize::from(relative)], text, |_| {
            XPath::parse(text, relative).map(|path| (path, text.len() * BYTES_PER_SELECTOR_BYTE))
        })
    }

    pub(crate) fn pattern(&self, text: &str, ignore_case: bool) -> Result<Arc<Pattern>, String> {
        self.once(&self.patterns[usize::from(ignore_case)], text, |bytes_left| {
            match Pattern::compile(text, ignore_case, bytes_left)? {
                Some(pattern) => {
                    let bytes = pattern.bytes();
                    Ok((pattern, bytes))
                }
                None => {
                    self.bytes_left.set(0);
                    Err(too_large())
                }
            }
        })
    }

    /// The compiled form of `text` and its bytes, from `compile` unless it is known.
    fn once<T>(
        &self,
        known: &Cache<T>,
        text: &str,
        compile: impl FnOnce(usize) -> Result<(T, usize), String>,
    ) -> Result<Arc<T>, String> {
        if let Some(known) = known.borrow().get(text) {
            return Ok(Arc::clone(known));
        }
        let bytes_left = self.bytes_left.get();
        if bytes_left == 0 {
            return Err(too_large());
        }
        if Instant::now() > self.deadline {
            self.bytes_left.set(0);
            return Err(format!(
                "takes, with the other patterns of the request, more than {} s to compile",
                MAX_TIME.as_secs()
            ));
        }
        let (compiled, bytes) = compile(bytes_left)?;
        self.charge(bytes + text.len())?;
        let compiled = Arc::new(compiled);
        known.borrow_mut().insert(text.to_owned(), Arc::clone(&compiled));
        Ok(compiled)
    }
}

fn too_large() -> String {
    format!("exceeds the limit of {} MiB for all compiled patterns and selectors of a request", MAX_BYTES >> 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_patterns_are_compiled_once() {
        let compiler = PatternCompiler::default();
        let first = compiler.pattern(r"\w{9}", false).expect("it is small");
        let bytes = compiler.bytes();
        assert!(bytes > 1000, "{bytes}");
        for _ in 0..1000 {
            assert!(Arc::ptr_eq(&first, &compiler.pattern(r"\w{9}", false).expect("it is known")));
        }
        assert_eq!(compiler.bytes(), bytes);
    }

    #[test]
    fn all_patterns_of_a_request_share_one_budget() {
        let compiler = PatternCompiler::default();
        let first_failure = (1..100).find(|n| compiler.pattern(&format!(r"\w{{30}}{n}"), false).is_err());
        assert!(first_failure.is_some_and(|n| n > 1), "{first_failure:?}");
        let error = compiler.check_css_selector("a").expect_err("nothing is compiled after the first failure");
        assert_eq!(error, "exceeds the limit of 8 MiB for all compiled patterns and selectors of a request");
        assert!(compiler.pattern(r"\w{30}1", false).is_ok(), "it is compiled already");
    }

    #[test]
    fn selectors_count_by_their_length() {
        let compiler = PatternCompiler::default();
        let selector = |n: usize| format!("{}b{n}", "a,".repeat(900));
        let compiled = (0..100).take_while(|&n| compiler.check_css_selector(&selector(n)).is_ok()).count();
        assert!((10..50).contains(&compiled), "{compiled}");
    }
}
