#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| opilio_fuzz::page(bytes));
