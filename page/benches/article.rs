//! A generated article page of about 50 KB, as a news site serves it, with navigation; always the same.

use std::fmt::Write as _;

const WORDS: [&str; 48] = [
    "river",
    "early",
    "council",
    "market",
    "window",
    "summer",
    "theory",
    "garden",
    "simple",
    "record",
    "village",
    "engine",
    "teacher",
    "metal",
    "harvest",
    "signal",
    "pattern",
    "railway",
    "history",
    "student",
    "border",
    "private",
    "winter",
    "music",
    "the",
    "of",
    "and",
    "to",
    "in",
    "with",
    "under",
    "after",
    "although",
    "because",
    "beyond",
    "for",
    "from",
    "this",
    "that",
    "was",
    "were",
    "has",
    "shows",
    "carries",
    "builds",
    "reaches",
    "describes",
    "follows",
];

/// Generates text from a fixed seed.
struct Words(u32);

impl Words {
    fn number(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as usize % limit
    }

    fn word(&mut self) -> &'static str {
        WORDS[self.number(WORDS.len())]
    }

    fn words(&mut self, count: usize) -> String {
        (0..count).map(|_| self.word()).collect::<Vec<_>>().join(" ")
    }

    fn sentence(&mut self) -> String {
        let count = 6 + self.number(14);
        let mut sentence = self.words(count);
        sentence[..1].make_ascii_uppercase();
        sentence + ". "
    }

    fn paragraph(&mut self) -> String {
        let mut out = String::from("<p class=\"article__paragraph\">");
        for _ in 0..4 + self.number(4) {
            out += &self.sentence();
            match self.number(9) {
                0 => write!(out, "<a href=\"/story/{}\">{}</a> ", self.number(500), self.words(3)),
                1 => write!(out, "<strong>{}</strong> ", self.words(2)),
                2 => write!(out, "<em>{}</em>, {} &amp; {}. ", self.word(), self.word(), self.word()),
                3 => write!(out, "<code>{}_{}()</code> ", self.word(), self.word()),
                _ => Ok(()),
            }
            .expect("writing to a string does not fail");
        }
        out + "</p>\n"
    }
}

fn head(words: &mut Words) -> String {
    let (title, description) = (words.words(6), words.words(20));
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"description\" content=\"{description}\">
<meta property=\"og:title\" content=\"{title}\"><meta property=\"og:type\" content=\"article\">
<meta property=\"og:image\" content=\"/img/1.jpg\"><link rel=\"stylesheet\" href=\"/style.css\">
<style>{}</style><script>{}</script></head>\n",
        ".a__b { margin: 0 auto; padding: 1px 2px }\n".repeat(60),
        "window.dataLayer = window.dataLayer || []; function gtag() { dataLayer.push(arguments); }\n".repeat(40),
    )
}

fn navigation(words: &mut Words) -> String {
    let mut out =
        String::from("<body class=\"single single-post\"><header class=\"site-header\"><nav><ul class=\"nav\">\n");
    for item in 0..24 {
        let text = words.words(2);
        let _ = writeln!(
            out,
            "<li class=\"nav-item menu-item-{item}\"><a class=\"nav-link\" href=\"/section/{item}\">{text}</a></li>"
        );
    }
    out + "</ul></nav></header>\n<main><article class=\"article\">\n"
}

fn table(words: &mut Words) -> String {
    let mut out = String::from(
        "<table class=\"article__table\"><thead><tr><th>Name</th><th>Count</th><th>Share</th></tr></thead><tbody>\n",
    );
    for _ in 0..12 {
        let (name, count) = (words.words(2), words.number(9999));
        let _ = writeln!(out, "<tr><td>{name}</td><td>{count}</td><td>{}%</td></tr>", words.number(100));
    }
    out + "</tbody></table>\n"
}

fn aside(words: &mut Words) -> String {
    let mut out = String::from("</article><aside><ul class=\"teasers\">\n");
    for item in 0..20 {
        let (alt, text) = (words.words(3), words.words(8));
        let _ = writeln!(
            out,
            "<li class=\"teaser\"><a href=\"https://partner{}.example/{item}\"><img src=\"/img/t{item}.gif\" alt=\"{alt}\" \
             width=\"300\" height=\"200\"><span class=\"teaser__title\">{text}</span></a></li>",
            item % 7,
        );
    }
    out + "</ul></aside></main><footer><p>&copy; 2025 The Daily Example</p></footer></body></html>\n"
}

/// The HTML of the page.
pub fn article() -> String {
    let mut words = Words(7);
    let mut out = head(&mut words) + &navigation(&mut words);
    let title = words.words(6);
    let _ = writeln!(out, "<h1>{title}</h1>");
    for section in 0.. {
        if out.len() > 42_000 {
            break;
        }
        let heading = words.words(5);
        let _ = writeln!(out, "<h2 class=\"article__heading\" id=\"s{section}\">{heading}</h2>");
        for _ in 0..3 {
            out += &words.paragraph();
        }
        match section % 4 {
            0 => {
                let caption = words.words(8);
                let _ = writeln!(
                    out,
                    "<figure><img src=\"/img/f{section}.jpg\" srcset=\"/img/f{section}.jpg 400w, /img/f{section}-2.jpg 800w\" alt=\"{caption}\"><figcaption>{caption}</figcaption></figure>"
                );
            }
            1 => out += &table(&mut words),
            2 => {
                let items: String = (0..5).map(|_| format!("<li>{}</li>\n", words.sentence())).collect();
                let _ = writeln!(out, "<ol>{items}</ol>");
            }
            _ => {
                let quote = words.sentence();
                let _ = writeln!(
                    out,
                    "<blockquote><p>{quote}</p></blockquote><pre><code class=\"language-rust\">let a = 1;\nlet b = a + 1;\n</code></pre>"
                );
            }
        }
    }
    out + &aside(&mut words)
}
