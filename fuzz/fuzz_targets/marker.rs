//! The marker by which our own exports are known: a token that was not exported by us is never taken for ours.
#![no_main]

use std::ffi::OsString;

use libfuzzer_sys::fuzz_target;
use seqera_credential_helper::session::exports::{MARKER, Ours};

// The marker, a variable's name and its value, on lines of their own.
fuzz_target!(|input: &[u8]| {
    let mut lines = input.splitn(3, |byte| *byte == b'\n');
    let mut next = || lines.next().unwrap_or_default();
    let (marker, name, value) = (next(), next(), next());
    let (Ok(marker), Ok(name)) = (std::str::from_utf8(marker), std::str::from_utf8(name)) else { return };
    let env =
        |asked: &str| (asked == MARKER).then(|| OsString::from(marker)).filter(|value| !value.is_empty());
    let Some(ours) = Ours::in_env(&env) else {
        assert!(marker.is_empty());
        return;
    };
    let _ = ours.profile();
    // To be taken for ours, the marker must hold the print of the value: nobody writes one without the value.
    if ours.is_token(value) {
        assert!(marker.len() >= 16, "{marker}");
    }
    let _ = ours.is_variable(name, value);
});
