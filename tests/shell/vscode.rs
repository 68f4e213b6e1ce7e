//! The hook in a terminal of VS Code, whose shell integration wraps prompts and commands in marks of its own.

use std::path::PathBuf;

use seqera_credential_helper::shell::Shell;

use super::neighbours::{BASH, FISH, Kind, NEWEST_BASH, NEWEST_FISH, ZSH, lives};
use super::terminal::{Home, Terminal, wait_for};
use super::tool;

/// VS Code's scripts: `tests/tools/install-shells.sh`.
fn vscode(name: &str) -> PathBuf {
    tool(&format!("vscode/{name}"))
}

/// How VS Code starts a shell whose start-up file is there: with its own in front.
fn command_line_in_vscode(kind: &Kind, home: &Home) -> Vec<String> {
    let mut line: Vec<String> =
        ["env", "TERM_PROGRAM=vscode", "VSCODE_INJECTION=1", "VSCODE_NONCE=nonce"].map(String::from).into();
    match kind.shell {
        Shell::Bash => {
            let script = vscode("shellIntegration-bash.sh").display().to_string();
            line.extend(["bash".into(), "--init-file".into(), script]);
        }
        Shell::Zsh => {
            let dir = home.path("vscode-zsh");
            std::fs::create_dir_all(&dir).unwrap();
            for (from, to) in
                [("rc", ".zshrc"), ("env", ".zshenv"), ("profile", ".zprofile"), ("login", ".zlogin")]
            {
                std::fs::copy(vscode(&format!("shellIntegration-{from}.zsh")), dir.join(to)).unwrap();
            }
            line.push(format!("ZDOTDIR={}", dir.display()));
            line.push(format!("USER_ZDOTDIR={}", home.dir.path().display()));
            line.extend(["zsh", "-i"].map(String::from));
        }
        _ => {
            let script = vscode("shellIntegration.fish").display().to_string();
            line.extend(["fish".into(), "--init-command".into(), format!(". \"{script}\"")]);
        }
    }
    line
}

/// The hook in the start-up file that a person has where the shell looks for it.
fn start_up_file(kind: &Kind, home: &Home, options: &[&str], before: &str) {
    let rc = home.rc(kind.shell, options, before, "");
    let place = match kind.shell {
        Shell::Bash => home.path(".bashrc"),
        Shell::Zsh => return,
        _ => {
            std::fs::create_dir_all(home.path("config/fish")).unwrap();
            home.path("config/fish/config.fish")
        }
    };
    std::fs::rename(rc, place).unwrap();
}

fn lives_in_vscode(kind: &Kind, options: &[&str], before: &str) {
    let home = kind.logged_in();
    start_up_file(kind, &home, options, before);
    let mut terminal = Terminal::run(&home, &command_line_in_vscode(kind, &home), &[]);
    let recording = home.path("recording");
    terminal.record(&recording);
    lives(kind, &home, &mut terminal);

    // The commands after the hook are marked to the last.
    let read = || String::from_utf8_lossy(&std::fs::read(&recording).unwrap()).into_owned();
    let ends = |sent: &str| {
        let last = sent.rfind("\x1b]633;E;snapshot");
        last.is_some_and(|last| sent[last..].contains("\x1b]633;D;0\x07"))
    };
    wait_for(|| ends(&read()), || format!("{:?}", read()));
    let sent = read();
    for mark in ["\x1b]633;A\x07", "\x1b]633;B\x07", "\x1b]633;C\x07", "\x1b]633;D;7\x07", "\x1b]633;D;0\x07"]
    {
        assert!(sent.contains(mark), "no {mark:?} in {sent:?}");
    }
    let status = kind.keeps_status();
    assert!(sent.contains(&format!("\x1b]633;E;{status}")), "no {status} in {sent:?}");
    assert!(!sent.contains("\x1b]633;E;__seqera_hook"), "our hook is no command of the person's: {sent:?}");
}

const HISTORY: &str = "HISTCONTROL=ignoreboth"; // VS Code then takes commands from the DEBUG trap

#[test]
fn bash_in_vs_code_follows_the_login() {
    lives_in_vscode(&BASH, &[], "");
    lives_in_vscode(&BASH, &[], HISTORY);
}

#[test]
fn bash_with_a_debug_trap_in_vs_code_follows_the_login() {
    let kind = Kind { before_commands: true, ..BASH };
    lives_in_vscode(&kind, &["--preexec"], HISTORY);
}

#[test]
fn the_newest_bash_in_vs_code_follows_the_login() {
    lives_in_vscode(&NEWEST_BASH, &[], "");
    lives_in_vscode(&NEWEST_BASH, &[], HISTORY);
}

#[test]
fn zsh_in_vs_code_follows_the_login() {
    lives_in_vscode(&ZSH, &[], "");
}

#[test]
fn fish_in_vs_code_follows_the_login() {
    lives_in_vscode(&FISH, &[], "");
}

#[test]
fn the_newest_fish_in_vs_code_follows_the_login() {
    lives_in_vscode(&NEWEST_FISH, &[], "");
}

/// VS Code runs the person's shell once to learn the environment of the window.
#[test]
fn vs_code_learns_no_token() {
    for kind in [BASH, NEWEST_BASH, ZSH] {
        let home = kind.logged_in();
        start_up_file(&kind, &home, &[], "");
        let line = command_line_in_vscode(&kind, &home);
        let mut command = home.command(&line[0]);
        let line = line[1..].iter().filter(|word| *word != "-i");
        let output = command.args(line).args(["-ic", "env"]).output().unwrap();
        let out = String::from_utf8(output.stdout).unwrap();
        assert!(out.contains("HOME="), "{out}");
        assert!(!out.contains("ACCESS_TOKEN") && !out.contains("SEQERA_PROMPT"), "{out}");
        assert_eq!(home.calls(), Vec::<String>::new());
    }
}
