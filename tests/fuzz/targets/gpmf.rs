#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| autocut_fuzz::read("Gpmf", bytes));
