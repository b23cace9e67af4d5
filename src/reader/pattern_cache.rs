//! The compiled selectors and patterns of recent jobs, so that they are compiled once and not for each page.

use std::sync::Arc;

use opilio_page::{CompiledPatterns, Options, ReadError};
use quick_cache::sync::Cache;
use quick_cache::{OptionsBuilder, Weighter};

/// Bytes of all compiled selectors and patterns. What is used least recently is removed first, and compiled again for
/// the next page.
const MAX_BYTES: u64 = 32 << 20;

pub struct PatternCache {
    compiled: Cache<String, Arc<CompiledPatterns>, ByBytes>,
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<String, Arc<CompiledPatterns>> for ByBytes {
    fn weight(&self, key: &String, compiled: &Arc<CompiledPatterns>) -> u64 {
        (key.len() + compiled.bytes() + 256) as u64
    }
}

impl Default for PatternCache {
    fn default() -> Self {
        // In one shard, so that one entry may use the whole capacity.
        let options = OptionsBuilder::new().estimated_items_capacity(64).weight_capacity(MAX_BYTES).shards(1).build();
        let options = options.expect("the capacity is set");
        Self { compiled: Cache::with_options(options, ByBytes, Default::default(), Default::default()) }
    }
}

impl PatternCache {
    /// The compiled selectors and patterns of `options`.
    ///
    /// # Errors
    /// They are invalid, or exceed the budget of a request.
    pub fn of(&self, options: &Options) -> Result<Arc<CompiledPatterns>, ReadError> {
        match options.pattern_key() {
            None => Ok(Arc::default()),
            Some(key) => self.compiled.get_or_insert_with(&key, || options.compile().map(Arc::new)),
        }
    }
}

#[cfg(test)]
mod tests {
    use opilio_page::Selection;

    use super::*;

    fn options(selector: String) -> Options {
        Options { selection: Selection { css_selector: Some(selector), ..Selection::default() }, ..Options::default() }
    }

    #[test]
    fn equal_options_are_compiled_once_and_the_cache_is_bounded() {
        let cache = PatternCache::default();
        let first = cache.of(&options("a".to_owned())).expect("it is valid");
        assert!(Arc::ptr_eq(&first, &cache.of(&options("a".to_owned())).expect("it is valid")));
        for n in 0..500 {
            cache.of(&options(format!("{}b{n}", "a,".repeat(900)))).expect("it is valid");
        }
        let weight = cache.compiled.weight();
        assert!((MAX_BYTES / 2..=MAX_BYTES).contains(&weight), "{weight}");
        assert!(cache.of(&options("a[".to_owned())).is_err());
    }
}
