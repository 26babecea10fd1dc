#![no_main]

use autocut::telemetry::columns;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Some(log) = columns::decode(bytes) {
        assert_eq!(columns::decode(&columns::encode(&log)).map(|again| again.times), Some(log.times));
    }
});
