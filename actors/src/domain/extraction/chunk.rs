//! A long page in parts that fit a model: cut between headings, paragraphs, list items and table rows.

/// An upper bound that holds for the usual vocabularies on the usual text; nobody's tokenizer is consulted.
pub fn tokens(text: &str) -> usize {
    let ascii = text.bytes().filter(u8::is_ascii).count();
    let others = text.chars().filter(|c| !c.is_ascii()).count();
    ascii.div_ceil(3) + others
}

/// One part where the page fits `budget` tokens. Else parts that each fit, in order, the last `overlap` tokens of one
/// again at the head of the next; each begins with the headings it stands under, a table's rows with the table's head.
pub fn chunks(page: &str, budget: usize, overlap: usize) -> Vec<String> {
    let budget = budget.max(MIN_BUDGET);
    if tokens(page) <= budget {
        return vec![page.to_owned()];
    }
    let mut cutter = Cutter { budget, overlap: overlap.min(budget / 4), ..Cutter::default() };
    for block in page.split_inclusive('\n') {
        cutter.line(block);
    }
    cutter.finish()
}

/// Smaller parts would say nothing.
pub const MIN_BUDGET: usize = 64;

/// A part begins anew at a heading when it is this full, in hundredths.
const FULL_ENOUGH: usize = 60;

#[derive(Default)]
struct Cutter {
    budget: usize,
    overlap: usize,
    done: Vec<String>,
    /// What leads into the part: headings and the head of a table. Not yet said by itself.
    lead: String,
    lines: Vec<String>,
    size: usize,
    /// The headings above the present line, with their depth.
    headings: Vec<(usize, String)>,
    table_head: Vec<String>,
}

impl Cutter {
    fn line(&mut self, line: &str) {
        let depth = heading(line);
        if let Some(depth) = depth {
            if self.size * 100 >= self.budget * FULL_ENOUGH {
                self.cut(false);
            }
            self.headings.retain(|(above, _)| *above < depth);
            self.headings.push((depth, line.to_owned()));
        }
        if !line.trim_start().starts_with('|') {
            self.table_head.clear();
        } else if self.table_head.len() < 2 {
            self.table_head.push(line.to_owned());
        }
        for piece in pieces(line, self.budget / 2) {
            if self.size + tokens(&piece) > self.budget && !self.lines.is_empty() {
                self.cut(depth.is_none());
            }
            self.size += tokens(&piece);
            self.lines.push(piece);
        }
    }

    fn cut(&mut self, with_overlap: bool) {
        let mut part = std::mem::take(&mut self.lead);
        part.extend(self.lines.iter().map(String::as_str));
        self.done.push(part);
        let (mut again, mut size) = (Vec::new(), 0);
        for line in std::mem::take(&mut self.lines).into_iter().rev() {
            size += tokens(&line);
            if !with_overlap || size > self.overlap {
                break;
            }
            again.push(line);
        }
        again.reverse();
        self.lead = self.leading();
        self.lines = again;
        self.size = tokens(&self.lead) + self.lines.iter().map(|line| tokens(line)).sum::<usize>();
    }

    /// Headings and table head, as far as they leave most of the part to the page itself.
    fn leading(&self) -> String {
        let mut lead: String = self.headings.iter().map(|(_, line)| line.as_str()).collect();
        lead.extend(self.table_head.iter().map(String::as_str));
        if tokens(&lead) > self.budget / 4 { String::new() } else { lead }
    }

    fn finish(mut self) -> Vec<String> {
        if !self.lines.iter().all(|line| line.trim().is_empty()) {
            self.cut(false);
        }
        self.done
    }
}

fn heading(line: &str) -> Option<usize> {
    let depth = line.bytes().take_while(|byte| *byte == b'#').count();
    ((1..=6).contains(&depth) && line[depth..].starts_with(' ')).then_some(depth)
}

/// A line that does not fit is cut after sentences, else after words, else anywhere.
fn pieces(line: &str, most: usize) -> Vec<String> {
    let (mut pieces, mut rest) = (Vec::new(), line);
    while let Some(end) = overrun(rest, most) {
        let head = &rest[..end];
        let sentence = head.rfind(". ").map(|at| at + 2);
        let cut = sentence.or_else(|| head.rfind(' ').map(|at| at + 1)).filter(|cut| *cut > end / 2).unwrap_or(end);
        pieces.push(rest[..cut].to_owned());
        rest = &rest[cut..];
    }
    if !rest.is_empty() {
        pieces.push(rest.to_owned());
    }
    pieces
}

/// Where the text exceeds so many tokens; `None` where it does not.
fn overrun(text: &str, most: usize) -> Option<usize> {
    let mut size = 0;
    for (at, c) in text.char_indices() {
        // Three plain letters are counted as one token, every other one by itself.
        size += if c.is_ascii() { 1 } else { 3 };
        if size > most.saturating_mul(3) {
            return Some(at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> String {
        let mut page = "# Book\n\nIntro.\n\n".to_owned();
        for chapter in 0..20 {
            page.push_str(&format!("## Chapter {chapter}\n\n"));
            for line in 0..20 {
                page.push_str(&format!("- item {chapter}/{line} with some words after it\n"));
            }
        }
        page
    }

    #[test]
    fn a_page_that_fits_is_one_part() {
        assert_eq!(chunks("# T\n\ntext\n", 100, 10), ["# T\n\ntext\n"]);
    }

    #[test]
    fn every_part_fits_and_nothing_is_lost() {
        let page = page();
        for budget in [64, 100, 500, 2000] {
            let parts = chunks(&page, budget, 20);
            assert!(parts.len() > 1);
            for part in &parts {
                assert!(tokens(part) <= budget + budget / 4, "{} > {budget}", tokens(part));
            }
            for line in page.lines().filter(|line| !line.is_empty()) {
                assert!(parts.iter().any(|part| part.contains(line)), "{line} is lost");
            }
        }
    }

    #[test]
    fn a_part_begins_with_the_headings_it_stands_under() {
        let parts = chunks(&page(), 200, 0);
        assert!(parts[1..].iter().all(|part| part.starts_with("# Book\n")), "{}", parts[1]);
    }

    #[test]
    fn rows_keep_the_head_of_their_table() {
        let rows: String = (0..100).map(|row| format!("| {row} | some text in a cell |\n")).collect();
        let parts = chunks(&format!("| n | text |\n| --- | --- |\n{rows}"), 200, 0);
        assert!(parts.len() > 2);
        assert!(parts.iter().all(|part| part.starts_with("| n | text |\n| --- |")), "{parts:?}");
    }

    #[test]
    fn a_huge_line_costs_no_more_than_its_length() {
        let parts = chunks(&"word ".repeat(2_000_000), 3000, 0);
        assert!(parts.len() > 1000);
    }

    #[test]
    fn one_endless_line_is_cut_all_the_same() {
        for line in ["word ".repeat(5000), "x".repeat(20_000), "漢".repeat(5000)] {
            let parts = chunks(&line, 300, 0);
            assert_eq!(parts.concat(), line);
            assert!(parts.iter().all(|part| tokens(part) <= 300));
        }
    }
}
