//! What holds of every file, however broken: it is read, or refused, without a
//! panic. libFuzzer's own limits (see the Makefile) watch over memory and time.

use autocut::telemetry::{FORMATS, clean, columns, in_memory};

/// Reads bytes as a format of telemetry, then cleans and stores what was read.
///
/// # Panics
///
/// Where what was read is not sound.
pub fn read(format: &str, bytes: &[u8]) {
    let format = FORMATS.iter().find(|known| known.name() == format).expect("a format of the table");
    let Ok((log, summary)) = in_memory(|out| (format.plain)(&mut &*bytes, None, out)) else { return };
    assert_eq!(summary.samples, log.times.len() as u64);
    assert!(log.times.windows(2).all(|pair| pair[0] < pair[1]));
    assert!(log.channels.iter().all(|channel| channel.values.len() == log.times.len()));
    assert!(log.channels.iter().flat_map(|channel| &channel.values).all(|value| !value.is_infinite()));
    assert_eq!(columns::decode(&columns::encode(&log)).map(|log| log.times), Some(log.times.clone()));
    clean(&log, 5_000);
}
