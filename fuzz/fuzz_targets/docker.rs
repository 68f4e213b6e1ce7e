//! docker's protocol: servers have one spelling, and what is stored comes back as it was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seqera_credential_helper::protocol::docker::wire::{Server, got, parse_store};

fuzz_target!(|input: &[u8]| {
    if let Ok(text) = std::str::from_utf8(input)
        && let Ok(server) = Server::parse(text)
    {
        let spelt = format!("{}/{}", server.target, server.path);
        assert_eq!(Server::parse(&spelt).as_ref(), Ok(&server), "one spelling");
        assert!(server.is_within(&server.path));
    }
    if let Ok(stored) = parse_store(input) {
        assert!(!stored.username.is_empty() && !stored.secret.is_empty());
        let said = got(&stored.server_url, &stored.username, &stored.secret).expect("text comes from text");
        assert_eq!(said.iter().filter(|byte| **byte == b'\n').count(), 1, "one line");
        let again = parse_store(&said).expect("what we say can be stored");
        assert_eq!(again.server, stored.server);
        assert_eq!(again.username, stored.username);
        assert_eq!(again.secret, stored.secret);
    }
});
