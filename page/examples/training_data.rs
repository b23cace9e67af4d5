//! Writes the text blocks of each page with their features as lines of JSON, the input of `training/train.py`.
//!
//! `cargo run --release --example training_data -- PAGES > blocks.jsonl`; PAGES contains `html/ID.html` and `gt.json`.

use std::io::Write;
use std::path::PathBuf;

use serde_json::Value;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pages = PathBuf::from(std::env::args().nth(1).ok_or("usage: training_data PAGES")?);
    let truth: serde_json::Map<String, Value> = serde_json::from_slice(&std::fs::read(pages.join("gt.json"))?)?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for (id, page) in truth {
        let html = std::fs::read(pages.join("html").join(format!("{id}.html")))?;
        let html = String::from_utf8_lossy(&html);
        let url = url::Url::parse(page["url"].as_str().unwrap_or("about:blank"))?;
        let mut line = opilio_page::training_data(&html, &url)?;
        line["id"] = Value::from(id);
        serde_json::to_writer(&mut out, &line)?;
        out.write_all(b"\n")?;
    }
    Ok(out.flush()?)
}
