//! Schemes, hosts and URLs: a target has one spelling, never holds what could make it look like another, and what a
//! registry is called leads to one key.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seqera_credential_helper::protocol::docker::wire::Server;
use seqera_credential_helper::target::Target;

// A scheme, and on the next line what should be a host.
fuzz_target!(|input: &[u8]| {
    let Some((scheme, authority)) = std::str::from_utf8(input).ok().and_then(|text| text.split_once('\n'))
    else {
        return;
    };
    for target in [
        Target::new(scheme, authority),
        Target::from_url(authority),
        Target::from_url(&format!("{scheme}://{authority}")),
    ] {
        let Some(target) = target else { continue };
        let text = target.to_string();
        assert!(text.is_ascii() && !text.contains(['@', '%', '\\', ' ', '?', '#']), "{text}");
        assert!(!text.chars().any(|c| c.is_ascii_uppercase() || c.is_control()), "{text}");
        assert_eq!(Target::from_url(&text).as_ref(), Some(&target), "one spelling");
        assert_eq!(Target::new(target.scheme(), &target.authority()).as_ref(), Some(&target));
        if target.is_private_enough() && target.scheme() != "https" {
            assert!(target.is_loopback(), "{text}");
        }
    }
    if let Ok(server) = Server::parse(authority) {
        assert!(!server.target.host().is_empty());
    }
});
