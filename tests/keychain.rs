//! The key in a real keychain: gnome-keyring on a bus of the test's own, in every state it can be in.

use std::time::Duration;

use crate::support::home::{Home, Run};
use crate::support::keyring::{Bus, Keyring};

const HOST: &str = "protocol=https\nhost=example.com\n";
const LOGIN: &str = "protocol=https\nhost=example.com\nusername=alice\npassword=s3cret\n";

/// The exit code for a store that is locked, denied or unavailable.
const STORE: i32 = 6;

/// Longer than the helper waits for a keychain when nobody is at a terminal (3 s), shorter than its deadline.
const PATIENCE: Duration = Duration::from_secs(6);

/// A home whose helper asks the keychain each time.
fn home(wish: &str) -> Home {
    let mut home = Home::new();
    home.set("SEQERA_HELPER_STORE", wish);
    home.write(".config/seqera-credential-helper/config.toml", "key_cache = 0\n");
    home
}

#[track_caller]
fn git(home: &Home, operation: &str, input: &str) -> Run {
    home.run("git-credential-seqera", &[operation], input)
}

/// Asserts that a call ends in time, with the store's exit code, these words in one line, and no answer.
#[track_caller]
fn refused(run: Run, words: &str) {
    let run = run.expect(STORE);
    assert!(run.took < PATIENCE, "{run:?}");
    assert_eq!(run.out(), "");
    assert!(run.err().contains(words) && run.err().lines().count() == 1, "{run:?}");
}

/// Whether a key lies in a file.
fn has_key_file(home: &Home) -> bool {
    home.path().join(".local/share/seqera-credential-helper/store/key").exists()
}

#[test]
fn one_item_serves_every_credential() {
    for wish in ["auto", "keychain"] {
        let keyring = Keyring::unlocked();
        let mut home = home(wish);
        keyring.join(&mut home);
        assert_eq!(git(&home, "store", LOGIN).expect(0).err(), "");
        git(&home, "store", &LOGIN.replace("example.com", "other.example")).ok();
        assert_eq!(git(&home, "get", HOST).ok(), "username=alice\npassword=s3cret\n");

        let search = ["search", "--all", "service", "seqera-credential-helper"];
        let items = home.run("secret-tool", &search, "").expect(0).out();
        assert_eq!(items.lines().filter(|line| line.starts_with('[')).count(), 1, "{items}");
        assert!(!items.contains("s3cret"), "the keychain has the key and nothing else");
        assert!(!has_key_file(&home));
    }
}

#[test]
fn a_locked_keychain_is_said_to_be_locked() {
    let keyring = Keyring::unlocked();
    let mut home = home("auto");
    keyring.join(&mut home);
    git(&home, "store", LOGIN).ok();
    keyring.lock();
    refused(git(&home, "get", HOST), "locked");
    refused(git(&home, "store", &LOGIN.replace("example.com", "other.example")), "locked");
    refused(git(&home, "erase", HOST), "locked");
    // What is not stored needs no key.
    assert_eq!(git(&home, "get", "protocol=https\nhost=unknown.example\n").ok(), "");
    assert!(!has_key_file(&home));
}

#[test]
fn a_locked_keychain_never_leads_to_a_file() {
    let keyring = Keyring::unlocked();
    let mut home = home("auto");
    keyring.join(&mut home);
    keyring.lock();
    refused(git(&home, "store", LOGIN), "locked");
    assert!(!has_key_file(&home));
}

#[test]
fn a_keychain_that_never_answers_is_not_waited_for() {
    let keyring = Keyring::unlocked();
    let mut home = home("auto");
    keyring.join(&mut home);
    git(&home, "store", LOGIN).ok();
    keyring.stop();
    refused(git(&home, "get", HOST), "did not answer");
    refused(git(&home, "store", &LOGIN.replace("example.com", "other.example")), "did not answer");
    keyring.resume();
    assert_eq!(git(&home, "get", HOST).ok(), "username=alice\npassword=s3cret\n");
    keyring.stop();
    let mut fresh = self::home("auto");
    keyring.join(&mut fresh);
    refused(git(&fresh, "store", LOGIN), "did not answer");
    assert!(!has_key_file(&fresh), "a keychain that is slow is still a keychain");
}

