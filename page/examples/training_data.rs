//! Writes the text blocks of each page with their features, the input of `training/train.py`.
//!
//! `cargo run --release --example training_data -- PAGES OUT`; PAGES contains `html/ID.html` and `gt.json`. OUT gets
//! `blocks.jsonl`, one page a line, and `rows.f32`, the features of all blocks (32-bit floats, little-endian).

mod decode;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use serde_json::Value;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let usage = "usage: training_data PAGES OUT";
    let mut args = std::env::args().skip(1).map(PathBuf::from);
    let (pages, out) = (args.next().ok_or(usage)?, args.next().ok_or(usage)?);
    std::fs::create_dir_all(&out)?;
    let truth: serde_json::Map<String, Value> = serde_json::from_slice(&std::fs::read(pages.join("gt.json"))?)?;
    let mut blocks = BufWriter::new(File::create(out.join("blocks.jsonl"))?);
    let mut rows = BufWriter::new(File::create(out.join("rows.f32"))?);
    for (id, page) in truth {
        let html = decode::decode(&std::fs::read(pages.join("html").join(format!("{id}.html")))?);
        let url = page["url"].as_str().and_then(|url| url.parse().ok());
        let url = url.unwrap_or_else(|| url::Url::parse("about:blank").expect("a constant"));
        let (mut line, values) = opilio_page::training_data(&html, &url)?;
        line["id"] = Value::from(id);
        serde_json::to_writer(&mut blocks, &line)?;
        blocks.write_all(b"\n")?;
        for value in values {
            rows.write_all(&value.to_le_bytes())?;
        }
    }
    rows.flush()?;
    Ok(blocks.flush()?)
}
