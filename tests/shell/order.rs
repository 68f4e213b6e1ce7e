//! Which login a shell has: the one that was named, the folder's, the one in use, and what is said where it is none.

use std::path::Path;

use seqera_credential_helper::session::profile::Profile;
use seqera_credential_helper::shell::Shell;

use super::follow::{Person, has_token, next};
use super::program;
use super::prompts::{SHELLS, Session, elvish};
use super::terminal::{Terminal, text};
use crate::support::home::Run;
use crate::support::login;
use crate::support::session::paths;

/// Somebody with two logins, the second called `work`.
fn two_logins() -> (Person, String, String) {
    let person = Person::new();
    let token = login::with_token(&person.home, &person.platform, &[]);
    let work = login::with_token(&person.home, &person.platform, &["--profile", "work"]);
    (person, token, work)
}

fn hook(person: &Person, shell: Shell) -> std::path::PathBuf {
    person.home.write("hook", person.seqera(&["hook", &shell.to_string()]))
}

/// How each shell takes the exports of a login that is named.
fn takes_work(shell: Shell) -> &'static str {
    match shell {
        Shell::Fish => "seqera env --profile work | source",
        Shell::Tcsh => "eval \"`seqera env --profile work --shell tcsh`\"",
        Shell::Xonsh => "execx($(seqera env --profile work --shell xonsh))",
        Shell::Nu => "seqera env --profile work --shell nu | from json | load-env",
        _ => "eval \"$(seqera env --profile work)\"",
    }
}

#[test]
fn a_login_that_was_named_stays() {
    let (person, token, work) = two_logins();
    for &shell in SHELLS {
        let hook = hook(&person, shell);
        let takes = takes_work(shell);
        let line = if shell == Shell::Xonsh { "None" } else { "true" };
        let session = Session { lines: &[takes, line, line], ..Session::new(&person.home, shell, &hook) };
        let env = session.env();
        has_token(&env, &work);
        assert_eq!(text(&env, "SEQERA_PROMPT"), Some("seqera@work"), "{shell}");
        assert_eq!(text(&env, "SEQERA_PROFILE"), Some("work"), "{shell}: commands use it, too");
    }
    // And with what was exported goes what named it.
    let script = "eval \"$(seqera env --profile work)\"; eval \"$(seqera env --unset)\"; env";
    let env = person.home.run("bash", &["--norc", "-c", script], "").ok();
    assert!(!env.contains("SEQERA_PROFILE") && !env.contains("ACCESS_TOKEN"), "{env}");
    assert!(!person.seqera(&["env", "--shell", "bash"]).contains("SEQERA_PROFILE"), "nobody named one");
    assert!(person.seqera(&["env", "--shell", "bash"]).contains(&token));
}

/// direnv changes the environment at the prompt, before the hook or after it.
#[test]
fn a_profile_that_direnv_sets_counts_for_the_first_command() {
    let (person, token, work) = two_logins();
    let direnv = program("direnv").display().to_string();
    person.home.write("project/.envrc", "export SEQERA_PROFILE=work\n");
    person.home.run("direnv", &["allow", "project/.envrc"], "").expect(0);
    let load = |shell: &str| format!("eval \"$(seqera hook {shell})\"");
    let other = |shell: &str| format!("eval \"$({direnv} hook {shell})\"");
    for (shell, name) in [(Shell::Bash, ".bashrc"), (Shell::Zsh, ".zshrc")] {
        let (ours, theirs) = (load(&shell.to_string()), other(&shell.to_string()));
        for lines in [[&ours, &theirs], [&theirs, &ours]] {
            let rc = person.home.write(name, format!("{}\n{}\n", lines[0], lines[1]));
            let mut terminal = Terminal::open(&person.home, shell, &rc, &[]);
            has_token(&terminal.env(), &token);
            terminal.type_line("cd project");
            let env = terminal.env();
            let found = text(&env, "TOWER_ACCESS_TOKEN");
            assert_eq!(found, Some(work.as_str()), "{shell}, {lines:?}:\n{}", terminal.screen());
            terminal.type_line("cd ..");
            has_token(&terminal.env(), &token);
        }
    }
}

fn said(run: &Run, shell: Shell) -> String {
    // tcsh can write to standard output alone.
    if shell == Shell::Tcsh { run.out() } else { run.err() }
}

#[test]
fn a_profile_that_is_no_login_is_said_once() {
    let (person, ..) = two_logins();
    for &shell in SHELLS {
        let hook = hook(&person, shell);
        let env = [("SEQERA_PROFILE", "wrok")];
        let line = if shell == Shell::Xonsh { "None" } else { "true" };
        let session = Session { env: &env, lines: &[line; 3], ..Session::new(&person.home, shell, &hook) };
        let run = session.run();
        let words = said(&run, shell);
        assert_eq!(words.matches("there is no such login").count(), 1, "{shell}: {run:?}");
        assert!(words.contains("SEQERA_PROFILE is 'wrok'"), "{shell}: {words}");
        assert!(!run.out().contains("ACCESS_TOKEN="), "{shell}");
    }
    let run = Session {
        env: &[("SEQERA_PROFILE", "no name")],
        ..Session::new(&person.home, Shell::Bash, &hook(&person, Shell::Bash))
    }
    .run();
    assert_eq!(run.err().matches("SEQERA_PROFILE").count(), 1, "{run:?}");
}

