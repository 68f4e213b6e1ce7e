//! After a restart, in another runtime folder, without one: the hook lives, and follows.

use std::path::{Path, PathBuf};

use seqera_credential_helper::shell::Shell;

use super::follow::{Person, has_nothing, has_token, next};
use super::prompts::{SHELLS, Session, elvish};
use super::terminal::{Env, text};
use crate::support::home::Home;
use crate::support::login;
use crate::support::session::paths;

fn hook(person: &Person, shell: Shell) -> PathBuf {
    person.home.write("hook", person.seqera(&["hook", &shell.to_string()]))
}

/// The folders of marks, as after a restart of a machine that keeps none of them.
fn forget_marks(home: &Home) {
    let paths = paths(home);
    for folder in [paths.run, paths.home_run] {
        if folder.exists() {
            std::fs::remove_dir_all(folder).unwrap();
        }
    }
}

fn is_alive(env: &Env, token: &str, about: &str) {
    assert_eq!(text(env, "TOWER_ACCESS_TOKEN"), Some(token), "{about}");
    assert_eq!(text(env, "SEQERA_PROMPT"), Some("seqera"), "{about}");
}

#[test]
fn the_first_prompt_after_a_restart_has_the_token() {
    let person = Person::new();
    let token = login::with_token(&person.home, &person.platform, &[]);
    for &shell in SHELLS {
        let hook = hook(&person, shell);
        forget_marks(&person.home);
        if shell == Shell::Tcsh {
            person.seqera(&["hook", "tcsh"]); // its start-up file puts it there again
            let paths = paths(&person.home);
            for name in ["mark", "mark.csh", "default.mark", "default.mark.csh"] {
                let _ = std::fs::remove_file(paths.run.join(name));
            }
        }
        is_alive(&Session::new(&person.home, shell, &hook).env(), &token, &shell.to_string());
        assert!(paths(&person.home).run.join("mark").exists(), "{shell} has the marks again");
    }
    forget_marks(&person.home);
    is_alive(&elvish(&person.home, &[]), &token, "elvish");
}

/// A runtime folder that is not there, is somebody else's, cannot be written or is not named.
#[test]
fn a_shell_without_a_runtime_folder_has_the_token() {
    let person = Person::new();
    let token = login::with_token(&person.home, &person.platform, &[]);
    let locked = person.home.path().join("locked");
    std::fs::create_dir(&locked).unwrap();
    std::fs::write(locked.join("seqera-credential-helper"), "").unwrap();
    for folder in ["", "/nonexistent/run", locked.to_str().unwrap()] {
        let mut home = Home::with_file_store();
        home.set("XDG_RUNTIME_DIR", folder);
        let own = login::with_token(&home, &person.platform, &[]);
        for &shell in SHELLS {
            let hook = home.write("hook", home.run("seqera", &["hook", &shell.to_string()], "").ok());
            let about = format!("{shell} in {folder:?}");
            is_alive(&Session::new(&home, shell, &hook).env(), &own, &about);
        }
    }
    // The login of before is known by another runtime folder, too.
    let other = person.home.path().join("other");
    std::fs::create_dir(&other).unwrap();
    let env = [("XDG_RUNTIME_DIR", other.to_str().unwrap())];
    for &shell in SHELLS {
        let mut command = person.home.command("seqera");
        command.args(["hook", &shell.to_string()]).envs(env);
        let printed = crate::support::home::run(command, "").ok();
        let hook = person.home.write("hook", printed);
        let session = Session { env: &env, ..Session::new(&person.home, shell, &hook) };
        is_alive(&session.env(), &token, &shell.to_string());
    }
}

#[test]
fn where_nobody_is_logged_in_the_program_is_asked_once() {
    for &shell in SHELLS {
        let person = Person::new();
        let hook = hook(&person, shell);
        person.count_calls();
        let line = if shell == Shell::Xonsh { "None" } else { "true" };
        has_nothing(&Session { lines: &[line; 5], ..Session::new(&person.home, shell, &hook) }.env());
        assert_eq!(person.calls().len(), 1, "{shell}: {:?}", person.calls());
        // Nor does the next shell ask: the mark says that nobody is.
        Session::new(&person.home, shell, &hook).env();
        assert!(person.calls().len() <= 2, "{shell}: {:?}", person.calls());
    }
}

#[test]
fn every_command_that_reads_a_profile_restores_the_marks() {
    let person = Person::new();
    login::with_token(&person.home, &person.platform, &[]);
    let mark = paths(&person.home).run.join("mark");
    for args in [
        &["status"][..],
        &["env", "--json"],
        &["token"],
        &["exec", "--", "true"],
        &["prompt"],
        &["whoami"],
        &["org"],
        &["workspace"],
        &["doctor"],
    ] {
        forget_marks(&person.home);
        person.home.run("seqera", args, "");
        assert!(mark.exists(), "{args:?}");
    }
}

/// Another host on the same home, or another session of the same person: a minute later at most it has followed.
fn follows_from_elsewhere(shell: Shell, a_minute_later: &str) {
    let person = Person::new();
    let token = login::with_token(&person.home, &person.platform, &[]);
    let elsewhere = person.home.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    person.count_calls();
    let mut terminal = person.opens(shell, &[("XDG_RUNTIME_DIR", elsewhere.to_str().unwrap())]);
    has_token(&next(&mut terminal), &token);
    let marks: &Path = &elsewhere.join("seqera-credential-helper");
    assert!(marks.join("mark").exists());

    let asked = |person: &Person| person.calls().iter().filter(|call| call.starts_with("hook-env")).count();
    let before = asked(&person);
    for _ in 0..5 {
        terminal.type_line(a_minute_later);
        has_token(&next(&mut terminal), &token);
    }
    assert_eq!(asked(&person), before, "{shell}: looking into the home starts no process");

    person.seqera(&["logout"]);
    terminal.type_line(a_minute_later);
    has_nothing(&next(&mut terminal));
    let token = login::with_token(&person.home, &person.platform, &[]);
    terminal.type_line(a_minute_later);
    has_token(&next(&mut terminal), &token);
}

#[test]
fn bash_follows_from_elsewhere() {
    follows_from_elsewhere(Shell::Bash, "__seqera_until=0");
}

#[test]
fn zsh_follows_from_elsewhere() {
    follows_from_elsewhere(Shell::Zsh, "__seqera_until=0");
}

#[test]
fn fish_follows_from_elsewhere() {
    follows_from_elsewhere(Shell::Fish, "set -g __seqera_until 0");
}

#[test]
fn what_was_exported_is_renewed_when_it_ends_whatever_the_mark_says() {
    for &shell in &[Shell::Bash, Shell::Zsh, Shell::Fish, Shell::Xonsh, Shell::Nu] {
        let person = Person::new();
        let login = person.logged_in_with(3000);
        let hook = hook(&person, shell);
        let generation = login.profile().generation;
        person.count_calls();
        // As in a pane that was away: the same generation, and a token that ended.
        let env =
            [("SEQERA_ENV", &*format!("default.{generation}:0")), ("SEQERA_TOKEN_EXPIRES_AT", "1700000000")];
        let env = Session { env: &env, ..Session::new(&person.home, shell, &hook) }.env();
        has_token(&env, &login.access);
        assert_eq!(person.calls().len(), 1, "{shell}: {:?}", person.calls());
    }
}
