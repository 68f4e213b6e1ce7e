//! What the other program's users and agents type is understood, or handed over.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::platform::Platform;
use crate::support::home::Home;
use crate::support::login;

/// A stand-in for Seqera's own program that says how it was called.
fn with_theirs(home: &Home) {
    let path = home.write(".seqera/bin/seqera", "#!/bin/sh\necho \"theirs: $*\"\n");
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn its_login_and_org_options_are_taken() {
    let (home, platform) = (Home::with_file_store(), Platform::start());
    login::with_token(&home, &platform, &["--headless", "-v", "--debug", "--no-browser", "--browser"]);
    for (word, says) in [("select", "community"), ("change", "acme")] {
        let run = home.run("seqera", &["org", word, says, "-v"], "").expect(0);
        assert!(run.err().contains(&format!("Organization set: {says}")), "{run:?}");
    }
    for word in ["show", "info", "current"] {
        assert_eq!(home.run("seqera", &["org", word], "").ok(), "acme (2001)\n");
    }
    home.run("seqera", &["org", "reset"], "").expect(0);
    assert!(home.run("seqera", &["org", "--debug"], "").ok().starts_with("No organization is chosen"));
}

#[test]
fn its_completions_and_its_help_are_its_own() {
    let home = Home::with_file_store();
    let run = home.run("seqera", &["--get-yargs-completions", "seqera", "a"], "").expect(127);
    assert!(run.err().contains("npm install -g seqera"), "{run:?}");
    assert!(!home.run("seqera", &["--help"], "").ok().contains("own program"));
    with_theirs(&home);
    for words in [&["--get-yargs-completions", "seqera", "a"][..], &["help", "ai"], &["ai", "--help"]] {
        assert_eq!(home.run("seqera", words, "").ok(), format!("theirs: {}\n", words.join(" ")));
    }
    assert!(home.run("seqera", &["help", "login"], "").ok().contains("Usage: seqera login"));
    for asked in [&["--help"][..], &["-h"], &["help"]] {
        let help = home.run("seqera", asked, "").ok();
        assert!(help.contains("Seqera's own program (") && help.contains("ai, info, skill"), "{help}");
    }
}

#[test]
fn a_mistyped_command_is_told_which_was_meant() {
    let home = Home::with_file_store();
    let meant = |word: &str, meant: &str| {
        let run = home.run("seqera", &[word], "").expect(2);
        assert_eq!(run.err(), format!("seqera: '{word}' is not a command; did you mean: seqera {meant}\n"));
    };
    meant("statsu", "status");
    meant("completion", "completions");
    let run = home.run("seqera", &["frobnicate"], "").expect(127);
    assert!(run.err().contains("npm install -g seqera"), "{run:?}");
    let run = home.run("seqera", &["help", "ai"], "").expect(127);
    assert!(run.err().contains("'ai' is not a command of this program"), "{run:?}");
    with_theirs(&home);
    meant("logn", "login");
    for theirs in ["completion", "skill", "frobnicate"] {
        assert_eq!(home.run("seqera", &[theirs], "").ok(), format!("theirs: {theirs}\n"));
    }
}

/// Where Seqera's program would need a backend, and nobody knows one, a word that is nobody's command is told first.
#[test]
fn what_is_nobodys_command_has_nothing_to_do_with_a_backend() {
    let (home, platform) = (Home::with_file_store(), Platform::start());
    login::with_token(&home, &platform, &[]);
    with_theirs(&home);
    for (word, next) in [
        ("foo", "see: seqera --help"),
        ("wrokspcae", "did you mean: seqera workspace"),
        ("inf", "did you mean: seqera info"),
        ("statsuus", "did you mean: seqera status"),
    ] {
        let run = home.run("seqera", &[word], "").expect(2);
        assert_eq!(run.err(), format!("seqera: '{word}' is not a command; {next}\n"));
    }
    assert!(home.run("seqera", &["info"], "").expect(7).err().contains("no AI backend is known"));
}

#[test]
fn the_first_program_gets_the_token_that_it_alone_knows() {
    let home = Home::with_file_store();
    let script = "#!/usr/bin/env python3\nimport os, sys\nprint(*sys.argv[1:], os.environ.get('SEQERA_ACCESS_TOKEN'))\n";
    let path = home.write(".seqera/bin/seqera", script);
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(home.run("seqera", &["ai", "--token", "T", "hi"], "").ok(), "ai --token T hi None\n");
}

#[test]
fn its_server_is_the_default() {
    let (mut home, platform) = (Home::with_file_store(), Platform::start());
    home.write(".config/seqera-ai/config.json", format!(r#"{{"authDomain": "{}"}}"#, platform.api()));
    let token = platform.personal_token();
    home.run("seqera", &["login", "--with-token"], &token).expect(0);
    assert!(home.run("seqera", &["status"], "").ok().contains(&format!("Endpoint: {}\n", platform.api())));
    // What is named goes before it.
    home.set("SEQERA_PLATFORM_API_URL", "http://127.0.0.1:1/api");
    home.run("seqera", &["login", "--with-token"], &token).expect(5);
}