/// As a snap does to the programs in it.
#[test]
fn a_moved_data_folder_is_said_once_with_the_reason() {
    let (mut person, ..) = two_logins();
    for variable in ["XDG_STATE_HOME", "XDG_DATA_HOME"] {
        let elsewhere = person.home.path().join("snap");
        let hook = hook(&person, Shell::Bash);
        let env = [(variable, elsewhere.to_str().unwrap()), ("XDG_RUNTIME_DIR", "")];
        let session =
            Session { env: &env, lines: &["true"; 3], ..Session::new(&person.home, Shell::Bash, &hook) };
        let run = session.run();
        assert_eq!(run.err().matches("has changed").count(), 1, "{variable}: {run:?}");
        assert!(run.err().contains(variable), "{run:?}");
    }
    person.home.set("XDG_STATE_HOME", person.home.path().join(".local/state"));
    assert!(!person.home.run("seqera", &["status"], "").out().contains("changed"));
}

#[test]
fn a_folder_chooses_a_login() {
    let (person, token, work) = two_logins();
    let lab = person.home.path().join("lab rats/deep");
    let beside = person.home.path().join("lab rats and more");
    for folder in [&lab, &beside] {
        std::fs::create_dir_all(folder).unwrap();
    }
    let folder = lab.parent().unwrap().to_str().unwrap();
    person.seqera(&["profile", "bind", folder, "work"]);
    let shown = person.seqera(&["profile", "bind"]);
    assert_eq!(shown, format!("{folder}  work\n"));

    for &shell in SHELLS {
        let hook = hook(&person, shell);
        let there = |folder: &Path| {
            Session { folder: Some(folder), ..Session::new(&person.home, shell, &hook) }.env()
        };
        let env = there(&lab);
        has_token(&env, &work);
        assert_eq!(text(&env, "SEQERA_PROMPT"), Some("seqera@work"), "{shell}");
        has_token(&there(&beside), &token);
        // A shell that was given another name keeps to it.
        let env = [("SEQERA_PROFILE", "default")];
        let named = Session { env: &env, folder: Some(&lab), ..Session::new(&person.home, shell, &hook) };
        has_token(&named.env(), &token);
    }
    let folder_env = person.home.path().to_str().unwrap().to_owned();
    has_token(&elvish(&person.home, &[("IGNORED", &folder_env)]), &token);

    // Commands and the helper, by the folder alone.
    let run_in = |folder: &Path, program: &str, args: &[&str], input: &str| {
        let mut command = person.home.command(program);
        command.args(args).current_dir(folder).env("PWD", folder);
        crate::support::home::run(command, input)
    };
    assert_eq!(run_in(&lab, "seqera", &["profile"], "").ok(), "work\n");
    assert_eq!(run_in(&beside, "seqera", &["profile"], "").ok(), "default\n");
    assert_eq!(run_in(&lab, "seqera", &["token"], "").ok().trim(), work);
    assert_eq!(run_in(&lab, "seqera", &["prompt"], "").ok(), "seqera@work\n");
    let host = person.platform.api().replace("http://", "");
    let input = format!("protocol=http\nhost={}\n\n", host.split('/').next().unwrap());
    let answer = run_in(&lab, "git-credential-seqera", &["get"], &input).ok();
    assert!(answer.contains(&work), "{answer}");

    // It is the user's own configuration, with everything that is in it.
    let config = person.home.path().join(".config/seqera-credential-helper/config.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("# my notes\n{text}")).unwrap();
    person.seqera(&["profile", "bind", "--remove", folder]);
    assert_eq!(std::fs::read_to_string(&config).unwrap(), "# my notes\n");
    assert_eq!(run_in(&lab, "seqera", &["profile"], "").ok(), "default\n");
    person.home.run("seqera", &["profile", "bind", "--remove", folder], "").expect(2);
    person.home.run("seqera", &["profile", "bind", "nowhere", "work"], "").expect(2);
    person.home.run("seqera", &["profile", "bind", "nobody"], "").expect(3);
}

/// A shell that runs follows at the next prompt, without a process but the one that brings the token.
#[test]
fn shells_that_run_follow_their_folder() {
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        let (person, token, work) = two_logins();
        std::fs::create_dir(person.home.path().join("lab")).unwrap();
        // The marks of this second would be written again in the same words.
        std::thread::sleep(std::time::Duration::from_millis(1100));
        person.count_calls();
        let mut terminal = person.opens(shell, &[]);
        terminal.type_line("cd lab");
        has_token(&next(&mut terminal), &token);
        terminal.type_line("seqera profile bind work");
        has_token(&next(&mut terminal), &work);
        let before = person.calls().len();
        terminal.type_line("cd ..");
        has_token(&next(&mut terminal), &token);
        terminal.type_line("cd lab");
        has_token(&next(&mut terminal), &work);
        for _ in 0..5 {
            terminal.type_line("");
        }
        has_token(&terminal.env(), &work);
        assert_eq!(person.calls().len(), before + 2, "{shell}: {:?}", person.calls());
        let name = "work".parse().unwrap();
        assert!(Profile::load(&paths(&person.home), &name).unwrap().is_some());
    }
}
