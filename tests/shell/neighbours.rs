//! The real things that the hook shares a shell with: VS Code's shell integration, starship, ble.sh.

use std::path::PathBuf;

use seqera_credential_helper::shell::Shell;

use super::terminal::{Env, Home, Terminal, now, text};
use super::{newest, program, tool};

const TOKEN: &[u8] = b"eyJhbGciOi.first";
const SECOND: &[u8] = b"eyJhbGciOi.second";

fn logged_in(shell: Shell) -> Home {
    let home = Home::new();
    home.at_once(|| {
        home.log_in(1, "acme");
        home.answers(shell, &Env::new(), Some(TOKEN));
    });
    home
}

#[track_caller]
fn has_token(env: &Env, token: &[u8], terminal: &Terminal<'_>) {
    let found = text(env, "TOWER_ACCESS_TOKEN").map(str::as_bytes);
    assert_eq!(found, Some(token), "{}", terminal.screen());
}

/// Which shell, and whether it has a place for a hook before a command there.
struct Kind {
    shell: Shell,
    program: PathBuf,
    before_commands: bool,
}

impl Kind {
    fn new(shell: Shell, program: PathBuf, before_commands: bool) -> Kind {
        Kind { shell, program, before_commands }
    }

    fn path(&self) -> String {
        self.program.display().to_string()
    }

    fn keeps_status(&self) -> &'static str {
        if self.shell == Shell::Fish { "echo $status > $HOME/status" } else { "echo $? > $HOME/status" }
    }

    fn takes_off(&self) -> &'static str {
        if self.shell == Shell::Fish { "cat $HOME/off | source" } else { "eval \"$(cat $HOME/off)\"" }
    }
}

/// The hook's whole life in a shell: at a prompt, before a command, a login, an expiry and a logout in another terminal, the end.
fn lives(kind: &Kind, home: &Home, terminal: &mut Terminal<'_>) {
    let shell = kind.shell;
    let env = terminal.env();
    has_token(&env, TOKEN, terminal);
    assert_eq!(text(&env, "SEQERA_PROMPT"), Some("acme"));
    terminal.type_line("sh -c 'exit 7'");
    terminal.type_line(kind.keeps_status());
    assert_eq!(terminal.reads("status").trim(), "7");
    assert_eq!(home.calls().len(), 1, "{:?}\n{}", home.calls(), terminal.screen());

    let next = |terminal: &mut Terminal<'_>| {
        // A prompt within the second in which a DEBUG trap has looked, and one that a switch was made after.
        std::thread::sleep(std::time::Duration::from_millis(1100));
        if !kind.before_commands {
            terminal.type_line("");
        }
        terminal.env()
    };
    home.at_once(|| {
        home.log_in(2, "umbrella");
        home.answers(shell, &env, Some(SECOND));
    });
    let env = next(terminal);
    has_token(&env, SECOND, terminal);

    // The same login, whose token is due.
    let mut profile = home.at_once(|| {
        let profile = home.log_in(3, "umbrella");
        home.answers(shell, &env, Some(TOKEN));
        profile
    });
    let env = next(terminal);
    has_token(&env, TOKEN, terminal);
    let calls = home.calls().len();
    forget_the_last_call(shell, terminal);
    profile.access_expires_at = Some(now() - 100);
    home.put(&profile);
    next(terminal);
    assert_eq!(home.calls().len(), calls + 1, "{:?}\n{}", home.calls(), terminal.screen());

    home.at_once(|| {
        home.log_out();
        home.answers(shell, &env, None);
    });
    let env = next(terminal);
    assert_eq!((text(&env, "TOWER_ACCESS_TOKEN"), text(&env, "SEQERA_ENV")), (None, None));

    home.off(shell, &env);
    terminal.type_line(kind.takes_off());
    for _ in 0..2 {
        let env = terminal.env();
        assert_eq!(text(&env, "SEQERA_PROMPT"), None, "{}", terminal.screen());
    }
    let screen = terminal.screen();
    for complaint in ["not found", "Unknown command", "syntax error"] {
        assert!(!screen.contains(complaint), "{screen}");
    }
}

