//! Every door, as a program that is called in any way with any input: whole runs over a broker in memory. An answer is
//! whole, and only an operation that says so destroys anything.
#![no_main]

use std::ffi::OsString;

use libfuzzer_sys::fuzz_target;
use seqera_credential_helper::broker::Broker;
use seqera_credential_helper::protocol::{PROTOCOLS, serve};

const NAMES: [&str; 4] =
    ["seqera-credential-helper", "git-credential-seqera", "docker-credential-seqera", "git-credential-"];

// The first byte picks the name, the first line the words, and what follows is the input.
fuzz_target!(|data: &[u8]| {
    let Some((pick, rest)) = data.split_first() else { return };
    let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    let (words, mut input) = (&rest[..end], rest.get(end + 1..).unwrap_or_default());
    let words = String::from_utf8_lossy(words).into_owned();
    let words: Vec<&str> = words.split(' ').filter(|word| !word.is_empty()).collect();
    let args: Vec<OsString> = std::iter::once(NAMES[usize::from(*pick) % NAMES.len()])
        .chain(words.iter().copied())
        .map(OsString::from)
        .collect();

    let broker = Broker::in_memory();
    let call = |args: &[OsString], mut input: &[u8]| {
        let mut output = Vec::new();
        let code = serve(PROTOCOLS, args, &mut input, &mut output, &broker);
        (code.unwrap_or_else(|error| error.exit_code()), output)
    };
    let known = |name: &str, operation: &str, input: &str| {
        call(&[OsString::from(name), OsString::from(operation)], input.as_bytes())
    };
    known(NAMES[1], "store", "protocol=https\nhost=kept.example\nusername=u\npassword=p\n");
    known(NAMES[2], "store", r#"{"ServerURL":"kept.example","Username":"u","Secret":"p"}"#);

    let mut output = Vec::new();
    let outcome = serve(PROTOCOLS, &args, &mut input, &mut output, &broker);
    assert!(output.is_empty() || output.ends_with(b"\n"), "half a line");
    assert!(outcome.is_ok() || output.is_empty(), "an answer and an error");
    if let Err(error) = &outcome {
        assert!(!error.to_string().chars().any(char::is_control), "{error}");
    }
    if !words.iter().any(|word| ["store", "erase"].contains(word)) {
        let (_, kept) = known(NAMES[1], "get", "protocol=https\nhost=kept.example\n");
        assert_eq!(kept, b"username=u\npassword=p\n");
        assert_eq!(known(NAMES[2], "get", "kept.example").0, 0);
    }
});
