//! The key in a real keychain: gnome-keyring on a bus of the test's own, in every state it can be in.

use std::time::Duration;

use crate::support::home::{Home, Run, break_at, run};
use crate::support::keyring::{Bus, Keyring};
use crate::support::wallets::{Kind, Wallet};

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
    home.write(".config/seqera-credential-helper/config.toml", "key_cache = 6\n");
    git(&home, "store", LOGIN).ok();
    git(&home, "get", HOST).ok();
    keyring.lock();
    // Each use begins the time anew: together these take longer than that.
    for _ in 0..3 {
        assert_eq!(git(&home, "get", HOST).ok(), "username=alice\npassword=s3cret\n");
        std::thread::sleep(Duration::from_millis(2_500));
    }
    std::thread::sleep(Duration::from_secs(4));
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

fn items(home: &Home) -> usize {
    let search = ["search", "--all", "service", "seqera-credential-helper"];
    let items = home.run("secret-tool", &search, "").out();
    items.lines().filter(|line| line.starts_with('[')).count()
}

#[test]
fn the_key_moves_and_nothing_is_lost() {
    let keyring = Keyring::unlocked();
    let mut home = home("file");
    keyring.join(&mut home);
    git(&home, "store", LOGIN).ok();
    home.set("SEQERA_HELPER_STORE", "auto");
    for (to, in_file, items_left) in
        [("keychain", false, 1), ("file", true, 0), ("file", true, 0), ("keychain", false, 1)]
    {
        home.run("seqera", &["store", "move", to], "").ok();
        assert_eq!((has_key_file(&home), items(&home)), (in_file, items_left), "{to}");
        assert_eq!(git(&home, "get", HOST).ok(), "username=alice\npassword=s3cret\n", "{to}");
    }
}

#[test]
fn a_move_that_is_cut_off_loses_nothing_and_can_be_done_again() {
    let keyring = Keyring::unlocked();
    for (from, to) in [("file", "keychain"), ("keychain", "file")] {
        for point in ["moved", "move-named", "written", "renamed"] {
            let mut home = home(from);
            keyring.join(&mut home);
            git(&home, "store", LOGIN).ok();
            home.set("SEQERA_HELPER_STORE", "auto");
            let mut moving = home.command("seqera");
            moving.args(["store", "move", to]);
            break_at(&mut moving, &format!("{point}=kill"));
            let cut_off = run(moving, "");
            assert!(matches!(cut_off.code(), 0 | 137), "{from} to {to} at {point}: {cut_off:?}");
            assert_eq!(git(&home, "get", HOST).ok(), "username=alice\npassword=s3cret\n", "{to} at {point}");
            git(&home, "store", &LOGIN.replace("example.com", "other.example")).ok();
            home.run("seqera", &["store", "move", to], "").ok();
            assert_eq!(has_key_file(&home), to == "file", "{to} at {point}");
            assert_eq!(git(&home, "get", HOST).ok(), "username=alice\npassword=s3cret\n", "{to} at {point}");
        }
    }
}

#[test]
fn a_locked_keychain_takes_no_key_and_gives_none_up() {
    for (from, to) in [("file", "keychain"), ("keychain", "file")] {
        let keyring = Keyring::unlocked();
        let mut home = home(from);
        keyring.join(&mut home);
        git(&home, "store", LOGIN).ok();
        home.set("SEQERA_HELPER_STORE", "auto");
        keyring.lock();
        refused(home.run("seqera", &["store", "move", to], ""), "locked");
        assert_eq!(has_key_file(&home), from == "file");
    }
}

/// Each store has a key of its own, so neither takes the other's away, and what begins at once in one store shares one.
#[test]
fn first_stores_at_once_keep_what_they_were_given() {
    let keyring = Keyring::unlocked();
    let mut homes = [home("auto"), home("auto")];
    homes.iter_mut().for_each(|home| keyring.join(home));
    std::thread::scope(|scope| {
        for home in &homes {
            for host in ["a.example", "b.example", "c.example"] {
                scope.spawn(move || git(home, "store", &LOGIN.replace("example.com", host)).ok());
            }
        }
    });
    for home in &homes {
        for host in ["a.example", "b.example", "c.example"] {
            let answer = git(home, "get", &HOST.replace("example.com", host)).ok();
            assert_eq!(answer, "username=alice\npassword=s3cret\n");
        }
    }
    assert_eq!(items(&homes[0]), 2);
}

/// Nobody ever made one, and only a person at a screen could: `auto` takes a file, aloud.
#[test]
fn a_keychain_without_a_default_keyring_is_no_place_for_a_key() {
    let keyring = Keyring::without_collection();
    let mut home = home("auto");
    keyring.join(&mut home);
    let first = git(&home, "store", LOGIN).expect(0);
    assert!(first.err().contains("no default keyring") && first.err().lines().count() == 1, "{first:?}");
    assert!(has_key_file(&home));
    assert_eq!(git(&home, "get", HOST).expect(0).err(), "");
    let mut strict = self::home("keychain");
    keyring.join(&mut strict);
    refused(git(&strict, "store", LOGIN), "no default keyring");
}