/// The hook asks once in thirty seconds; here nobody waits that long.
fn forget_the_last_call(shell: Shell, terminal: &mut Terminal<'_>) {
    terminal.type_line(if shell == Shell::Fish { "set -g __seqera_retry 0" } else { "__seqera_retry=0" });
    terminal.env();
}

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
            line.extend([kind.path(), "--init-file".into(), script]);
        }
        Shell::Zsh => {
            let dir = home.path("vscode-zsh");
            std::fs::create_dir_all(&dir).unwrap();
            for (from, to) in [
                ("rc", ".zshrc"),
                ("env", ".zshenv"),
                ("profile", ".zprofile"),
                ("login", ".zlogin"),
            ] {
                std::fs::copy(vscode(&format!("shellIntegration-{from}.zsh")), dir.join(to)).unwrap();
            }
            line.push(format!("ZDOTDIR={}", dir.display()));
            line.push(format!("USER_ZDOTDIR={}", home.dir.path().display()));
            line.extend([kind.path(), "-i".into()]);
        }
        _ => {
            let script = vscode("shellIntegration.fish").display().to_string();
            line.extend([kind.path(), "--init-command".into(), format!(". \"{script}\"")]);
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
    let home = logged_in(kind.shell);
    start_up_file(kind, &home, options, before);
    let mut terminal = Terminal::run(&home, &command_line_in_vscode(kind, &home), &[]);
    let recording = home.path("recording");
    terminal.record(&recording);
    lives(kind, &home, &mut terminal);

    let sent = std::fs::read(&recording).unwrap();
    let sent = String::from_utf8_lossy(&sent);
    for mark in ["\x1b]633;A\x07", "\x1b]633;B\x07", "\x1b]633;C\x07", "\x1b]633;D;7\x07", "\x1b]633;D;0\x07"] {
        assert!(sent.contains(mark), "no {mark:?} in {sent:?}");
    }
    let status = kind.keeps_status();
    assert!(sent.contains(&format!("\x1b]633;E;{status}")), "no {status} in {sent:?}");
    assert!(!sent.contains("\x1b]633;E;__seqera_hook"), "our hook is no command of the person's: {sent:?}");

    let last = sent.rfind("\x1b]633;E;snapshot").expect("the commands after the hook are marked");
    assert!(sent[last..].contains("\x1b]633;D;0\x07"), "{sent:?}");
}

fn bash() -> Kind {
    Kind::new(Shell::Bash, program("bash"), false)
}

fn newest_bash() -> Kind {
    Kind::new(Shell::Bash, newest("bash"), true)
}

fn zsh() -> Kind {
    Kind::new(Shell::Zsh, program("zsh"), true)
}

const HISTORY: &str = "HISTCONTROL=ignoreboth"; // VS Code then takes commands from the DEBUG trap

#[test]
fn bash_in_vs_code_follows_the_login() {
    lives_in_vscode(&bash(), &[], "");
    lives_in_vscode(&bash(), &[], HISTORY);
}

#[test]
fn bash_with_a_debug_trap_in_vs_code_follows_the_login() {
    let kind = Kind { before_commands: true, ..bash() };
    lives_in_vscode(&kind, &["--preexec"], "");
    lives_in_vscode(&kind, &["--preexec"], HISTORY);
}

#[test]
fn the_newest_bash_in_vs_code_follows_the_login() {
    lives_in_vscode(&newest_bash(), &[], "");
    lives_in_vscode(&newest_bash(), &[], HISTORY);
}

#[test]
fn zsh_in_vs_code_follows_the_login() {
    lives_in_vscode(&zsh(), &[], "");
}

#[test]
fn fish_in_vs_code_follows_the_login() {
    lives_in_vscode(&Kind::new(Shell::Fish, program("fish"), true), &[], "");
}

#[test]
fn the_newest_fish_in_vs_code_follows_the_login() {
    lives_in_vscode(&Kind::new(Shell::Fish, newest("fish"), true), &[], "");
}

/// VS Code runs the person's shell once to learn the environment of the window.
#[test]
fn vs_code_learns_no_token() {
    for kind in [bash(), newest_bash(), zsh()] {
        let home = logged_in(kind.shell);
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
