//! The address that a person pastes, or a browser comes back with: nothing counts before its `state` is right.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seqera_credential_helper::oauth::Client;
use seqera_credential_helper::oauth::authorize::Pending;
use seqera_credential_helper::oauth::discovery::Server;
use url::Url;

fuzz_target!(|address: &[u8]| {
    let Ok(address) = std::str::from_utf8(address) else { return };
    let url = |text: &str| Url::parse(text).expect("an address");
    let server = Server {
        issuer: "https://issuer.example".into(),
        authorization: url("https://issuer.example/authorize"),
        token: url("https://issuer.example/token"),
        revocation: None,
        device: None,
        sends_issuer: true,
    };
    let client = Client { id: "client".into(), scopes: Vec::new(), parameters: Vec::new() };
    let pending = Pending::begin(&server, &client, &url("http://127.0.0.1:7777/callback"));
    // Its state is 256 bits of chance, which no input has.
    assert!(pending.check(address).is_err());
});
