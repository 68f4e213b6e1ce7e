//! Who the hook shares a shell with: the real starship and ble.sh, and what others make of PROMPT_COMMAND and DEBUG traps.

use std::path::PathBuf;
use std::time::Duration;

use seqera_credential_helper::shell::Shell;

use super::care::processes;
use super::terminal::{Env, Home, Terminal, now, text, wait_for};
use super::{newest, tool, write};

pub const TOKEN: &[u8] = b"eyJhbGciOi.first";
pub const SECOND: &[u8] = b"eyJhbGciOi.second";

#[track_caller]
pub fn has_token(env: &Env, token: &[u8], terminal: &Terminal<'_>) {
    let found = text(env, "TOWER_ACCESS_TOKEN").map(str::as_bytes);
    assert_eq!(found, Some(token), "{}", terminal.screen());
}

/// Which shell, whether it is the newest, and whether it has a place for a hook before a command.
pub struct Kind {
    pub shell: Shell,
    pub newest: bool,
    pub before_commands: bool,
}

pub const BASH: Kind = Kind { shell: Shell::Bash, newest: false, before_commands: false };
pub const NEWEST_BASH: Kind = Kind { shell: Shell::Bash, newest: true, before_commands: true };
pub const ZSH: Kind = Kind { shell: Shell::Zsh, newest: false, before_commands: true };
pub const FISH: Kind = Kind { shell: Shell::Fish, newest: false, before_commands: true };
pub const NEWEST_FISH: Kind = Kind { shell: Shell::Fish, newest: true, before_commands: true };

impl Kind {
    /// The home of a person who has logged in and has this shell.
    pub fn logged_in(&self) -> Home {
        let home = Home::new();
        if self.newest {
            home.prefers(&newest(&self.shell.to_string()));
        }
        home.at_once(|| {
            home.log_in(1, "acme");
            home.answers(self.shell, &Env::new(), Some(TOKEN));
        });
        home
    }

    pub fn keeps_status(&self) -> &'static str {
        if self.shell == Shell::Fish { "echo $status > $HOME/status" } else { "echo $? > $HOME/status" }
    }

    /// The hook asks once in thirty seconds, and a DEBUG trap looks once in one: here nobody waits that long.
    pub fn forgets_when_it_asked(&self, home: &Home, terminal: &Terminal<'_>) {
        let forgets = match self.shell {
            Shell::Fish => "set -g __seqera_retry 0",
            _ => "__seqera_retry=0 __seqera_second=",
        };
        terminal.type_line(&format!("touch $HOME/forgets; {forgets}"));
        let done = home.path("forgets");
        wait_for(|| done.exists(), || terminal.screen());
        std::fs::remove_file(done).unwrap();
    }

    fn takes_off(&self) -> &'static str {
        if self.shell == Shell::Fish { "cat $HOME/off | source" } else { "eval \"$(cat $HOME/off)\"" }
    }
}

/// The hook's whole life: at a prompt and before a command, a login, an end of a token and a logout in another
/// terminal, and its own.
pub fn lives(kind: &Kind, home: &Home, terminal: &mut Terminal<'_>) {
    let shell = kind.shell;
    let env = terminal.env();
    has_token(&env, TOKEN, terminal);
    assert_eq!(text(&env, "SEQERA_PROMPT"), Some("acme"));
    terminal.type_line("sh -c 'exit 7'");
    terminal.type_line(kind.keeps_status());
    assert_eq!(terminal.reads("status").trim(), "7");
    assert_eq!(home.calls().len(), 1, "{:?}\n{}", home.calls(), terminal.screen());

    // What happens while the shell waits at its prompt.
    let next = |terminal: &mut Terminal<'_>, change: &dyn Fn()| {
        kind.forgets_when_it_asked(home, terminal);
        std::thread::sleep(Duration::from_millis(300)); // the prompt is drawn
        home.at_once(change);
        if !kind.before_commands {
            terminal.type_line("");
        }
        terminal.env()
    };
    let env = next(terminal, &|| {
        home.log_in(2, "umbrella");
        home.answers(shell, &env, Some(SECOND));
    });
    has_token(&env, SECOND, terminal);

    // The same login, whose token is due.
    let env = next(terminal, &|| {
        let mut profile = home.log_in(2, "umbrella");
        home.answers(shell, &env, Some(TOKEN));
        profile.access_expires_at = Some(now() - 100);
        home.put(&profile);
    });
    has_token(&env, TOKEN, terminal);
    assert_eq!(home.calls().len(), 3, "{:?}\n{}", home.calls(), terminal.screen());

    let env = next(terminal, &|| {
        home.log_out();
        home.answers(shell, &env, None);
    });
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