#[test]
fn the_deadline_of_a_call_bounds_the_keychain() {
    let keyring = Keyring::unlocked();
    let mut home = home("keychain");
    keyring.join(&mut home);
    git(&home, "store", LOGIN).ok();
    keyring.stop();
    home.set("SEQERA_HELPER_TIMEOUT_MS", "300");
    let run = git(&home, "get", HOST);
    assert!(run.took < Duration::from_secs(2), "{run:?}");
    assert!(matches!(run.code(), 6 | 8) && run.out().is_empty(), "{run:?}");
}

#[test]
fn without_a_bus_auto_takes_a_file_and_says_so_once() {
    let home = home("auto");
    let first = git(&home, "store", LOGIN).expect(0);
    assert!(first.err().contains("no keychain") && first.err().lines().count() == 1, "{first:?}");
    assert!(has_key_file(&home));
    assert_eq!(git(&home, "store", LOGIN).expect(0).err(), "");
    let got = git(&home, "get", HOST).expect(0);
    assert_eq!((got.out().as_str(), got.err().as_str()), ("username=alice\npassword=s3cret\n", ""));
}

#[test]
fn without_a_bus_a_wish_for_the_keychain_is_not_granted() {
    let home = home("keychain");
    refused(git(&home, "store", LOGIN), "no keychain");
    assert!(!has_key_file(&home));
}

#[test]
fn a_bus_without_a_secret_service_is_no_keychain() {
    let bus = Bus::start();
    let mut home = home("keychain");
    bus.join(&mut home);
    refused(git(&home, "store", LOGIN), "no keychain");
}

#[test]
fn a_keychain_that_went_away_is_missed() {
    let keyring = Keyring::unlocked();
    let mut home = home("auto");
    keyring.join(&mut home);
    git(&home, "store", LOGIN).ok();
    drop(keyring);
    refused(git(&home, "get", HOST), "no keychain");
    refused(git(&home, "store", LOGIN), "no keychain");
    assert!(!has_key_file(&home));
}

#[test]
fn another_keychain_does_not_have_the_key() {
    let (first, second) = (Keyring::unlocked(), Keyring::unlocked());
    let mut home = home("auto");
    first.join(&mut home);
    git(&home, "store", LOGIN).ok();
    second.join(&mut home);
    refused(git(&home, "get", HOST), "no longer has the key");
    first.join(&mut home);
    git(&home, "get", HOST).ok();
}

#[test]
fn the_kernel_keeps_the_key_for_a_while() {
    let keyring = Keyring::unlocked();
    let mut home = home("auto");
    keyring.join(&mut home);
    home.write(".config/seqera-credential-helper/config.toml", "key_cache = 2\n");
    git(&home, "store", LOGIN).ok();
    git(&home, "get", HOST).ok();
    keyring.lock();
    // Each use begins the time anew: together these take longer than two seconds.
    for _ in 0..3 {
        assert_eq!(git(&home, "get", HOST).ok(), "username=alice\npassword=s3cret\n");
        std::thread::sleep(Duration::from_secs(1));
    }
    std::thread::sleep(Duration::from_secs(2));
    refused(git(&home, "get", HOST), "locked");
}

#[test]
fn docker_clients_are_told_on_standard_output() {
    let keyring = Keyring::unlocked();
    let mut home = home("auto");
    keyring.join(&mut home);
    let login = r#"{"ServerURL":"r.example","Username":"alice","Secret":"s3cret"}"#;
    home.run("docker-credential-seqera", &["store"], login).ok();
    keyring.lock();
    let run = home.run("docker-credential-seqera", &["get"], "r.example");
    assert!(run.code() != 0 && run.out().contains("locked") && run.out().lines().count() == 1, "{run:?}");
    // What an absent credential is called must not be what a locked keychain is called.
    assert!(!run.out().contains("credentials not found"));
}
