//! Checkpoints that a crashed process left in its store, and the check that their work is not repeated.

use std::collections::HashMap;
use std::path::Path;

use rusqlite::Connection;

use super::environment::Requests;

/// Recorded pages and model responses, each with the number of requests for it when it was first found in the store.
#[derive(Default)]
pub struct Checkpoints {
    pages: HashMap<String, u32>,
    model: HashMap<String, u32>,
}

impl Checkpoints {
    /// Reads a copy of the store of a process that has ended.
    pub fn record(&mut self, store: &Path, requests: &Requests) {
        let copy = tempfile::tempdir().expect("a temporary folder");
        for name in ["opilio.db", "opilio.db-wal"] {
            // A process that checkpointed everything left no write-ahead log.
            let _ = std::fs::copy(store.join(name), copy.path().join(name));
        }
        let db = Connection::open(copy.path().join("opilio.db")).expect("the copy can be opened");
        for url in column(&db, "SELECT json_extract(CAST(result AS TEXT), '$.url') FROM pages") {
            let count = requests.pages.get(&url).copied();
            let count = count.unwrap_or_else(|| panic!("{url} has a result but was not fetched"));
            self.pages.entry(url).or_insert(count);
        }
        let instructions = "SELECT json_extract(j.spec, '$.task.llm_extraction.instruction') FROM jobs j \
            WHERE EXISTS (SELECT 1 FROM checkpoints c WHERE c.job = j.seq AND c.name NOT LIKE 'page%') \
            OR (j.kind = 'llm_extraction' AND EXISTS (SELECT 1 FROM pages p WHERE p.job = j.seq))";
        for instruction in column(&db, instructions) {
            let count = requests.model.get(&instruction).copied().unwrap_or_default();
            self.model.entry(instruction).or_insert(count);
        }
    }

    /// Asserts that nothing that had a checkpoint was requested again.
    pub fn assert_not_repeated(&self, requests: &Requests) {
        assert!(!self.pages.is_empty() && !self.model.is_empty(), "no crash left a checkpoint");
        for (url, count) in &self.pages {
            assert_eq!(requests.pages.get(url), Some(count), "{url} was fetched again after its checkpoint");
        }
        for (instruction, count) in &self.model {
            let now = requests.model.get(instruction).copied().unwrap_or_default();
            assert_eq!(now, *count, "{instruction} was sent again after its checkpoint");
        }
    }
}

fn column(db: &Connection, sql: &str) -> Vec<String> {
    let mut select = db.prepare(sql).expect("a valid query");
    let rows = select.query_map([], |row| row.get::<_, Option<String>>(0)).expect("the store can be read");
    rows.filter_map(|row| row.expect("the store can be read")).collect()
}
