//! `seqera store`. Moving the key into a keychain and out of it is in `tests/keychain.rs`.

use super::*;

#[test]
fn it_says_where_the_secrets_rest_without_opening_them() {
    let home = Home::with_file_store();
    let report = |home: &Home| home.run("seqera", &["store"], "").ok();
    assert!(report(&home).contains("made when something is first stored"));
    keep(&home, "h.example", "u", "p");
    keep(&home, "h.example", "v", "p");
    let shown = report(&home);
    assert!(shown.contains(store_of(&home).to_str().unwrap()) && shown.contains("2 (git)"), "{shown}");
    let json = home.run("seqera", &["store", "--json"], "").ok();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((json["key"].as_str(), json["secrets"][0]["count"].as_u64()), (Some("file"), Some(2)));
}

#[test]
fn a_key_that_is_not_there_does_not_move() {
    let mut home = Home::new();
    home.set("SEQERA_HELPER_STORE", "auto");
    for to in ["file", "keychain"] {
        let run = home.run("seqera", &["store", "move", to], "").expect(6);
        assert!(run.err().contains("SEQERA_HELPER_STORE"), "{run:?}");
    }
    assert!(!store_of(&home).exists());
}

#[test]
fn without_a_keychain_the_key_stays_in_its_file() {
    let mut home = Home::new();
    home.set("SEQERA_HELPER_STORE", "auto");
    git(&home, "store", format!("{}{}", at("h.example"), answer("u", "p"))).expect(0);
    refused(home.run("seqera", &["store", "move", "keychain"], ""), "no keychain");
    assert_eq!(git(&home, "get", at("h.example")).ok(), answer("u", "p"));
    home.run("seqera", &["store", "move", "file"], "").ok();
    home.set("SEQERA_HELPER_STORE", "file");
    let run = home.run("seqera", &["store", "move", "keychain"], "").expect(2);
    assert!(run.err().contains("SEQERA_HELPER_STORE"), "{run:?}");
}
