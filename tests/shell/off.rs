//! `seqera hook SHELL --off` in the shells that are not like bash: it takes away what was ours and nothing else.
//! What it does in bash, zsh and fish is in `care` and `follow`.

use seqera_credential_helper::shell::Shell;

use super::follow::{Person, has_nothing, has_token, next};
use super::terminal::{Terminal, text};
use crate::support::login;

/// How each shell takes the hook out, as its help says.
fn off(shell: Shell) -> &'static str {
    match shell {
        Shell::Nu => "seqera hook nu --off | from json | load-env",
        Shell::Elvish => "eval (seqera hook elvish --off | slurp)",
        Shell::Xonsh => "execx($(seqera hook xonsh --off))",
        Shell::Tcsh => "eval \"`seqera hook tcsh --off`\"",
        Shell::Posix => "eval \"$(seqera hook posix --off)\"",
        _ => panic!("not asked of {shell}"),
    }
}

/// A start-up file's lines with hooks of the person's own, before ours: each sets THEIRS.
fn theirs(shell: Shell) -> &'static str {
    match shell {
        Shell::Nu => "$env.config.hooks.pre_prompt = [{|| $env.THEIRS = 'runs' }]",
        Shell::Elvish => "set edit:before-readline = [{ set-env THEIRS runs }]",
        Shell::Xonsh => "@events.on_pre_prompt\ndef _theirs(**_):\n    $THEIRS = 'runs'\n",
        Shell::Tcsh => "alias precmd 'setenv THEIRS runs'",
        _ => "THEIRS=runs; export THEIRS",
    }
}

/// A line that lists, in a file, the names of ours that the shell still knows, and the hooks.
fn lists(shell: Shell) -> &'static str {
    match shell {
        Shell::Nu => {
            "[$env.config.hooks.pre_prompt $env.config.hooks.pre_execution] | flatten | where ($it | describe) =~ '__seqera' \
             | length | $'($in)\n' | save -f $'($env.HOME)/left'"
        }
        Shell::Elvish => {
            "echo (count $edit:before-readline) (count $edit:after-readline) (try { eval '{|@_| } $__seqera_off~'; put known } catch e { put unknown }) > $E:HOME/left"
        }
        Shell::Xonsh => {
            "print([name for name in __xonsh__.ctx if 'seqera' in name], [h.__name__ for e in (events.on_pre_prompt, events.on_precommand) for h in e], 'seqera' in $PROMPT_FIELDS, file=open($HOME + '/left', 'w'), flush=True)"
        }
        Shell::Tcsh => "( set ; alias ) | grep __seqera | wc -l > $HOME/left",
        _ => "{ set; command -v seqera_hook seqera_with __seqera_off; } | grep -c seqera_ >$HOME/left",
    }
}

/// What [`lists`] says of a shell that has nothing of ours.
fn nothing_of_ours(shell: Shell) -> &'static str {
    match shell {
        Shell::Elvish => "1 0 unknown",
        Shell::Xonsh => "[] ['_theirs'] False",
        _ => "0",
    }
}

fn start_up_file(person: &Person, shell: Shell) -> std::path::PathBuf {
    let file = person.start_up_file(shell);
    let ours = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{}\n{ours}", theirs(shell))).unwrap();
    file
}

