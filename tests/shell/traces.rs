//! What the hook leaves in a shell's traces, traps, options and on terminals of few abilities: nothing.

use seqera_credential_helper::shell::Shell;

use super::prompts::Session;
use super::terminal::{Env, Home, Terminal, text};
use super::write;

const TOKEN: &[u8] = b"a-token-that-nobody-may-see";

fn logged_in(shell: Shell) -> (Home, std::path::PathBuf) {
    let home = Home::new();
    home.log_in(1, "acme");
    home.answers(shell, &Env::new(), Some(TOKEN));
    let hook = home.path("hook");
    write(&hook, home.hook(shell, &[]).as_bytes());
    (home, hook)
}

fn counted(text: &str) -> usize {
    text.matches(std::str::from_utf8(TOKEN).unwrap()).count()
}

#[test]
fn no_trace_shows_the_token() {
    for (shell, traces) in [
        (Shell::Bash, "set -xv"),
        (Shell::Bash, "set -xvET; trap 'printf \"%s\\n\" \"$BASH_COMMAND\" >&2' DEBUG"),
        (Shell::Zsh, "setopt xtrace verbose"),
        (Shell::Fish, "set -g fish_trace 1"),
        (Shell::Posix, "set -xv"),
        (Shell::Tcsh, "set echo; set verbose"),
        (Shell::Xonsh, "$XONSH_TRACE_SUBPROC = True"),
    ] {
        for inherited in [false, true] {
            let (home, hook) = logged_in(shell);
            let token = std::str::from_utf8(TOKEN).unwrap();
            let ours = [
                ("SEQERA_ENV", "default.0:0"),
                ("SEQERA_ACCESS_TOKEN", token),
                ("TOWER_ACCESS_TOKEN", token),
            ];
            let env = if inherited { &ours[..] } else { &[] };
            let session = Session { before: traces, env, ..Session::new(&home, shell, &hook) };
            let run = session.run();
            let env = super::prompts::environment(&run.out());
            assert_eq!(text(&env, "TOWER_ACCESS_TOKEN"), Some(token), "{shell}: {run:?}");
            assert_eq!(counted(&run.err()), 0, "{shell}, {traces}, {inherited}: {}", run.err());
            // What the program has: each variable that holds it, once.
            assert_eq!(counted(&run.out()), 2, "{shell}, {traces}: {}", run.out());
        }
    }
}

#[test]
fn the_persons_trace_goes_on() {
    for (shell, traces) in [(Shell::Bash, "set -xv"), (Shell::Zsh, "setopt xtrace"), (Shell::Posix, "set -x")]
    {
        let (home, hook) = logged_in(shell);
        let lines = ["echo still traced"];
        let run = Session { before: traces, lines: &lines, ..Session::new(&home, shell, &hook) }.run();
        assert!(
            run.err().lines().any(|line| line.contains("echo still traced") && line.contains(['+', '>'])),
            "{run:?}"
        );
    }
}

/// A command that failed is a failure once, and a function of theirs returns once.
#[test]
fn traps_run_as_often_as_without_us() {
    for options in ["", "set -E"] {
        let counts = |with: bool| {
            let (home, hook) = logged_in(Shell::Bash);
            if !with {
                write(&hook, b"PROMPT_COMMAND=:");
            }
            let before =
                format!("E=0 R=0; trap 'E=$((E+1))' ERR; trap 'R=$((R+1))' RETURN; f() {{ :; }}; {options}");
            let lines = ["false", "(exit 3)", "f", "export COUNTS=\"$E $R\""];
            let session =
                Session { before: &before, lines: &lines, ..Session::new(&home, Shell::Bash, &hook) };
            text(&session.env(), "COUNTS").map(str::to_owned)
        };
        assert_eq!(counts(true), counts(false), "{options}");
        assert!(counts(true).is_some());
    }
}

