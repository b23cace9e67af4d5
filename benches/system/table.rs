//! The table of results, with a target for each row.

use std::fmt::Write;

pub enum Target {
    /// At least this share of the limit.
    Share(f64),
    /// At most this value, in the unit of the row.
    AtMost(f64),
}

struct Row {
    label: &'static str,
    ours: f64,
    limit: Option<f64>,
    unit: &'static str,
    target: Target,
    ratio: f64,
}

#[derive(Default)]
pub struct Table {
    rows: Vec<Row>,
}

impl Table {
    /// Adds a row from rounds of (ours, limit), both per second.
    pub fn share(&mut self, label: &'static str, rounds: &[(f64, f64)], unit: &'static str, target: f64) {
        let ratio = median(rounds.iter().map(|(ours, limit)| ours / limit).collect());
        let ours = median(rounds.iter().map(|(ours, _)| *ours).collect());
        let limit = median(rounds.iter().map(|(_, limit)| *limit).collect());
        self.add(Row { label, ours, limit: Some(limit), unit, target: Target::Share(target), ratio });
    }

    /// Adds a row with an upper bound.
    pub fn at_most(&mut self, label: &'static str, ours: f64, bound: f64, unit: &'static str) {
        self.add(Row { label, ours, limit: None, unit, target: Target::AtMost(bound), ratio: ours / bound });
    }

    fn add(&mut self, row: Row) {
        println!("{}", line(&row));
        self.rows.push(row);
    }

    /// Prints all rows. Returns false if one is more than three times worse than its target.
    pub fn print(&self) -> bool {
        println!("\n{:<46} {:>12} {:>12} {:<8} {:>7} {:>9}", "measurement", "ours", "limit", "unit", "ratio", "target");
        for row in &self.rows {
            println!("{}", line(row));
        }
        self.rows.iter().all(|row| verdict(row) != "MISSED")
    }
}

fn line(row: &Row) -> String {
    let mut line = format!("{:<46} {:>12.2} ", row.label, row.ours);
    let _ = match row.limit {
        Some(limit) => write!(line, "{limit:>12.2} "),
        None => write!(line, "{:>12} ", ""),
    };
    let target = match row.target {
        Target::Share(share) => format!("≥ {share:.2}"),
        Target::AtMost(bound) => format!("≤ {bound:.2}"),
    };
    let _ = write!(line, "{:<8} {:>7.2} {target:>9}  {}", row.unit, row.ratio, verdict(row));
    line
}

fn verdict(row: &Row) -> &'static str {
    let (good, fair) = match row.target {
        Target::Share(share) => (row.ratio >= share, row.ratio >= share / 3.0),
        Target::AtMost(_) => (row.ratio <= 1.0, row.ratio <= 3.0),
    };
    match (good, fair) {
        (true, _) => "met",
        (false, true) => "within a factor of 3",
        (false, false) => "MISSED",
    }
}

pub fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}
