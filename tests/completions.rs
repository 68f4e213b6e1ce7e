//! What real shells complete, by the scripts in `completions/`.

use std::path::{Path, PathBuf};

use seqera_credential_helper::provider::Organization;

use crate::shell::terminal::Terminal;
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

fn has_organizations(home: &Home, known: &[(&str, &str)]) {
    let organization = |(id, name): &(&str, &str)| Organization { id: (*id).into(), name: (*name).into() };
    login::change(home, "default", |profile| {
        profile.organizations = known.iter().map(organization).collect();
    });
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
    has_organizations(&home, &[("1", "acme"), ("2", "genomics")]);
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

/// A shell in a terminal, with our script loaded as its help says.
fn opens<'a>(home: &'a Home, shell: &str) -> Terminal<'a> {
    let (rc, text) = match shell {
        "bash" => ("rc", format!("source {}; PS1='ready> '\n", script("seqera.bash").display())),
        "zsh" => {
            let folder = script("").display().to_string();
            let load = "autoload -Uz compinit; compinit -u -D; PS1='ready> '";
            (".zshrc", format!("fpath=({folder} $fpath); {load}\n"))
        }
        "fish" => {
            let prompt = "function fish_prompt; echo 'ready> '; end";
            ("rc", format!("source {}; {prompt}\n", script("seqera.fish").display()))
        }
        "elvish" => {
            let prompt = "set edit:prompt = { put 'ready> ' }";
            ("rc", format!("eval (slurp < {})\n{prompt}\n", script("seqera.elv").display()))
        }
        "nu" => {
            let prompt = "$env.PROMPT_COMMAND = ''; $env.PROMPT_INDICATOR = 'ready> '";
            let load = format!("$env.config.show_banner = false\nsource {}", script("seqera.nu").display());
            ("config.nu", format!("{load}\n{prompt}\n"))
        }
        _ => panic!("not asked of {shell}"),
    };
    let nu = crate::shell::nu().display().to_string();
    let rc = home.write(rc, text).display().to_string();
    let line = match shell {
        "bash" => vec!["bash", "--noprofile", "--rcfile", &rc, "-i"],
        "zsh" => vec!["zsh", "-d", "-i"],
        "fish" => vec!["fish", "--no-config", "-i", "-C", "source $HOME/rc"],
        "nu" => vec![&nu, "--config", &rc],
        _ => vec!["elvish", "-rc", &rc],
    };
    let line: Vec<String> = line.into_iter().map(String::from).collect();
    let zdotdir = home.path().to_str().unwrap();
    let terminal = Terminal::run(home, &line, &[("ZDOTDIR", zdotdir)]);
    terminal.sees("ready> ");
    terminal
}

#[test]
fn the_first_tab_in_a_new_zsh_lists_the_commands() {
    let home = Home::new();
    let terminal = opens(&home, "zsh");
    terminal.press("seqera log");
    terminal.press("Tab");
    terminal.sees("logout");
    assert!(terminal.screen().contains("Log in, once, in the browser"), "{}", terminal.screen());
    assert!(!terminal.screen().contains("token "), "{}", terminal.screen());
}

#[test]
fn a_zsh_that_evaluates_the_script_completes_too() {
    let home = Home::new();
    let rc = "autoload -Uz compinit; compinit -u -D; eval \"$(seqera completions zsh)\"; PS1='ready> '\n";
    home.write(".zshrc", rc);
    let line = ["zsh".into(), "-d".into(), "-i".into()];
    let terminal = Terminal::run(&home, &line, &[("ZDOTDIR", home.path().to_str().unwrap())]);
    terminal.sees("ready> ");
    terminal.press("seqera log");
    terminal.press("Tab");
    terminal.sees("logout");
}

#[test]
fn names_complete_in_the_terminal() {
    for shell in ["bash", "zsh", "fish", "elvish", "nu"] {
        let home = home();
        has_organizations(&home, &[("1", "acme"), ("2", "genomics")]);
        for (typed, completed) in [
            ("seqera profile use nig", "seqera profile use night-shift"),
            ("seqera --profile nig", "seqera --profile night-shift"),
            ("seqera org switch gen", "seqera org switch genomics"),
        ] {
            let terminal = opens(&home, shell);
            terminal.press(typed);
            terminal.press("Tab");
            terminal.sees(completed);
        }
    }
}

/// What a person accepts with Tab and Enter is a command line: a name that a server chose must not become a part
/// of it that runs. Such an organization has its number.
#[test]
fn a_hostile_name_never_gets_onto_a_command_line() {
    for shell in ["bash", "zsh", "fish", "elvish", "nu"] {
        for name in
            ["$(touch ran)", "`touch ran`", "a;touch ran", "a\ntouch ran", "a:$(touch ran)", "-n|touch ran"]
        {
            let home = home();
            has_organizations(&home, &[("4711", name)]);
            let terminal = opens(&home, shell);
            terminal.press("seqera org switch ");
            terminal.press("Tab");
            terminal.press("Tab");
            terminal.sees("4711");
            assert!(!terminal.screen().contains("touch"), "{shell}:\n{}", terminal.screen());
            // Every one in turn, where Tab goes through them.
            for _ in 0..3 {
                terminal.press("Tab");
            }
            terminal.press("Enter");
            // nushell forgets what is typed while a command runs.
            let over = home.path().join("over");
            for _ in 0..20 {
                terminal.type_line("sh -c 'echo over >$HOME/over'");
                std::thread::sleep(std::time::Duration::from_millis(500));
                if over.exists() {
                    break;
                }
            }
            assert!(over.exists(), "{shell} does not come back:\n{}", terminal.screen());
            assert!(!home.path().join("ran").exists(), "{shell} ran {name:?}");
        }
    }
}
