#![no_main]
use libfuzzer_sys::fuzz_target;
use seqera_credential_helper::target::Target;
fuzz_target!(|data: &[u8]| {
    if let Ok(s) = std::str::from_utf8(data) {
        if let Some(t) = Target::from_url(s) { assert!(t.host() != "abc.de" , "found"); }
    }
});
