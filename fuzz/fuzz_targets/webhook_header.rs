#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| opilio_fuzz::webhook_header(text));
