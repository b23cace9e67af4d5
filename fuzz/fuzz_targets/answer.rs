#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| opilio::promises::answer(text));
