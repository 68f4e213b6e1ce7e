//! The state line, which anybody's file may stand for: what a prompt shows of it acts on no terminal and no shell.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seqera_credential_helper::os::terminal::acts;
use seqera_credential_helper::session::mark::Mark;

fuzz_target!(|line: &[u8]| {
    let Ok(line) = std::str::from_utf8(line) else { return };
    let Some(mark) = Mark::parse(line) else { return };
    // Names are in the letters of every script; of ASCII, which shells act on, only these.
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '?' | '/' | '@' | '.');
    let harmless = |c: char| if c.is_ascii() { plain(c) } else { !acts(c) };
    assert!(mark.label.chars().all(harmless), "{}", mark.label);
    assert!(mark.generation.chars().all(plain), "{}", mark.generation);
    for now in [0, 1_000_000_000, mark.next, mark.warn, mark.end, u64::MAX] {
        let _ = mark.state_at(now);
    }
});
