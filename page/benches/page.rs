//! The cost of reading a page relative to parsing it: at most 2.5 times, with main content 5 times.
//!
//! `cargo bench -p opilio-page`; the last two lines contain the ratios.

mod article;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use opilio_page::{ContentFilter, Limits, Options, parse_only, read};

fn main() {
    let html = article::article();
    let url = url::Url::parse("https://daily.example/story/7").expect("a constant");
    let (options, limits) = (Options::default(), Limits::default());
    let parse = || black_box(parse_only(black_box(&html)));
    let whole = || black_box(read(black_box(&html), &url, &options, &limits)).map(drop).expect("within the limits");
    let fit_options = Options { content_filter: Some(ContentFilter::default()), ..Options::default() };
    let fit = || black_box(read(black_box(&html), &url, &fit_options, &limits)).map(drop).expect("within the limits");

    let mut criterion = Criterion::default().configure_from_args().without_plots();
    let mut group = criterion.benchmark_group("article");
    group.throughput(Throughput::Bytes(html.len() as u64));
    group.bench_function("parse only", |bencher| bencher.iter(parse));
    group.bench_function("read", |bencher| bencher.iter(whole));
    group.bench_function("read with main content", |bencher| bencher.iter(fit));
    group.finish();
    criterion.final_summary();

    for (name, bound, (parse, read)) in
        [("read", 2.5, medians(parse, whole)), ("read with main content", 5.0, medians(parse, fit))]
    {
        let ratio = read.as_secs_f64() / parse.as_secs_f64();
        println!("{} bytes: parse only {parse:?}, {name} {read:?}, ratio {ratio:.2} (at most {bound})", html.len());
    }
}

/// The median times of two functions, measured alternately so that other load affects both.
fn medians<A, B>(one: impl Fn() -> A, other: impl Fn() -> B) -> (Duration, Duration) {
    let mut ones = Vec::new();
    let mut others = Vec::new();
    for _ in 0..501 {
        ones.push(timed(&one));
        others.push(timed(&other));
    }
    ones.sort();
    others.sort();
    (ones[ones.len() / 2], others[others.len() / 2])
}

fn timed<A>(work: &impl Fn() -> A) -> Duration {
    let start = Instant::now();
    drop(work());
    start.elapsed()
}
