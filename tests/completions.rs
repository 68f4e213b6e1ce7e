//! What real shells complete, by the scripts in `completions/`.

use std::path::{Path, PathBuf};

use crate::support::home::Home;
use crate::support::login;

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("completions").join(name)
}

/// Two profiles, one of them with a name that only this home knows.
fn home() -> Home {
    let home = Home::with_file_store();
    login::sekuire(&home, "default");
    login::sekuire(&home, "night-shift");
    home
}

fn bash(home: &Home, words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let program = format!(
        "source {}; COMP_WORDS=({}); COMP_CWORD={}; COMP_TYPE=9; _clap_complete_seqera seqera '{}'; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        script("seqera.bash").display(),
        quoted.join(" "),
        words.len() - 1,
        words.last().unwrap(),
    );
    home.run("bash", &["--norc", "-c", &program], "").ok()
}

fn fish(home: &Home, line: &str) -> String {
    let program = format!("source {}; complete --do-complete '{line}'", script("seqera.fish").display());
    home.run("fish", &["--no-config", "-c", &program], "").ok()
}

#[test]
fn commands_and_their_options_complete() {
    let home = Home::new();
    for completed in [bash(&home, &["seqera", "log"]), fish(&home, "seqera log")] {
        let names: Vec<&str> = completed.lines().filter_map(|line| line.split_whitespace().next()).collect();
        assert!(names.contains(&"login") && names.contains(&"logout"), "{completed}");
        assert!(!names.contains(&"token"), "{completed}");
    }
    assert!(bash(&home, &["seqera", "login", "--dev"]).contains("--device"));
}

#[test]
fn names_of_profiles_complete_from_what_is_here() {
    let home = home();
    assert!(bash(&home, &["seqera", "profile", "use", "nig"]).contains("night-shift"));
    assert!(bash(&home, &["seqera", "--profile", "nig"]).contains("night-shift"));
    assert!(fish(&home, "seqera profile use nig").contains("night-shift"));
}

#[test]
fn names_of_organizations_complete_from_what_the_server_last_said() {
    let home = home();
    login::change(&home, "default", |profile| {
        profile.organizations = vec![
            seqera_credential_helper::profile::Organization { id: "1".into(), name: "acme".into() },
            seqera_credential_helper::profile::Organization { id: "2".into(), name: "genomics".into() },
        ];
    });
    let completed = bash(&home, &["seqera", "org", "switch", ""]);
    assert!(completed.contains("acme") && completed.contains("genomics"), "{completed}");
    assert!(fish(&home, "seqera org switch gen").contains("genomics"));
}

#[test]
fn nothing_is_said_where_there_is_nothing_to_complete() {
    let mut home = Home::new();
    home.set("SEQERA_HELPER_HOME", "/nonexistent/home");
    let run = home.run("bash", &["--norc", "-c", "SEQERA_COMPLETE=bash seqera -- seqera profile use x"], "");
    assert_eq!((run.out().trim(), run.err().as_str()), ("", ""));
}