/// Neither shell can run anything at a prompt before which a DEBUG trap would not run: it does so once for each time
/// that the hook is called, never for what the hook does.
#[test]
fn a_debug_trap_runs_once_for_a_call_of_the_hook() {
    for (shell, set_up, calls) in [
        (Shell::Bash, "", 4),
        (Shell::Bash, "PROMPT_COMMAND=hers", 8),
        (Shell::Zsh, "", 8),
        (Shell::Zsh, "setopt local_traps posix_traps", 8),
    ] {
        let count = |with: bool, trap: &str| {
            let (home, _) = logged_in(shell);
            let before = format!("hers() {{ :; }}; f() {{ :; }}; {set_up}");
            let rc = home.rc(shell, &[], &before, "");
            if !with {
                write(&rc, before.as_bytes());
            }
            let terminal = Terminal::open(&home, shell, &rc, &[]);
            for line in [trap, "false", "f", "true", "echo $D.$E >$HOME/counts"] {
                terminal.type_line(line);
            }
            let counts = terminal.reads("counts");
            let (debug, errors) = counts.trim().split_once('.').unwrap();
            (debug.parse::<usize>().unwrap(), errors.parse::<usize>().unwrap())
        };
        let functions = "D=0 E=0; TRAPDEBUG() { D=$((D+1)) }; TRAPZERR() { E=$((E+1)) }";
        let errors = if shell == Shell::Zsh { "ZERR" } else { "ERR" };
        let trap = format!("D=0 E=0; trap 'E=$((E+1))' {errors}; trap 'D=$((D+1))' DEBUG");
        for trap in [trap.as_str(), functions].into_iter().take(if shell == Shell::Zsh { 2 } else { 1 }) {
            let (debug, errors) = count(false, trap);
            assert_eq!(count(true, trap), (debug + calls, errors), "{shell}, {set_up}, {trap}");
        }
    }
}

/// Under every option that makes a shell speak up.
#[test]
fn no_option_makes_the_hook_speak() {
    let all =
        "setopt warn_create_global warn_nested_var no_unset; load() { eval \"$(cat $HOME/hook)\"; }; load";
    for (shell, before) in [
        (Shell::Zsh, all),
        (Shell::Zsh, "setopt ksh_arrays sh_word_split glob_subst no_unset warn_create_global"),
        (Shell::Bash, "set -u; shopt -s nocasematch failglob; set -o posix"),
        (Shell::Bash, "set -eu; shopt -s nocasematch extdebug; set -o noclobber"),
        (Shell::Posix, "set -u"),
    ] {
        let (home, hook) = logged_in(shell);
        let run = Session { before, ..Session::new(&home, shell, &hook) }.run();
        let env = super::prompts::environment(&run.out());
        assert_eq!(text(&env, "SEQERA_PROMPT"), Some("acme"), "{shell}, {before}: {run:?}");
        assert_eq!(super::prompts::said(&run), "", "{shell}, {before}");
    }
}

/// The hook cannot be in a list that nobody may change: it says so once, and sees to commands by other means.
#[test]
fn a_read_only_prompt_command_is_told_and_not_fought() {
    let (home, hook) = logged_in(Shell::Bash);
    let session = Session {
        before: "readonly PROMPT_COMMAND=:",
        lines: &["true", "true"],
        ..Session::new(&home, Shell::Bash, &hook)
    };
    let run = session.run();
    assert_eq!(run.err().matches("PROMPT_COMMAND").count(), 1, "{run:?}");
    assert!(!run.err().contains("readonly variable"), "{run:?}");
    assert!(run.out().contains("HOME="), "{run:?}");

    let rc = home.rc(Shell::Bash, &[], "readonly PROMPT_COMMAND=:", "");
    let mut terminal = Terminal::open(&home, Shell::Bash, &rc, &[]);
    terminal.env();
    assert_eq!(
        text(&terminal.env(), "TOWER_ACCESS_TOKEN").map(str::as_bytes),
        Some(TOKEN),
        "{}",
        terminal.screen()
    );
}

/// Without a line editor, or on a terminal that knows no colours, a prompt is text.
#[test]
fn a_simple_terminal_gets_no_escapes() {
    for (shell, show) in [
        (Shell::Bash, "export SHOWN=\"$seqera_prompt\""),
        (Shell::Zsh, "export SHOWN=\"${(%)seqera_prompt}\""),
        (Shell::Fish, "set -gx SHOWN (seqera_prompt)"),
    ] {
        for env in [("TERM", "dumb"), ("INSIDE_EMACS", "29.1,comint")] {
            let (home, hook) = logged_in(shell);
            let (lines, env) = ([show], [env]);
            let session = Session { lines: &lines, env: &env, ..Session::new(&home, shell, &hook) };
            assert_eq!(text(&session.env(), "SHOWN"), Some("acme"), "{shell}, {env:?}");
        }
    }
    // Where lines are not edited, nobody takes the marks of width away.
    let (home, _) = logged_in(Shell::Bash);
    let shows = "PROMPT_COMMAND+=$'\\n''export SHOWN=\"$seqera_prompt\"'";
    let rc = home.rc(Shell::Bash, &[], "", shows).display().to_string();
    let line = ["bash", "--noprofile", "--noediting", "--rcfile", &rc, "-i"].map(String::from);
    let mut terminal = super::terminal::Terminal::run(&home, &line, &[]);
    terminal.env();
    assert_eq!(text(&terminal.env(), "SHOWN"), Some("acme"));
}
