#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| heaptape_fuzz::tape(bytes));
