//! The fast way (the hook, without a process) and the slow way (the program) say the same of every platform, in every
//! shell and state.

use clap::ValueEnum;
use seqera_credential_helper::provider::{self, ProviderId};
use seqera_credential_helper::shell::Shell;

use super::prompts::{Session, elvish};
use super::terminal::{Env, now, text};
use crate::platform::Platform;
use crate::support::home::Home;
use crate::support::login;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Out,
    Fresh,
    Ending,
    Ended,
}

/// How the login stands, and the variable in which the person has a token of their own.
type Case = (State, Option<&'static str>);

fn cases() -> Vec<Case> {
    let all = provider::ALL.iter().flat_map(|provider| provider.variables().tokens);
    let own = all.map(|name| (State::Fresh, Some(*name)));
    [State::Out, State::Fresh, State::Ending, State::Ended]
        .map(|state| (state, None))
        .into_iter()
        .chain(own)
        .chain(provider::ALL.iter().map(|provider| (State::Out, Some(provider.variables().tokens[0]))))
        .collect()
}

const OWN: &str = "the-persons-own";

/// A home with a login of this platform, in this state.
fn home(id: ProviderId, platform: &Platform, state: State) -> Home {
    let home = Home::with_file_store();
    match id {
        id if id == ProviderId::SEQERA => drop(login::with_token(&home, platform, &[])),
        id if id == ProviderId::SEKUIRE => login::sekuire(&home, "default"),
        id => panic!("no login of {id:?} is made here"),
    }
    match state {
        State::Out => drop(home.run("seqera", &["logout"], "")),
        State::Fresh => {}
        State::Ending => {
            login::change(&home, "default", |profile| profile.access_expires_at = Some(now() + 240))
        }
        State::Ended => login::change(&home, "default", |profile| profile.ended_at = Some(now())),
    }
    home
}

/// What a program gets that is started after the first prompts.
fn after_a_prompt(home: &Home, shell: Shell, own: Option<&str>) -> Env {
    let own: Vec<(&str, &str)> = own.into_iter().map(|name| (name, OWN)).collect();
    if shell == Shell::Elvish {
        return elvish(home, &own);
    }
    let hook = home.write("hook", home.run("seqera", &["hook", &shell.to_string()], "").ok());
    Session { env: &own, ..Session::new(home, shell, &hook) }.env()
}

fn agrees(shell: Shell) {
    let platform = Platform::start();
    for id in ProviderId::value_variants() {
        for (state, own) in cases() {
            let mut home = home(*id, &platform, state);
            let env = after_a_prompt(&home, shell, own);
            let value = |name: &str| text(&env, name);
            let about = format!("{shell}, {id:?} {state:?}, own {own:?}");
            if let Some(own) = own {
                assert_eq!(value(own), Some(OWN), "{about}: the person's own token stays");
                home.set(own, OWN);
            }
            let slow = home.run("seqera", &["prompt", "--ascii"], "").ok();
            assert_eq!(value("SEQERA_PROMPT").unwrap_or_default(), slow.trim_end(), "{about}");

            let counts = own.is_some_and(|own| id.variables().tokens.contains(&own));
            let exports = !counts && matches!(state, State::Fresh | State::Ending);
            assert_eq!(value("SEQERA_ENV").is_some(), exports, "{about}: SEQERA_ENV");
            for name in id.variables().exported_tokens.iter().filter(|name| own != Some(**name)) {
                assert_eq!(value(name).is_some(), exports, "{about}: {name}");
            }
        }
    }
}

macro_rules! in_each_shell {
    ($($name:ident: $shell:ident;)*) => {
        $(#[test] fn $name() { agrees(Shell::$shell) })*
    };
}

in_each_shell! {
    bash_and_the_program_agree: Bash;
    zsh_and_the_program_agree: Zsh;
    fish_and_the_program_agree: Fish;
    posix_and_the_program_agree: Posix;
    tcsh_and_the_program_agree: Tcsh;
    xonsh_and_the_program_agree: Xonsh;
    nushell_and_the_program_agree: Nu;
    elvish_and_the_program_agree: Elvish;
}

#[test]
fn an_endpoint_of_the_persons_is_told_under_each_of_its_names() {
    for id in ProviderId::value_variants() {
        for name in id.variables().endpoints {
            let platform = Platform::start();
            let mut home = home(*id, &platform, State::Fresh);
            home.set(name, "https://elsewhere.example");
            let status = home.run("seqera", &["status"], "").ok();
            assert!(status.contains(&format!("Warning: {name} names another server")), "{name}: {status}");
        }
    }
}

#[test]
fn called_by_another_name_no_message_begins_with_the_first() {
    let home = Home::with_file_store();
    login::sekuire(&home, "sekuire");
    home.write(".local/state/seqera-credential-helper/profiles/damaged.json", "{");
    let run = home.run("sekuire", &["profile", "list"], "").expect(0);
    assert!(run.err().starts_with("sekuire: "), "{run:?}");
    for args in [&["whoami"][..], &["status", "--all"], &["profile", "use", "nobody"], &["hook-env", "bash"]]
    {
        let run = home.run("sekuire", args, "");
        let said = run.out() + &run.err();
        assert!(said.lines().all(|line| !line.contains("seqera: ")), "{args:?}: {said}");
    }
}

#[test]
fn doctor_finds_a_key_of_every_platform_in_a_start_up_file() {
    for provider in provider::ALL {
        for name in provider.variables().tokens {
            let home = Home::with_file_store();
            home.write(".bashrc", format!("export {name}=abc\n"));
            let run = home.run("seqera", &["doctor"], "");
            assert!(run.out().contains(".bashrc, line 1"), "{name}: {run:?}");
        }
    }
}