/// starship with a prompt that shows our segment, as the file we ship has it, and the status of the last command.
fn with_starship(kind: &Kind, starship_first: bool) -> (Home, PathBuf) {
    let home = kind.logged_in();
    home.prefers(&newest("starship"));
    let segment = include_str!("../../shell/starship.toml");
    let config = format!(
        "format = '${{env_var.SEQERA_PROMPT}}$status> '\n{segment}\n[status]\ndisabled = false\nformat = '<$status>'\n"
    );
    std::fs::create_dir(home.path(".config")).unwrap();
    write(&home.path(".config/starship.toml"), config.as_bytes());
    let starship = format!("eval \"$(starship init {})\"", kind.shell);
    let rc = match starship_first {
        true => home.rc(kind.shell, &[], &starship, ""),
        false => home.rc(kind.shell, &[], "", &starship),
    };
    (home, rc)
}

fn lives_with_starship(kind: &Kind) {
    for starship_first in [true, false] {
        let (home, rc) = with_starship(kind, starship_first);
        let mut terminal = Terminal::open(&home, kind.shell, &rc, &[]);
        terminal.sees("acme > ");
        terminal.type_line("sh -c 'exit 37'");
        terminal.sees("acme <37>> ");
        home.log_in(1, "umbrella");
        terminal.type_line("");
        terminal.sees("umbrella ");
        home.log_in(1, "acme");
        terminal.type_line("clear");
        lives(kind, &home, &mut terminal);
    }
}

#[test]
fn bash_with_starship_follows_the_login() {
    lives_with_starship(&BASH);
}

#[test]
fn the_newest_bash_with_starship_follows_the_login() {
    lives_with_starship(&NEWEST_BASH);
}

#[test]
fn zsh_with_starship_follows_the_login() {
    lives_with_starship(&ZSH);
}

/// starship starts some of its own; we add none.
#[test]
fn a_prompt_of_starship_starts_no_process_of_ours() {
    for (kind, count) in [
        (BASH, "prompts=0; starship_precmd_user_func=count; count() { ((prompts += 1)); }"),
        (ZSH, "prompts=0; precmd() { ((prompts += 1)); }"),
    ] {
        let (home, rc) = with_starship(&kind, true);
        let loads = std::fs::read_to_string(&rc).unwrap();
        let counted = |text: String| {
            write(&rc, text.as_bytes());
            processes(&home, kind.shell, &rc, 1)
        };
        let with = counted(format!("{loads}\n{count}\n"));
        let without = counted(format!("{}\n{count}\n", loads.replace("$(cat ", "$(: ")));
        assert!(without >= 100, "starship's own are counted: {without}");
        // Those around the first and the last prompt may be missed.
        assert!(with.abs_diff(without) < 50, "{with} with the hook, {without} without");
    }
}

fn lives_with_ble_sh(kind: &Kind, before: &str) {
    let home = kind.logged_in();
    let ble = tool("shells/usr/share/blesh/ble.sh");
    // What is typed before the prompt is there is no paste.
    let load = format!("source {} --noattach; bleopt accept_line_threshold=-1", ble.display());
    let before = format!("{load}\n{before}");
    let rc = home.rc(Shell::Bash, &[], &before, "ble-attach");
    let mut terminal = Terminal::open(&home, Shell::Bash, &rc, &[("USER", "someone")]);
    lives(kind, &home, &mut terminal);
}

#[test]
fn bash_with_ble_sh_follows_the_login() {
    let kind = Kind { before_commands: true, ..BASH };
    lives_with_ble_sh(&kind, "");
    lives_with_ble_sh(&kind, "ble-import integration/bash-preexec");
}

