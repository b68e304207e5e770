#![no_main]

use trace_recorder::foreign::ImportFormat;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| heaptape_fuzz::trace(ImportFormat::Logalloc, bytes));
