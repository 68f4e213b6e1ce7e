//! git's own test suites for credential helpers, run against ours.

use crate::support::gits;
use crate::support::home::{Home, run};
use crate::support::keyring::Keyring;

/// Runs a script of git's test library in `t/` of git's source, and asserts that every one of its cases holds.
#[track_caller]
fn holds(home: &Home, script: &str, cases: usize) {
    let git = gits::current();
    let mut shell = home.command("sh");
    shell.current_dir(gits::source().join("t"));
    shell.arg(script).arg(format!("--root={}", home.path().join("trash").display()));
    shell.env("GIT_TEST_INSTALLED", git.parent().unwrap());
    shell.env("GIT_TEST_CREDENTIAL_HELPER", "seqera");
    // The longest value that fits git's longest line.
    shell.env("GIT_TEST_LONG_CRED_BUFFER", "65000");
    shell.env("TEST_OUTPUT_DIRECTORY_OVERRIDE", home.path().join("trash"));
    let outcome = run(shell, "").expect(0);
    assert!(outcome.out().contains(&format!("# passed all {cases} test(s)")), "{outcome:?}");
}

/// Not in t0303, but of the same library: `authtype`, `credential` and `ephemeral`.
const AUTHTYPE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/authtype.sh");

#[test]
fn every_case_of_t0303_holds() {
    holds(&Home::with_file_store(), "./t0303-credential-external.sh", 21);
}

#[test]
fn every_case_of_the_authtype_battery_holds() {
    holds(&Home::with_file_store(), AUTHTYPE, 7);
}

#[test]
fn every_case_holds_with_the_key_in_a_keychain() {
    let keyring = Keyring::unlocked();
    for (script, cases) in [("./t0303-credential-external.sh", 21), (AUTHTYPE, 7)] {
        let mut home = Home::new();
        keyring.join(&mut home);
        home.set("SEQERA_HELPER_STORE", "keychain");
        holds(&home, script, cases);
    }
}

/// Whatever git's own helper that keeps things for good (`git credential-store`) gives back, ours gives back.
#[test]
fn what_git_credential_store_keeps_ours_keeps() {
    let git = gits::current();
    let git = git.to_str().unwrap();
    let long_host = ["a".repeat(60).as_str(); 4].join(".");
    let servers: &[(&str, &str)] = &[
        ("https", "h.example"),
        ("https", "H.Example"),
        ("https", "h.example:8443"),
        ("https", "h.example:443"),
        ("http", "127.0.0.1:80"),
        ("https", "[::1]:8443"),
        ("https", "münchen.example"),
        ("https", "例え.テスト"),
        ("https", "xn--mnchen-3ya.example"),
        ("https", "hоst.example"),
        ("https", "h.example."),
        ("https", ".h.example"),
        ("https", "a..b"),
        ("https", "a_b.example"),
        ("https", "-h.example"),
        ("https", "h.example "),
        ("https", " h"),
        ("https", "a b"),
        ("https", "a\tb"),
        ("https", "a\u{1b}[31mb"),
        ("https", "me@h.example"),
        ("https", "a:b@h.example"),
        ("https", "h%2eexample"),
        ("https", "h\\example"),
        ("https", "h/x"),
        ("https", "h?x#y"),
        ("https", "h:"),
        ("https", "h:x"),
        ("https", "h:99999"),
        ("https", "h:0"),
        ("https", "*"),
        ("https", "'\"$(x)`"),
        ("https", ""),
        ("https", &long_host),
        ("smtp", "mail.example:587"),
        ("imaps", "mail.example"),
        ("ftp", "h.example"),
        ("SSH", "h.example"),
        ("x-y+z.1", "h.example"),
        ("we ird", "h.example"),
        ("ht:tp", "h.example"),
    ];
    let credentials: &[(&str, &str)] = &[
        ("alice", "pw"),
        ("", ""),
        ("ä@b:c/d", "p w%41=?#"),
        ("a b", " "),
        ("x", "\u{1b}\u{202e}"),
        ("<token>", "é"),
    ];
    let home = Home::with_file_store();
    let mut compared = 0;
    for (at, (protocol, host)) in servers.iter().enumerate() {
        for path in ["", "path=a b/ü%20\n"] {
            let (user, password) = credentials[(at + path.len()) % credentials.len()];
            let asked = format!("protocol={protocol}\nhost={host}\n{path}");
            let whole = format!("{asked}username={user}\npassword={password}\n");
            let file = home.path().join("theirs");
            let theirs = ["credential-store", "--file", file.to_str().unwrap()];
            let call = |operation: &str, input: &str| {
                let theirs = home.run(git, &[&theirs[..], &[operation]].concat(), input).ok();
                (theirs, home.run("git-credential-seqera", &[operation], input).expect(0))
            };
            call("store", &whole);
            for asked in [asked.clone(), format!("{asked}username={user}\n")] {
                let (theirs, ours) = call("get", &asked);
                assert!(theirs.is_empty() || ours.out() == theirs, "{whole:?}: {theirs:?}, {ours:?}");
                assert!(ours.stderr.is_empty(), "{whole:?}: {ours:?}");
                compared += usize::from(!theirs.is_empty());
            }
            call("erase", &whole);
            let (_, ours) = call("get", &asked);
            assert!(ours.stdout.is_empty(), "{whole:?}: {ours:?}");
        }
    }
    assert!(compared > 120, "git answered {compared} times");

    // A client certificate's password is for its file. git's own helper loses it: it takes a slash off the path.
    let certificate = "protocol=cert\nhost=\npath=/home/alice/my cert.pem\n";
    let whole = format!("{certificate}username=\npassword=pw\n");
    home.run("git-credential-seqera", &["store"], &whole).ok();
    assert_eq!(home.run("git-credential-seqera", &["get"], certificate).ok(), "username=\npassword=pw\n");
    let other = certificate.replace("alice", "bob");
    assert_eq!(home.run("git-credential-seqera", &["get"], &other).ok(), "");
    let mut filled = home.command(git);
    filled.args(["-c", "credential.helper=seqera", "credential", "fill"]);
    assert!(run(filled, format!("{certificate}username=\n")).ok().contains("password=pw\n"));
}