/// Whoever may write the runtime folder can put a bus there, and would be given the key of every secret.
#[test]
fn a_bus_in_a_folder_that_others_may_write_is_not_asked() {
    use std::os::unix::fs::PermissionsExt;
    let keyring = Keyring::unlocked();
    let folder = keyring.folder();
    for by_address in [true, false] {
        let mut home = home("auto");
        home.set("XDG_RUNTIME_DIR", folder);
        if by_address {
            keyring.join(&mut home);
        }
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o1777)).unwrap();
        let first = git(&home, "store", LOGIN).expect(0);
        assert!(first.err().contains("no keychain") && has_key_file(&home), "{first:?}");
        assert_eq!(items_on(&keyring), 0);
        // The same folder, closed, is asked.
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).unwrap();
        let mut strict = self::home("keychain");
        strict.set("XDG_RUNTIME_DIR", folder);
        git(&strict, "store", LOGIN).ok();
        assert_eq!(items_on(&keyring), 1);
        strict.set("SEQERA_HELPER_STORE", "auto");
        strict.run("seqera", &["store", "move", "file"], "").ok();
    }
}

/// Of 256 keys that are agreed on for a call one begins with a zero, which KWallet refuses.
const REFUSED_KEY: &str = "its service reported an error";
/// On a busy machine it may be slower than we wait.
const SLOW: &str = "did not answer in time";

/// Asks again where a keychain fails for a reason of its own.
#[track_caller]
fn patiently(reasons: &[&str], ask: impl Fn() -> Run) -> Run {
    let fails = |run: &Run| {
        let said = format!("{}{}", run.out(), run.err());
        reasons.iter().any(|words| said.contains(words))
    };
    for _ in 0..4 {
        let run = ask();
        if !fails(&run) {
            return run;
        }
    }
    ask()
}

fn asked(home: &Home, operation: &str, input: &str) -> Run {
    patiently(&[REFUSED_KEY, SLOW], || git(home, operation, input))
}

/// The keychains that people have instead of gnome-keyring.
#[test]
fn keepassxc_and_kwallet_keep_the_key() {
    for kind in [Kind::KeePassXc, Kind::KWallet] {
        let wallet = Wallet::unlocked(kind);
        let (mut home, mut other) = (home("auto"), self::home("auto"));
        for home in [&mut home, &mut other] {
            wallet.join(home);
            let stored = asked(home, "store", LOGIN);
            assert!(stored.code() == 0 && stored.err().is_empty(), "{kind:?}: {stored:?}");
            assert!(!has_key_file(home), "{kind:?}");
            assert_eq!(asked(home, "get", HOST).ok(), "username=alice\npassword=s3cret\n", "{kind:?}");
        }
        let doctor = patiently(&[REFUSED_KEY, SLOW], || home.run("seqera", &["doctor"], "")).ok();
        assert!(doctor.contains("ok    keychain: answers, and has the key"), "{kind:?}: {doctor}");
        for (to, in_file) in [("file", true), ("keychain", false)] {
            patiently(&[REFUSED_KEY, SLOW], || home.run("seqera", &["store", "move", to], "")).ok();
            assert_eq!(has_key_file(&home), in_file, "{kind:?}");
            assert_eq!(asked(&home, "get", HOST).ok(), "username=alice\npassword=s3cret\n", "{kind:?}");
        }
        asked(&other, "get", HOST).ok();
        // Nobody is at a screen to unlock it: that is said in time, and no file is taken instead.
        wallet.lock();
        let locked = patiently(&[REFUSED_KEY], || git(&home, "get", HOST)).expect(STORE);
        assert!(locked.took < PATIENCE && locked.out().is_empty(), "{kind:?}: {locked:?}");
        assert!(
            locked.err().contains("locked") || locked.err().contains("did not answer"),
            "{kind:?}: {locked:?}"
        );
        let mut fresh = self::home("auto");
        wallet.join(&mut fresh);
        patiently(&[REFUSED_KEY], || git(&fresh, "store", LOGIN)).expect(STORE);
        assert!(!has_key_file(&fresh), "{kind:?}");
    }
}

fn items_on(keyring: &Keyring) -> usize {
    let mut home = Home::new();
    keyring.join(&mut home);
    items(&home)
}

#[test]
fn lock_takes_the_key_out_of_the_kernel() {
    let keyring = Keyring::unlocked();
    let mut home = Home::new();
    keyring.join(&mut home);
    // In a session whose keyring does not hold the user's, as in a container: there a key was kept without an end.
    let in_session = |words: &[&str], input: &str| {
        let mut command = home.command("keyctl");
        command.args(["session", "-"]).args(words);
        run(command, input)
    };
    in_session(&["git-credential-seqera", "store"], LOGIN).expect(0);
    for _ in 0..2 {
        in_session(&["git-credential-seqera", "get"], HOST).expect(0);
    }
    let id =
        std::fs::read_to_string(home.path().join(".local/share/seqera-credential-helper/store/keychain"));
    let name = format!("seqera-credential-helper:{}", id.unwrap().trim());
    // proc_keys(5): a key without a time limit says "perm".
    let shown = || {
        let keys = std::fs::read_to_string("/proc/keys").unwrap();
        keys.lines().find(|line| line.contains(&name)).map(str::to_owned)
    };
    let kept = shown().expect("the kernel keeps the key");
    assert!(!kept.contains(" perm "), "{kept}");
    home.run("seqera", &["lock"], "").ok();
    assert!(shown().is_none_or(|line| line.contains(" expd ") || line.contains("--Q")), "{:?}", shown());
}