fn takes_out_what_was_ours(person: &Person, shell: Shell, mut terminal: Terminal<'_>, load: &str) {
    let token = login::with_token(&person.home, &person.platform, &[]);
    let env = next(&mut terminal);
    has_token(&env, &token);
    assert_eq!(text(&env, "THEIRS"), Some("runs"), "{shell}");

    for turn in 0..2 {
        terminal.type_line(off(shell));
        let env = next(&mut terminal);
        has_nothing(&env);
        assert_eq!(text(&env, "SEQERA_PROMPT"), None, "{shell}");
        assert_eq!(text(&env, "THEIRS"), Some("runs"), "{shell}");

        // What happens to the login is no longer this shell's business.
        let calls = person.calls().len();
        person.seqera(&["workspace", "switch", "acme/research"]);
        has_nothing(&next(&mut terminal));
        assert_eq!(person.calls().len(), calls + 1, "{shell}: {:?}", person.calls());

        terminal.type_line(lists(shell));
        assert_eq!(terminal.reads("left").trim(), nothing_of_ours(shell), "{shell}");
        std::fs::remove_file(person.home.path().join("left")).unwrap();

        if turn == 0 {
            // It can come back, and go again.
            person.seqera(&["workspace", "clear"]);
            terminal.type_line(load);
            has_token(&next(&mut terminal), &token);
        }
    }
    // A shell without the hook has nothing against it.
    let screen = terminal.screen();
    terminal.type_line(off(shell));
    has_nothing(&next(&mut terminal));
    for complaint in ["rror", "xception", "ndefined", "not found", "raceback", "Faulty"] {
        let count = |screen: &str| screen.matches(complaint).count();
        assert_eq!(count(&terminal.screen()), count(&screen), "{shell}:\n{}", terminal.screen());
    }
}

fn in_its_terminal(shell: Shell, load: &str) {
    let person = Person::new();
    person.count_calls();
    let rc = start_up_file(&person, shell);
    let terminal = Terminal::open(&person.home, shell, &rc, &[]);
    takes_out_what_was_ours(&person, shell, terminal, load);
}

#[test]
fn off_in_nushell() {
    in_its_terminal(Shell::Nu, "source seqera.nu");
}

#[test]
fn off_in_elvish() {
    in_its_terminal(Shell::Elvish, "eval (seqera hook elvish | slurp)");
}

#[test]
fn off_in_xonsh() {
    in_its_terminal(Shell::Xonsh, "execx($(seqera hook xonsh))");
}

#[test]
fn off_in_tcsh() {
    in_its_terminal(Shell::Tcsh, "eval \"`seqera hook tcsh`\"");
}

/// Not even an empty alias.
#[test]
fn off_in_a_tcsh_without_hooks_of_its_own() {
    let person = Person::new();
    let terminal = person.opens(Shell::Tcsh, &[]);
    terminal.type_line("alias precmd >$HOME/on; echo >>$HOME/on");
    assert!(terminal.reads("on").contains("__seqera_hooks"));
    terminal.type_line(off(Shell::Tcsh));
    terminal.type_line("( alias ) >$HOME/off.part; echo end >>$HOME/off.part; mv $HOME/off.part $HOME/off");
    assert!(!terminal.reads("off").contains("precmd"), "{}", terminal.screen());
}

/// The second time replaces the first.
#[test]
fn elvish_and_xonsh_have_one_hook_however_often_it_is_loaded() {
    for (shell, load, hooks, count) in [
        (
            Shell::Elvish,
            "eval (seqera hook elvish | slurp)",
            "echo (count $edit:before-readline) (count $edit:after-readline) > $E:HOME/hooks",
            "1 1",
        ),
        (
            Shell::Xonsh,
            "execx($(seqera hook xonsh))",
            "print(len(list(events.on_pre_prompt)), len(list(events.on_precommand)), file=open($HOME + '/hooks', 'w'), flush=True)",
            "1 1",
        ),
    ] {
        let person = Person::new();
        let rc = person.start_up_file(shell);
        let ours = std::fs::read_to_string(&rc).unwrap();
        std::fs::write(&rc, format!("{ours}\n{ours}")).unwrap();
        let mut terminal = Terminal::open(&person.home, shell, &rc, &[]);
        let token = login::with_token(&person.home, &person.platform, &[]);
        terminal.type_line(load);
        has_token(&next(&mut terminal), &token);
        terminal.type_line(hooks);
        assert_eq!(terminal.reads("hooks").trim(), count, "{shell}");
    }
}

#[test]
fn off_in_posix_shells() {
    for program in ["dash", "mksh"] {
        let person = Person::new();
        person.count_calls();
        let rc = start_up_file(&person, Shell::Posix);
        let line = ["env".into(), format!("ENV={}", rc.display()), program.into(), "-i".into()];
        let terminal = Terminal::run(&person.home, &line, &[]);
        let load = "eval \"$(seqera hook posix)\"; seqera_with snapshot";
        takes_out_what_was_ours(&person, Shell::Posix, terminal, load);
    }
}
