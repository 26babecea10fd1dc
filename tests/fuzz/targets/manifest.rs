#![no_main]

use autocut::exec::workspace;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let kinds = workspace::kinds();
    let (manifest, problems) = autocut::manifest::load("autocut.ron".as_ref(), text, &kinds.as_kinds());
    assert_eq!(manifest.is_none(), problems.has_errors());
});