#[test]
fn the_newest_bash_with_ble_sh_follows_the_login() {
    lives_with_ble_sh(&NEWEST_BASH, "");
    lives_with_ble_sh(&NEWEST_BASH, "ble-import integration/bash-preexec");
}

/// Others set PROMPT_COMMAND before and after us, as text or lines.
#[test]
fn off_finds_the_hook_in_bash_wherever_it_has_come_to() {
    let direnv = "eval \"$(direnv hook bash)\"";
    for kind in [BASH, NEWEST_BASH] {
        for (options, after) in [
            (&[][..], "PROMPT_COMMAND=\"other=1; $PROMPT_COMMAND\""),
            (&[], "PROMPT_COMMAND=$'other=1\\n'\"$PROMPT_COMMAND\"$'\\nmore=1'"),
            (&[], "PROMPT_COMMAND=$'other=1\\n'\"$PROMPT_COMMAND\""),
            (&[], "PROMPT_COMMAND=(other=1 \"$PROMPT_COMMAND\" more=1)"),
            (&[], direnv),
            (
                &["--preexec"],
                "saved=$(trap -p DEBUG); trap 'eval \"$__kept\"' DEBUG; eval \"terms=($saved)\"; __kept=${terms[2]}",
            ),
            (&["--preexec"], ""),
        ] {
            let home = kind.logged_in();
            let rc = home.rc(Shell::Bash, options, "", after);
            let mut terminal = Terminal::open(&home, Shell::Bash, &rc, &[]);
            let env = terminal.env();
            has_token(&env, TOKEN, &terminal);
            home.off(Shell::Bash, &env);
            terminal.type_line(kind.takes_off());
            terminal.env();
            assert_eq!(text(&terminal.env(), "TOWER_ACCESS_TOKEN"), None);
            terminal.type_line("echo \"${PROMPT_COMMAND[*]-} ${PS0-} $(trap -p DEBUG)\" >$HOME/left");
            let left = terminal.reads("left");
            assert!(!left.contains("__seqera"), "{after:?} has left {left:?}");
            assert_eq!(left.contains("other=1"), after.contains("other=1"), "{left:?}");
            let screen = terminal.screen();
            assert!(!screen.contains("not found") && !screen.contains("syntax"), "{after:?}\n{screen}");
        }
    }
}

/// A DEBUG trap runs before every command, also in a shell that has no prompt and is asked for its environment.
#[test]
fn a_debug_trap_exports_nothing_before_the_first_prompt() {
    for kind in [BASH, NEWEST_BASH] {
        let home = kind.logged_in();
        let rc = home.rc(Shell::Bash, &["--preexec"], "", "");
        let output = home.command("bash").arg("--rcfile").arg(rc).args(["-ic", "env"]).output().unwrap();
        let out = String::from_utf8(output.stdout).unwrap();
        assert!(out.contains("HOME=") && !out.contains("ACCESS_TOKEN"), "{out}");
        assert_eq!(home.calls(), Vec::<String>::new());
    }
}

/// What bash-preexec does where the person has extdebug: a function that fails keeps the command from being run.
#[test]
fn the_hook_before_a_command_does_not_keep_it_from_being_run() {
    for kind in [BASH, NEWEST_BASH] {
        let home = kind.logged_in();
        // Others' arrays, as they are without bash-preexec itself.
        let before = "bash_preexec_imported=defined; precmd_functions=(); seven() { return 7; }";
        let each = "for each in \"${preexec_functions[@]}\"; do seven; \"$each\" \"$BASH_COMMAND\"; done";
        let after = format!("shopt -s extdebug; trap '{each}' DEBUG");
        let rc = home.rc(Shell::Bash, &[], before, &after);
        let terminal = Terminal::open(&home, Shell::Bash, &rc, &[]);
        terminal.type_line("echo $TOWER_ACCESS_TOKEN >$HOME/ran");
        assert_eq!(terminal.reads("ran").trim().as_bytes(), TOKEN);
    }
}
