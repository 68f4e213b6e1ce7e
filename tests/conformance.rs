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
