//! A set of page indexes, small enough to be part of an event id.

use std::fmt;

use bytes::Bytes;
use opilio_actors::domain::id::JobId;
use opilio_actors::ports::{JobStore, StoreError};

/// Half-open ranges in ascending order, none of which touch. Written as `0-4,7-8`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageRanges {
    ranges: Vec<(u32, u32)>,
}

impl PageRanges {
    /// Parses what [`fmt::Display`] writes.
    pub fn parse(raw: &str) -> Option<Self> {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for range in raw.split(',').filter(|range| !range.is_empty()) {
            let (start, end) = range.split_once('-')?;
            let (start, end) = (start.parse().ok()?, end.parse().ok()?);
            let is_apart = ranges.last().is_none_or(|(_, before)| *before < start);
            ranges.push((start < end && is_apart).then_some((start, end))?);
        }
        Some(Self { ranges })
    }

    pub fn insert(&mut self, index: u32) {
        let at = self.ranges.partition_point(|(start, _)| *start <= index);
        let touches_before = at > 0 && self.ranges[at - 1].1 >= index;
        let touches_after = self.ranges.get(at).is_some_and(|(start, _)| *start == index + 1);
        match (touches_before, touches_after) {
            (true, _) if self.ranges[at - 1].1 > index => {}
            (true, true) => {
                self.ranges[at - 1].1 = self.ranges[at].1;
                self.ranges.remove(at);
            }
            (true, false) => self.ranges[at - 1].1 = index + 1,
            (false, true) => self.ranges[at].0 = index,
            (false, false) => self.ranges.insert(at, (index, index + 1)),
        }
    }

    /// The first index at or after `from` that is not in the set.
    fn first_missing(&self, from: u32) -> u32 {
        let at = self.ranges.partition_point(|(start, _)| *start <= from);
        match at.checked_sub(1).map(|before| self.ranges[before]) {
            Some((_, end)) if end > from => end,
            _ => from,
        }
    }

    /// The first stored page at or after `from` that is not in the set.
    pub async fn next_missing(
        &self,
        store: &dyn JobStore,
        job: &JobId,
        mut from: u32,
    ) -> Result<Option<(u32, Bytes)>, StoreError> {
        loop {
            from = self.first_missing(from);
            let Some((index, page)) = store.pages(job, from, 1).await?.into_iter().next() else { return Ok(None) };
            if self.first_missing(index) == index {
                return Ok(Some((index, page)));
            }
            from = index;
        }
    }
}

impl fmt::Display for PageRanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, (start, end)) in self.ranges.iter().enumerate() {
            let comma = if position > 0 { "," } else { "" };
            write!(f, "{comma}{start}-{end}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adjacent_indexes_merge_in_any_order() {
        let mut ranges = PageRanges::default();
        for index in [5, 3, 4, 0, 9, 0, 4, 1, 2, 10] {
            ranges.insert(index);
        }
        assert_eq!(ranges.to_string(), "0-6,9-11");
        assert_eq!([0, 5, 6, 8, 9, 11].map(|from| ranges.first_missing(from)), [6, 6, 6, 8, 11, 11]);
    }

    #[test]
    fn only_the_displayed_form_is_parsed() {
        for valid in ["", "0-1", "0-6,9-11"] {
            assert_eq!(PageRanges::parse(valid).map(|ranges| ranges.to_string()).as_deref(), Some(valid));
        }
        for invalid in ["x", "1", "2-1", "0-3,3-4", "5-6,1-2", "-1", "1-99999999999"] {
            assert_eq!(PageRanges::parse(invalid), None, "{invalid}");
        }
    }
}
