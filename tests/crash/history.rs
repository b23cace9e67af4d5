//! What a dead process left on its disk, and that it was not done again.

use std::collections::HashMap;
use std::path::Path;

use rusqlite::Connection;

use super::environment::Seen;

/// Pages and answers that were written down when a process died, each with how often it had been asked for by then.
#[derive(Default)]
pub struct Checkpoints {
    pages: HashMap<String, u32>,
    answers: HashMap<String, u32>,
}

impl Checkpoints {
    /// Reads the store that a process left behind, from a copy: what it left is not touched.
    pub fn note(&mut self, store: &Path, seen: &Seen) {
        let copy = tempfile::tempdir().expect("a temporary folder");
        for name in ["opilio.db", "opilio.db-wal"] {
            // No write-ahead log: the last process had put everything into the file.
            let _ = std::fs::copy(store.join(name), copy.path().join(name));
        }
        let db = Connection::open(copy.path().join("opilio.db")).expect("the copy is ours");
        for url in column(&db, "SELECT json_extract(CAST(result AS TEXT), '$.url') FROM pages") {
            let fetched = seen.pages.get(&url).copied().unwrap_or_else(|| panic!("{url} has a result from nowhere"));
            self.pages.entry(url).or_insert(fetched);
        }
        let answered = "SELECT json_extract(j.spec, '$.task.extraction.instruction') FROM jobs j \
            WHERE EXISTS (SELECT 1 FROM checkpoints c WHERE c.job = j.seq AND c.name NOT LIKE 'page%') \
            OR (j.task = 'llm_extraction' AND EXISTS (SELECT 1 FROM pages p WHERE p.job = j.seq))";
        for instruction in column(&db, answered) {
            let asked = seen.questions.get(&instruction).copied().unwrap_or_default();
            self.answers.entry(instruction).or_insert(asked);
        }
    }

    /// Nothing that was written down was asked for again.
    pub fn assert_kept(&self, seen: &Seen) {
        assert!(!self.pages.is_empty() && !self.answers.is_empty(), "the campaign has shown nothing");
        for (url, before) in &self.pages {
            assert_eq!(seen.pages.get(url), Some(before), "{url} was crawled again after its checkpoint");
        }
        for (instruction, before) in &self.answers {
            let asked = seen.questions.get(instruction).copied().unwrap_or_default();
            assert_eq!(asked, *before, "{instruction} was asked again after its checkpoint");
        }
    }
}

fn column(db: &Connection, sql: &str) -> Vec<String> {
    let mut select = db.prepare(sql).expect("a good query");
    let rows = select.query_map([], |row| row.get::<_, Option<String>>(0)).expect("the store can be read");
    rows.filter_map(|row| row.expect("the store can be read")).collect()
}
