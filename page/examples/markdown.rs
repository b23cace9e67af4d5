//! Reads every `*.html` of a folder and writes its raw Markdown beside, as `*.md` of another: what scorers read.
//!
//! `cargo run --example markdown -- FROM TO [BASE]`

use std::path::PathBuf;
use std::time::Instant;

use opilio_page::{Limits, Options, read};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let usage = "usage: markdown FROM TO [BASE]";
    let (from, to) = (PathBuf::from(args.next().ok_or(usage)?), PathBuf::from(args.next().ok_or(usage)?));
    let base = args.next().unwrap_or_else(|| "about:blank".to_owned());
    let base = url::Url::parse(&base)?;
    std::fs::create_dir_all(&to)?;
    let start = Instant::now();
    let mut pages = 0;
    for entry in std::fs::read_dir(from)? {
        let path = entry?.path();
        let Some(name) = path.file_stem().filter(|_| path.extension().is_some_and(|end| end == "html")) else {
            continue;
        };
        let html = String::from_utf8_lossy(&std::fs::read(&path)?).into_owned();
        let page = read(&html, &base, &Options::default(), &Limits::default())?;
        std::fs::write(to.join(name).with_extension("md"), page.markdown.raw_markdown)?;
        pages += 1;
    }
    println!("{pages} pages in {:.2?}", start.elapsed());
    Ok(())
}
