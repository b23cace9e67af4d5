//! Converts every `*.html` in a folder to `*.md` in another, for `training/score.py`.
//!
//! `cargo run --example markdown -- FROM TO [BASE]` writes the raw Markdown, `-- --fit FROM TO` the fit Markdown,
//! and names the pages whose fit Markdown is not a subsequence of the raw. The URLs of the pages come from `gt.json` next to FROM, if it exists.

mod decode;
#[path = "../tests/subsequence/mod.rs"]
mod subsequence;

use std::path::PathBuf;
use std::time::Instant;

use opilio_page::{ContentFilter, Limits, Options, read};
use serde_json::Value;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1).peekable();
    let usage = "usage: markdown [--fit] FROM TO [BASE]";
    let fit = args.next_if_eq("--fit").is_some();
    let options = Options { content_filter: fit.then(ContentFilter::default), ..Options::default() };
    let (from, to) = (PathBuf::from(args.next().ok_or(usage)?), PathBuf::from(args.next().ok_or(usage)?));
    let base = args.next().unwrap_or_else(|| "about:blank".to_owned());
    let base = url::Url::parse(&base)?;
    let truth = std::fs::read(from.join("../gt.json")).ok().map(|bytes| serde_json::from_slice::<Value>(&bytes));
    let truth = truth.transpose()?.unwrap_or_default();
    std::fs::create_dir_all(&to)?;
    let start = Instant::now();
    let mut pages = 0;
    for entry in std::fs::read_dir(from)? {
        let path = entry?.path();
        let Some(name) = path
            .file_stem()
            .and_then(|name| name.to_str())
            .filter(|_| path.extension().is_some_and(|end| end == "html"))
        else {
            continue;
        };
        let html = decode::decode(&std::fs::read(&path)?);
        let url = Some(name).and_then(|id| truth.get(id)?.get("url")?.as_str()).and_then(|url| url.parse().ok());
        let markdown = read(&html, &url.unwrap_or_else(|| base.clone()), &options, &Limits::default())?.markdown;
        if let Some(contradiction) = subsequence::contradiction(&markdown.raw_markdown, &markdown.fit_markdown) {
            println!("{name}: {contradiction} of the fit Markdown does not follow in the raw Markdown");
        }
        let written = if fit { markdown.fit_markdown } else { markdown.raw_markdown };
        std::fs::write(to.join(name).with_extension("md"), written)?;
        pages += 1;
    }
    println!("{pages} pages in {:.2?}", start.elapsed());
    Ok(())
}
