//! Where the key goes: `SEQERA_HELPER_STORE`. What has to do with a keychain is in `tests/keychain.rs`.

use super::*;

fn with_store(value: &str) -> Home {
    let mut home = Home::new();
    home.set("SEQERA_HELPER_STORE", value);
    home
}

fn storing(home: &Home, host: &str) -> Run {
    git(home, "store", format!("{}{}", at(host), answer("u", "p")))
}

#[test]
fn who_asks_for_a_file_gets_it_without_words() {
    let first = storing(&with_store("file"), "h.example").expect(0);
    assert!(first.stderr.is_empty(), "{first:?}");
}

#[test]
fn a_store_does_not_change_its_place_by_a_word() {
    let mut home = with_store("file");
    storing(&home, "h.example").ok();
    home.set("SEQERA_HELPER_STORE", "keychain");
    refused(git(&home, "get", at("h.example")), "is in a file, but SEQERA_HELPER_STORE says 'keychain'");
    refused(storing(&home, "i.example"), "is in a file, but SEQERA_HELPER_STORE says 'keychain'");
    home.set("SEQERA_HELPER_STORE", "auto");
    assert_eq!(git(&home, "get", at("h.example")).ok(), answer("u", "p"));
}

#[test]
fn a_word_we_do_not_know_is_no_wish() {
    for value in ["none", "FILE", "plain", "file,keychain"] {
        let run = storing(&with_store(value), "h.example").expect(2);
        assert!(run.err().contains("SEQERA_HELPER_STORE") && run.err().contains("'keychain'"), "{run:?}");
        assert!(!run.err().contains(value) || value == "file,keychain", "{run:?}");
    }
}
