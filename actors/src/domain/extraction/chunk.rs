//! Splits a long page into chunks that fit a model's context, between headings, paragraphs, list items and table rows.

/// An estimate of the tokens in `text`, without a tokenizer: an upper bound for common vocabularies and ordinary text.
pub fn tokens(text: &str) -> usize {
    let ascii = text.bytes().filter(u8::is_ascii).count();
    let others = text.chars().filter(|c| !c.is_ascii()).count();
    ascii.div_ceil(3) + others
}

/// The page as one chunk if it fits into `budget` tokens, else chunks that each fit. A chunk begins with the headings above
/// it, with the header of a table that continues in it, and with the last `overlap` tokens of the chunk before.
pub fn chunks(page: &str, budget: usize, overlap: usize) -> Vec<String> {
    let budget = budget.max(MIN_BUDGET);
    if tokens(page) <= budget {
        return vec![page.to_owned()];
    }
    let mut chunker = Chunker { budget, overlap: overlap.min(budget / 4), ..Chunker::default() };
    for line in page.split_inclusive('\n') {
        chunker.line(line);
    }
    chunker.finish()
}

/// The minimum budget; smaller chunks have too little context.
pub const MIN_BUDGET: usize = 64;

/// A heading begins a new chunk if the current one has at least this percentage of its budget.
const FULL_ENOUGH: usize = 60;

#[derive(Default)]
struct Chunker {
    budget: usize,
    overlap: usize,
    done: Vec<String>,
    /// The headings and table header at the beginning of the chunk.
    lead: String,
    lines: Vec<String>,
    size: usize,
    /// The headings above the current line, with their levels.
    headings: Vec<(usize, String)>,
    table_header: Vec<String>,
}

impl Chunker {
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
            self.table_header.clear();
        } else if self.table_header.len() < 2 {
            self.table_header.push(line.to_owned());
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
        let mut chunk = std::mem::take(&mut self.lead);
        chunk.extend(self.lines.iter().map(String::as_str));
        self.done.push(chunk);
        let (mut repeated, mut size) = (Vec::new(), 0);
        for line in std::mem::take(&mut self.lines).into_iter().rev() {
            size += tokens(&line);
            if !with_overlap || size > self.overlap {
                break;
            }
            repeated.push(line);
        }
        repeated.reverse();
        self.lead = self.lead();
        self.lines = repeated;
        self.size = tokens(&self.lead) + self.lines.iter().map(|line| tokens(line)).sum::<usize>();
    }

    /// The headings and table header, unless they use more than a quarter of the budget.
    fn lead(&self) -> String {
        let mut lead: String = self.headings.iter().map(|(_, line)| line.as_str()).collect();
        lead.extend(self.table_header.iter().map(String::as_str));
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

/// Splits a line that does not fit: after sentences, else after words, else anywhere.
fn pieces(line: &str, max_tokens: usize) -> Vec<String> {
    let (mut pieces, mut rest) = (Vec::new(), line);
    while let Some(end) = overrun(rest, max_tokens) {
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

/// The byte offset at which the text exceeds `max_tokens`; `None` if it does not.
fn overrun(text: &str, max_tokens: usize) -> Option<usize> {
    let mut size = 0;
    for (at, c) in text.char_indices() {
        // Three ASCII characters count as one token, every other character as one.
        size += if c.is_ascii() { 1 } else { 3 };
        if size > max_tokens.saturating_mul(3) {
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
    fn page_that_fits_is_one_chunk() {
        assert_eq!(chunks("# T\n\ntext\n", 100, 10), ["# T\n\ntext\n"]);
    }

    #[test]
    fn every_chunk_fits_and_no_line_is_lost() {
        let page = page();
        for budget in [64, 100, 500, 2000] {
            let chunks = chunks(&page, budget, 20);
            assert!(chunks.len() > 1);
            for chunk in &chunks {
                assert!(tokens(chunk) <= budget + budget / 4, "{} > {budget}", tokens(chunk));
            }
            for line in page.lines().filter(|line| !line.is_empty()) {
                assert!(chunks.iter().any(|chunk| chunk.contains(line)), "{line} is lost");
            }
        }
    }

    #[test]
    fn chunk_begins_with_the_headings_above_it() {
        let chunks = chunks(&page(), 200, 0);
        assert!(chunks[1..].iter().all(|chunk| chunk.starts_with("# Book\n")), "{}", chunks[1]);
    }

    #[test]
    fn table_rows_keep_their_header() {
        let rows: String = (0..100).map(|row| format!("| {row} | some text in a cell |\n")).collect();
        let chunks = chunks(&format!("| n | text |\n| --- | --- |\n{rows}"), 200, 0);
        assert!(chunks.len() > 2);
        assert!(chunks.iter().all(|chunk| chunk.starts_with("| n | text |\n| --- |")), "{chunks:?}");
    }

    #[test]
    fn huge_line_is_split_in_linear_time() {
        let chunks = chunks(&"word ".repeat(2_000_000), 3000, 0);
        assert!(chunks.len() > 1000);
    }

    #[test]
    fn line_without_sentences_or_words_is_split() {
        for line in ["word ".repeat(5000), "x".repeat(20_000), "漢".repeat(5000)] {
            let chunks = chunks(&line, 300, 0);
            assert_eq!(chunks.concat(), line);
            assert!(chunks.iter().all(|chunk| tokens(chunk) <= 300));
        }
    }
}
