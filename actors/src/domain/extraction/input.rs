//! The text of a page that a model receives.

/// The main content of a page if it has any, else the whole page; as Markdown.
///
/// The title and the first-level headings often lie outside the main content and are added unless it contains them.
pub fn model_input(title: &str, raw_markdown: String, fit_markdown: String) -> String {
    let (title, has_content) = (one_line(title), !fit_markdown.trim().is_empty());
    let text = if has_content { &fit_markdown } else { &raw_markdown };
    if text.trim().is_empty() {
        return String::new();
    }
    let mut lines = Vec::new();
    if !title.is_empty() && !text.contains(&title) {
        lines.push(format!("# {title}"));
    }
    if has_content {
        let headings = raw_markdown.lines().filter(|line| line.starts_with("# ") && !text.contains(*line));
        for heading in headings.map(str::to_owned) {
            if !lines.contains(&heading) {
                lines.push(heading);
            }
        }
    }
    if lines.is_empty() {
        return if has_content { fit_markdown } else { raw_markdown };
    }
    lines.push(text.trim_start_matches('\n').to_owned());
    lines.join("\n\n")
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(title: &str, raw: &str, fit: &str) -> String {
        model_input(title, raw.to_owned(), fit.to_owned())
    }

    #[test]
    fn title_precedes_a_text_that_does_not_contain_it() {
        assert_eq!(input(" A\n title", "text", ""), "# A title\n\ntext");
        assert_eq!(input("A title", "# A title\n\ntext", ""), "# A title\n\ntext");
        assert_eq!(input("", "text", ""), "text");
    }

    #[test]
    fn first_level_headings_outside_the_main_content_are_kept() {
        let raw = "menu\n\n# Lamp\n\n## More\n\n# Price\n\n20";
        assert_eq!(input("Shop", raw, "# Price\n\n20"), "# Shop\n\n# Lamp\n\n# Price\n\n20");
        assert_eq!(input("Lamp", raw, "20"), "# Lamp\n\n# Price\n\n20");
    }

    #[test]
    fn page_without_text_has_no_input() {
        assert_eq!(input("A title", " \n", ""), "");
    }
}
