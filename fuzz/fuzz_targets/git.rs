//! git's protocol: whatever comes in, what it means never runs out of its line when it is said again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seqera_credential_helper::broker::ServerId;
use seqera_credential_helper::protocol::git::wire::{Answer, Request, parse};
use seqera_credential_helper::target::Target;

fuzz_target!(|input: &[u8]| {
    let Ok(request) = parse(input) else { return };
    if let Some(target) = request.server.as_ref().and_then(ServerId::target) {
        let again = Target::new(target.scheme(), &target.authority());
        assert_eq!(again.as_ref(), Some(target), "one spelling");
    }
    let header = request.authtype.as_ref().zip(request.credential.as_ref());
    let answer = Answer {
        username: request.username.as_ref(),
        password: request.password.as_ref(),
        password_expiry_utc: request.password_expiry_utc,
        oauth_refresh_token: request.oauth_refresh_token.as_ref(),
        header,
        ephemeral: request.ephemeral,
    };
    let said = answer.to_bytes();
    let heard = parse(&said).expect("what we say is well-formed");
    if said.is_empty() {
        return;
    }
    assert_eq!(heard.username, request.username);
    assert_eq!(heard.password, request.password);
    assert_eq!(heard.password_expiry_utc, request.password_expiry_utc);
    assert_eq!(heard.oauth_refresh_token, request.oauth_refresh_token);
    assert_eq!(heard.authtype.zip(heard.credential), header.map(|(a, b)| (a.clone(), b.clone())));
    let Request { server: None, path: None, .. } = heard else { panic!("no host, path or URL is ever said") };
});
