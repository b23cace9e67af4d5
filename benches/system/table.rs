//! The rows, and whether each is as good as it should be.

use std::fmt::Write;

/// What is wanted of a row.
pub enum Wanted {
    /// Of the limit, at least.
    Share(f64),
    /// Not more than this, in the row's own unit.
    AtMost(f64),
}

struct Row {
    what: &'static str,
    ours: f64,
    limit: Option<f64>,
    unit: &'static str,
    wanted: Wanted,
    ratio: f64,
}

#[derive(Default)]
pub struct Table {
    rows: Vec<Row>,
}

impl Table {
    /// Rounds of ours and of the limit, both in something a second.
    pub fn share(&mut self, what: &'static str, rounds: &[(f64, f64)], unit: &'static str, wanted: f64) {
        let ratio = median(rounds.iter().map(|(ours, limit)| ours / limit).collect());
        let ours = median(rounds.iter().map(|(ours, _)| *ours).collect());
        let limit = median(rounds.iter().map(|(_, limit)| *limit).collect());
        self.add(Row { what, ours, limit: Some(limit), unit, wanted: Wanted::Share(wanted), ratio });
    }

    /// A figure that should stay under a bound.
    pub fn at_most(&mut self, what: &'static str, ours: f64, bound: f64, unit: &'static str) {
        self.add(Row { what, ours, limit: None, unit, wanted: Wanted::AtMost(bound), ratio: ours / bound });
    }

    fn add(&mut self, row: Row) {
        println!("{}", line(&row));
        self.rows.push(row);
    }

    /// `false`: a row is worse than a third of what is wanted.
    pub fn print(&self) -> bool {
        println!("\n{:<46} {:>12} {:>12} {:<8} {:>7} {:>9}", "what", "ours", "limit", "unit", "ratio", "wanted");
        for row in &self.rows {
            println!("{}", line(row));
        }
        self.rows.iter().all(|row| verdict(row) != "MISSED")
    }
}

fn line(row: &Row) -> String {
    let mut line = format!("{:<46} {:>12.2} ", row.what, row.ours);
    let _ = match row.limit {
        Some(limit) => write!(line, "{limit:>12.2} "),
        None => write!(line, "{:>12} ", ""),
    };
    let wanted = match row.wanted {
        Wanted::Share(share) => format!("≥ {share:.2}"),
        Wanted::AtMost(bound) => format!("≤ {bound:.2}"),
    };
    let _ = write!(line, "{:<8} {:>7.2} {wanted:>9}  {}", row.unit, row.ratio, verdict(row));
    line
}

fn verdict(row: &Row) -> &'static str {
    let (good, fair) = match row.wanted {
        Wanted::Share(share) => (row.ratio >= share, row.ratio >= share / 3.0),
        Wanted::AtMost(_) => (row.ratio <= 1.0, row.ratio <= 3.0),
    };
    match (good, fair) {
        (true, _) => "reached",
        (false, true) => "within a factor of three",
        (false, false) => "MISSED",
    }
}

pub fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}
