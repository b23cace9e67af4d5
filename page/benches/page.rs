//! What reading a page costs, beside what parsing it alone costs: the design allows 2.5 times as much.
//!
//! `cargo bench -p opilio-page`; the last line gives the ratio.

mod article;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use opilio_page::{Limits, Options, parse_only, read};

fn main() {
    let html = article::article();
    let url = url::Url::parse("https://daily.example/story/7").expect("a constant");
    let (options, limits) = (Options::default(), Limits::default());
    let parse = || black_box(parse_only(black_box(&html)));
    let whole = || black_box(read(black_box(&html), &url, &options, &limits)).map(drop).expect("it is readable");

    let mut criterion = Criterion::default().configure_from_args().without_plots();
    let mut group = criterion.benchmark_group("article");
    group.throughput(Throughput::Bytes(html.len() as u64));
    group.bench_function("bare parse", |bencher| bencher.iter(parse));
    group.bench_function("read", |bencher| bencher.iter(whole));
    group.finish();
    criterion.final_summary();

    let (parse, whole) = medians(parse, whole);
    let ratio = whole.as_secs_f64() / parse.as_secs_f64();
    println!("{} bytes: bare parse {parse:?}, read {whole:?}, ratio {ratio:.2} (at most 2.5)", html.len());
}

/// By turns, so that whatever else the machine does falls on both.
fn medians<A, B>(mut one: impl FnMut() -> A, mut other: impl FnMut() -> B) -> (Duration, Duration) {
    let mut ones = Vec::new();
    let mut others = Vec::new();
    for _ in 0..501 {
        ones.push(timed(&mut one));
        others.push(timed(&mut other));
    }
    ones.sort();
    others.sort();
    (ones[ones.len() / 2], others[others.len() / 2])
}

fn timed<A>(work: &mut impl FnMut() -> A) -> Duration {
    let start = Instant::now();
    drop(work());
    start.elapsed()
}
