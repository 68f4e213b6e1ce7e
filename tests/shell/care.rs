//! What the hook costs, and what it must leave alone.

use std::path::Path;
use std::process::{Command, Stdio};

use seqera_credential_helper::session::mark::Mark;
use seqera_credential_helper::session::profile::ProfileName;
use seqera_credential_helper::shell::Shell;

use super::terminal::{Env, Home, Terminal, command_line, now, text};
use super::{newest, program, write};

const TOKEN: &[u8] = b"eyJhbGciOi.first";

fn logged_in(shell: Shell) -> Home {
    let home = Home::new();
    home.at_once(|| {
        home.log_in(1, "acme");
        home.answers(shell, &Env::new(), Some(TOKEN));
    });
    home
}

/// Counts the processes that a shell starts while it draws this many hundred prompts.
pub fn processes(home: &Home, shell: Shell, rc: &Path, hundreds: usize) -> usize {
    for old in ["before", "after"] {
        let _ = std::fs::remove_file(home.path(old));
    }
    let log = home.path("strace");
    let mut line: Vec<String> =
        ["strace", "-f", "-qq", "-e", "trace=clone,clone3,fork,vfork,execve", "-o"].map(String::from).into();
    line.push(log.display().to_string());
    line.extend(command_line(shell, rc));
    let mut terminal = Terminal::run(home, &line, &[]);
    terminal.env();
    let started = || {
        let text = std::fs::read_to_string(&log).unwrap();
        text.lines().filter(|line| !line.contains("CLONE_THREAD") && !line.contains("resumed")).count()
    };
    terminal.type_line("echo $prompts >$HOME/before");
    let before: usize = terminal.reads("before").trim().parse().unwrap();
    let processes = started();
    for _ in 0..hundreds {
        terminal.press_enter(100);
    }
    terminal.type_line("echo $prompts >$HOME/after");
    let after: usize = terminal.reads("after").trim().parse().unwrap();
    assert!(after - before >= 100 * hundreds, "{after} - {before} prompts were drawn");
    started() - processes
}

/// The hook reads the mark a thousand times, and what else a prompt does comes `after` it.
fn processes_in_a_thousand_prompts(home: &Home, shell: Shell, after: &str) -> usize {
    let started = processes(home, shell, &home.rc(shell, &[], "", after), 10);
    assert_eq!(home.calls().len(), 1);
    started
}

pub const COUNT_BASH: &str = "prompts=0; PS1='${prompts:$((prompts+=1)):0}> '";
pub const COUNT_ZSH: &str = "prompts=0; precmd() { ((prompts += 1)); }; PS1='> '";

#[test]
fn a_thousand_prompts_of_bash_start_no_process() {
    assert_eq!(processes_in_a_thousand_prompts(&logged_in(Shell::Bash), Shell::Bash, COUNT_BASH), 0);
    let home = logged_in(Shell::Bash);
    home.prefers(&newest("bash"));
    assert_eq!(processes_in_a_thousand_prompts(&home, Shell::Bash, COUNT_BASH), 0);
}

#[test]
fn a_thousand_prompts_of_zsh_start_no_process() {
    assert_eq!(processes_in_a_thousand_prompts(&logged_in(Shell::Zsh), Shell::Zsh, COUNT_ZSH), 0);
}

/// That the counting counts.
#[test]
fn a_prompt_that_starts_processes_is_caught() {
    let forks = format!("{COUNT_BASH}; PROMPT_COMMAND=\"$PROMPT_COMMAND; /bin/true\"");
    assert!(processes_in_a_thousand_prompts(&logged_in(Shell::Bash), Shell::Bash, &forks) >= 1000);
}

fn keeps_the_status(shell: Shell, line: &str, expected: &str) {
    keeps_the_status_in(&logged_in(shell), shell, line, expected);
}

fn keeps_the_status_in(home: &Home, shell: Shell, line: &str, expected: &str) {
    let terminal = Terminal::open(home, shell, &home.rc(shell, &[], "", ""), &[]);
    for word in line.split(" ⏎ ") {
        terminal.type_line(word);
    }
    assert_eq!(terminal.reads("status").trim(), expected);
}

#[test]
fn bash_keeps_the_status_the_pipe_and_the_last_word() {
    let line = "(exit 7) ⏎ echo $? >$HOME/a ⏎ (exit 3) | (exit 4) ⏎ echo ${PIPESTATUS[*]} >$HOME/b ⏎ \
                : last word ⏎ echo $_ >$HOME/c ⏎ cat $HOME/a $HOME/b $HOME/c | tr '\\n' . >$HOME/d ⏎ \
                (cat $HOME/d; echo) >$HOME/status";
    keeps_the_status(Shell::Bash, line, "7.3 4.word.");
    let home = logged_in(Shell::Bash);
    home.prefers(&newest("bash"));
    keeps_the_status_in(&home, Shell::Bash, line, "7.3 4.word.");
}

#[test]
fn zsh_keeps_the_status_the_pipe_and_the_last_word() {
    let line = "(exit 7) ⏎ echo $? >$HOME/a ⏎ (exit 3) | (exit 4) ⏎ echo $pipestatus >$HOME/b ⏎ \
                : last word ⏎ echo $_ >$HOME/c ⏎ cat $HOME/a $HOME/b $HOME/c | tr '\\n' . >$HOME/d ⏎ \
                (cat $HOME/d; echo) >$HOME/status";
    keeps_the_status(Shell::Zsh, line, "7.3 4.word.");
}

#[test]
fn fish_keeps_the_status() {
    keeps_the_status(Shell::Fish, "sh -c 'exit 7' ⏎ echo $status >$HOME/status", "7");
}

#[test]
fn xonsh_and_tcsh_keep_the_status() {
    keeps_the_status(Shell::Tcsh, "sh -c 'exit 7' ⏎ echo $status >$HOME/status", "7");
    keeps_the_status(Shell::Xonsh, "sh -c 'exit 7' ⏎ echo $LAST_RETURN_CODE > $HOME/status", "7");
}

/// The prompt shows the status of the command before it, whoever drew in between.
#[test]
fn a_prompt_with_a_status_shows_the_persons() {
    for (shell, prompt) in [(Shell::Bash, "PS1='[$?]> '"), (Shell::Zsh, "PS1='[%?]> '")] {
        let home = logged_in(shell);
        let terminal = Terminal::open(&home, shell, &home.rc(shell, &[], "", prompt), &[]);
        terminal.type_line("(exit 37)");
        terminal.sees("[37]>");
    }
}

/// starship and others take the status in PROMPT_COMMAND, after us.
#[test]
fn a_hook_behind_ours_sees_the_status() {
    let home = logged_in(Shell::Bash);
    let rc = home.rc(Shell::Bash, &[], "PROMPT_COMMAND='seen=$?'", "PS1='<$seen> '");
    let terminal = Terminal::open(&home, Shell::Bash, &rc, &[]);
    terminal.type_line("(exit 37)");
    terminal.sees("<37>");
}

#[test]
fn strict_shells_live_on() {
    for (shell, strict) in [
        (Shell::Bash, "set -eu"),
        (Shell::Zsh, "setopt no_unset err_exit ksh_arrays sh_word_split glob_subst"),
    ] {
        for before in [true, false] {
            let home = logged_in(shell);
            let rc = if before { home.rc(shell, &[], strict, "") } else { home.rc(shell, &[], "", strict) };
            let mut terminal = Terminal::open(&home, shell, &rc, &[]);
            assert_eq!(text(&terminal.env(), "SEQERA_PROMPT"), Some("acme"), "{shell}");
            write(&home.path("code"), b"5");
            home.log_in(2, "other");
            terminal.type_line("");
            assert_eq!(
                text(&terminal.env(), "SEQERA_PROMPT"),
                Some("other"),
                "{shell}: {}",
                terminal.screen()
            );
        }
    }
}

#[test]
fn a_hook_that_is_loaded_twice_runs_once() {
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::Nu, Shell::Xonsh, Shell::Tcsh] {
        let home = logged_in(shell);
        let load = match shell {
            Shell::Fish => "cat $HOME/hook | source",
            Shell::Nu => "",
            Shell::Xonsh => "import os; execx(open(os.environ['HOME'] + '/hook').read())",
            Shell::Tcsh => "eval \"`cat $HOME/hook`\"",
            _ => "eval \"$(cat $HOME/hook)\"",
        };
        let rc = home.rc(shell, &[], "", load);
        let mut terminal = Terminal::open(&home, shell, &rc, &[]);
        let env = terminal.env();
        assert_eq!(text(&env, "TOWER_ACCESS_TOKEN").map(str::as_bytes), Some(TOKEN), "{shell}");
        terminal.env();
        assert_eq!(home.calls().len(), 1, "{shell}");
    }
}

const ALL: &[Shell] =
    &[Shell::Bash, Shell::Zsh, Shell::Fish, Shell::Nu, Shell::Elvish, Shell::Xonsh, Shell::Tcsh];

#[test]
fn a_token_of_the_persons_own_stays() {
    for &shell in ALL {
        let home = logged_in(shell);
        let rc = home.rc(shell, &[], "", "");
        let mut terminal = Terminal::open(&home, shell, &rc, &[("TOWER_ACCESS_TOKEN", "my own")]);
        let env = terminal.env();
        assert_eq!(text(&env, "TOWER_ACCESS_TOKEN"), Some("my own"), "{shell}");
        assert_eq!(text(&env, "SEQERA_ACCESS_TOKEN"), None, "{shell}");
        assert_eq!(text(&env, "SEQERA_PROMPT"), Some("env"), "{shell}");
        home.log_in(2, "other");
        terminal.type_line("");
        terminal.env();
        assert_eq!(home.calls(), Vec::<String>::new(), "{shell}");
    }
}

#[test]
fn a_run_of_the_platform_keeps_its_token() {
    for &shell in ALL {
        let home = logged_in(shell);
        let rc = home.rc(shell, &[], "", "");
        let run = [("TOWER_WORKFLOW_ID", "1"), ("TOWER_ACCESS_TOKEN", "the run's")];
        let mut terminal = Terminal::open(&home, shell, &rc, &run);
        let env = terminal.env();
        assert_eq!(text(&env, "TOWER_ACCESS_TOKEN"), Some("the run's"), "{shell}");
        assert_eq!(text(&env, "SEQERA_PROMPT"), None, "{shell}");
        assert_eq!(home.calls(), Vec::<String>::new(), "{shell}");
    }
}

/// Editors read a start-up file once and keep its environment for days: a token must not get into it.
#[test]
fn a_start_up_file_exports_nothing() {
    for (shell, flag) in
        [(Shell::Bash, "-ic"), (Shell::Zsh, "-ic"), (Shell::Fish, "-ic"), (Shell::Bash, "-c")]
    {
        let home = logged_in(shell);
        let rc = home.rc(shell, &[], "", "");
        let mut line = command_line(shell, &rc);
        line.retain(|word| word != "-i");
        let output = home
            .command(&line[0])
            .args(&line[1..])
            .args([flag, "env"])
            .stderr(Stdio::null())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("HOME="), "{shell} {flag}: {text}");
        assert!(!text.contains("ACCESS_TOKEN") && !text.contains("SEQERA_PROMPT"), "{shell} {flag}: {text}");
        assert_eq!(home.calls(), Vec::<String>::new());
    }
}

#[test]
fn a_nested_shell_knows_what_it_inherits() {
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        let home = logged_in(shell);
        let rc = home.rc(shell, &[], "", "");
        let mut terminal = Terminal::open(&home, shell, &rc, &[]);
        let env = terminal.env();
        let nested: Vec<String> = command_line(shell, &rc)
            .iter()
            .map(|word| if word.contains(' ') { format!("'{word}'") } else { word.clone() })
            .collect();
        terminal.type_line(&nested.join(" "));
        assert_eq!(terminal.env().get("SEQERA_ENV"), env.get("SEQERA_ENV"));
        assert_eq!(home.calls().len(), 1, "{shell}: the inherited token is known for ours");

        // As in a pane of tmux, whose server has the environment of yesterday.
        home.at_once(|| {
            home.log_in(2, "acme");
            home.answers(shell, &env, Some(b"second"));
        });
        terminal.type_line(&nested.join(" "));
        terminal.type_line("");
        assert_eq!(text(&terminal.env(), "TOWER_ACCESS_TOKEN"), Some("second"), "{shell}");
    }
}

#[test]
fn without_a_network_it_asks_once_says_so_once_and_keeps_the_token() {
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::Nu, Shell::Xonsh] {
        let home = logged_in(shell);
        let rc = home.rc(shell, &[], "", "");
        let mut terminal = Terminal::open(&home, shell, &rc, &[]);
        let env = terminal.env();
        home.at_once(|| {
            home.log_in(2, "acme");
            home.answers(shell, &env, None);
        });
        for _ in 0..20 {
            terminal.type_line("");
        }
        let after = terminal.env();
        assert_eq!(after.get("TOWER_ACCESS_TOKEN"), env.get("TOWER_ACCESS_TOKEN"), "{shell}");
        assert_eq!(home.calls().len(), 2, "{shell}: {:?}", home.calls());
        let said = terminal.screen().matches("the Platform does not answer").count();
        assert_eq!(said, 1, "{shell}:\n{}", terminal.screen());
    }
}

#[test]
fn a_token_that_is_due_is_asked_for_again_and_not_at_every_prompt() {
    for &shell in ALL.iter().filter(|shell| **shell != Shell::Elvish) {
        let home = logged_in(shell);
        let rc = home.rc(shell, &[], "", "");
        // As in a nested shell: it knows the token that it has inherited.
        let mut terminal = Terminal::open(&home, shell, &rc, &[("SEQERA_ENV", "default.1:0")]);
        terminal.env();
        assert_eq!(home.calls().len(), 0, "{shell}");
        // The same generation, due now.
        let mut profile = home.log_in(1, "acme");
        profile.access_expires_at = Some(now() - 100); // terminals keep time in steps of 8 s
        home.put(&profile);
        for _ in 0..5 {
            terminal.type_line("");
        }
        terminal.env();
        assert_eq!(home.calls().len(), 1, "{shell}: {:?}", home.calls());
    }
}

#[test]
fn an_interrupt_gives_the_prompt_back() {
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        let home = logged_in(shell);
        let rc = home.rc(shell, &[], "", "");
        let mut terminal = Terminal::open(&home, shell, &rc, &[]);
        terminal.env();
        write(&home.path("slow"), b"");
        home.log_in(2, "acme");
        terminal.type_line("");
        super::terminal::wait_for(|| home.calls().len() == 2, || format!("{shell} did not ask"));
        terminal.press("C-c");
        terminal.env();
        assert_eq!(home.calls().len(), 2, "{shell} asked again");
    }
}

#[test]
fn a_program_that_is_gone_is_not_looked_for_at_every_prompt() {
    for &shell in ALL {
        let home = logged_in(shell);
        std::fs::remove_file(home.path("bin/seqera")).unwrap();
        let rc = home.rc(shell, &[], "", "");
        let mut terminal = Terminal::open(&home, shell, &rc, &[]);
        let env = terminal.env();
        assert_eq!(env.get("TOWER_ACCESS_TOKEN"), None);
        assert_eq!(text(&env, "SEQERA_PROMPT"), Some("acme"), "{shell}");
        let screen = terminal.screen().to_lowercase();
        assert!(!screen.contains("not found") && !screen.contains("error"), "{shell}:\n{screen}");
    }
}

/// A mark that somebody else has written, or the disk has damaged.
#[test]
fn nothing_in_a_mark_ever_runs() {
    for &shell in ALL.iter().filter(|shell| **shell != Shell::Tcsh) {
        let home = logged_in(shell);
        let ran = home.path("ran");
        let rc = home.rc(shell, &[], "", "setopt prompt_subst 2>/dev/null; PS1='${seqera_prompt}> '");
        let rc = if matches!(shell, Shell::Bash | Shell::Zsh) { rc } else { home.rc(shell, &[], "", "") };
        let mut terminal = Terminal::open(&home, shell, &rc, &[]);
        terminal.env();
        let touch = format!("$(touch${{IFS}}{})", ran.display());
        let index = format!("a[{touch}]");
        for mark in [
            format!("1 {index} {index} {index} {index} {index} {index} {index} fresh acme"),
            format!("1 default.1 {index} {index} {index} 1 1 1 {index} acme"),
            format!("1 default.1 9999999999 9999999999 9999999999 9 9 9 fresh {touch}`id`%n%F{{red}}"),
            format!("1 default.1 9999999999 1000000000 9999999999 9 9 9 ended \x1b]0;owned\x07{touch}"),
            "1".into(),
            "1 2 3 4".into(),
            "\0\0\x01\u{202e}".into(),
            "x ".repeat(100),
            "1 default.1 08 09 0x10 08 09 010 fresh acme".into(),
            "1 default.1 99999999999999999999999 1 1 1 1 1 fresh acme".into(),
        ] {
            write(&home.paths.run.join("mark"), mark.as_bytes());
            terminal.type_line("");
            let shown = terminal.env();
            let label = text(&shown, "SEQERA_PROMPT").unwrap_or_default();
            assert!(
                label.chars().all(|c| c.is_ascii_alphanumeric() || "_/@?~!-.".contains(c)),
                "{shell}: {label:?}"
            );
            assert!(!ran.exists(), "{shell} ran what stood in {mark:?}");
        }
        let screen = terminal.screen().to_lowercase();
        for complaint in ["syntax error", "bad math", "value too great", "missing argument", "traceback"] {
            assert!(!screen.contains(complaint), "{shell}:\n{screen}");
        }
    }
}

#[test]
fn only_the_segment_where_nothing_is_to_be_exported() {
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        let home = logged_in(shell);
        write(&home.path(&format!("answer.{shell}")), b"");
        let rc = home.rc(shell, &["--no-export"], "", "");
        let mut terminal = Terminal::open(&home, shell, &rc, &[]);
        let env = terminal.env();
        assert_eq!(text(&env, "SEQERA_PROMPT"), Some("acme"), "{shell}");
        assert_eq!(text(&env, "TOWER_ACCESS_TOKEN"), None, "{shell}");
        assert_eq!(home.calls(), [format!("hook-env {shell} --no-export")]);
    }
}

/// Everything that the shell knows: variables, functions, hooks.
fn state(shell: Shell) -> &'static str {
    match shell {
        Shell::Bash => "(set -o posix; set; declare -f; trap; declare -p PROMPT_COMMAND PS0) 2>&1",
        Shell::Zsh => "(typeset -p; functions; print $precmd_functions $preexec_functions) 2>&1",
        Shell::Fish => "begin; set; functions -a; functions --handlers; end 2>&1",
        _ => panic!("not asked of {shell}"),
    }
}

#[test]
fn off_leaves_the_shell_as_it_was() {
    for (shell, before) in [
        (Shell::Bash, ""),
        (Shell::Bash, "PROMPT_COMMAND='history -a; '"),
        (Shell::Bash, "PROMPT_COMMAND=(true 'echo -n')"),
        (
            Shell::Zsh,
            "autoload -Uz add-zsh-hook; f() { :; }; add-zsh-hook precmd f; add-zsh-hook preexec f; zmodload zsh/datetime",
        ),
        (Shell::Fish, "set -g mine 1"),
    ] {
        let home = logged_in(shell);
        let plain = home.path(if shell == Shell::Zsh { ".zshrc" } else { "rc" });
        write(&plain, format!("{before}\n").as_bytes());
        let mut terminal = Terminal::open(&home, shell, &plain, &[]);
        terminal.env();
        let redirect = |name: &str| {
            format!(
                "{} >$HOME/{name}.part; echo >>$HOME/{name}.part; mv $HOME/{name}.part $HOME/{name}",
                state(shell)
            )
        };
        terminal.type_line(&redirect("one"));
        let one = terminal.reads("one");

        write(&home.path("hook"), home.hook(shell, &[]).as_bytes());
        terminal.type_line(if shell == Shell::Fish {
            "cat $HOME/hook | source"
        } else {
            "eval \"$(cat $HOME/hook)\""
        });
        terminal.type_line("");
        let env = terminal.env();
        assert_eq!(text(&env, "TOWER_ACCESS_TOKEN").map(str::as_bytes), Some(TOKEN), "{shell}");

        home.off(shell, &env);
        terminal.type_line(if shell == Shell::Fish {
            "cat $HOME/off | source"
        } else {
            "eval \"$(cat $HOME/off)\""
        });
        terminal.type_line("");
        terminal.env();
        terminal.type_line(&redirect("two"));
        let two = terminal.reads("two");
        let differences: Vec<&str> =
            two.lines().filter(|line| !one.contains(*line)).filter(|line| !changes_by_itself(line)).collect();
        assert_eq!(differences, Vec::<&str>::new(), "{shell} with {before:?}");
        let lost: Vec<&str> =
            one.lines().filter(|line| !two.contains(*line)).filter(|line| !changes_by_itself(line)).collect();
        assert_eq!(lost, Vec::<&str>::new(), "{shell} with {before:?}");
    }
}

fn changes_by_itself(line: &str) -> bool {
    [
        "BASHPID",
        "BASH_LINENO",
        "EPOCH",
        "HISTCMD",
        "LINENO",
        "PIPESTATUS",
        "RANDOM",
        "SECONDS",
        "SRANDOM",
        "_=",
        "TTYIDLE",
        "status_generation",
        "history",
        "CMD_DURATION",
        "status",
        "precmd_functions",
        "fish_pid",
        "RPROMPT",
        "argv",
        "COMP_WORDBREAKS",
        "_ ",
        "BASH_ARGV",
        "MAILCHECK",
    ]
    .iter()
    .any(|word| line.contains(word))
}

#[test]
fn bash_hooks_of_others_and_ours_run_side_by_side() {
    let direnv = "eval \"$(direnv hook bash)\"";
    let editor = "__vsc_original_prompt_command=${PROMPT_COMMAND-}; __vsc_prompt_cmd() { eval \"$__vsc_original_prompt_command\"; }; PROMPT_COMMAND=__vsc_prompt_cmd";
    let array = "PROMPT_COMMAND=('other=1' 'another=1')";
    for (before, after) in [
        (direnv, ""),
        ("", direnv),
        (array, ""),
        ("PROMPT_COMMAND='other=1;'", ""),
        ("PROMPT_COMMAND=$'other=1\\n'", ""),
        ("", editor),
        (direnv, editor),
        ("alias eval=false local=false read=false export=false", ""),
        ("unset EPOCHSECONDS", ""),
        ("IFS=-/.", ""),
        ("set -o posix", ""),
        ("shopt -s nullglob failglob", ""),
    ] {
        let shell = Shell::Bash;
        let home = logged_in(shell);
        let rc = home.rc(shell, &[], before, after);
        write(&home.path(".envrc"), b"export FROM_DIRENV=yes\n");
        let allowed =
            home.command(program("direnv")).arg("allow").current_dir(home.dir.path()).status().unwrap();
        assert!(allowed.success());
        let mut terminal = Terminal::open(&home, shell, &rc, &[]);
        terminal.type_line("cd");
        terminal.type_line("(exit 9)");
        terminal.type_line("echo $? >\"$HOME/status\"");
        assert_eq!(terminal.reads("status").trim(), "9", "{before} {after}");
        let env = terminal.env();
        assert_eq!(
            text(&env, "TOWER_ACCESS_TOKEN").map(str::as_bytes),
            Some(TOKEN),
            "{before:?} {after:?}\n{}",
            terminal.screen()
        );
        let direnv_ran = text(&env, "FROM_DIRENV") == Some("yes");
        assert_eq!(direnv_ran, before.contains("direnv") || after.contains("direnv"), "{before:?} {after:?}");
        assert_eq!(home.calls().len(), 1, "{before:?} {after:?}: {}", terminal.screen());
    }
}

#[test]
fn zsh_and_direnv_run_side_by_side() {
    let direnv = "eval \"$(direnv hook zsh)\"";
    for (before, after) in [(direnv, ""), ("", direnv)] {
        let home = logged_in(Shell::Zsh);
        let rc = home.rc(Shell::Zsh, &[], before, after);
        write(&home.path(".envrc"), b"export FROM_DIRENV=yes\n");
        home.command(program("direnv")).arg("allow").current_dir(home.dir.path()).status().unwrap();
        let mut terminal = Terminal::open(&home, Shell::Zsh, &rc, &[]);
        terminal.type_line("cd");
        let env = terminal.env();
        assert_eq!(text(&env, "FROM_DIRENV"), Some("yes"));
        assert_eq!(text(&env, "TOWER_ACCESS_TOKEN").map(str::as_bytes), Some(TOKEN));
    }
}

/// bash before 5.3, where the person asked for it.
#[test]
fn a_debug_trap_sees_a_login_before_the_next_command() {
    let home = logged_in(Shell::Bash);
    let rc = home.rc(Shell::Bash, &["--preexec"], "", "");
    let mut terminal = Terminal::open(&home, Shell::Bash, &rc, &[]);
    let env = terminal.env();
    home.at_once(|| {
        home.log_in(2, "acme");
        home.answers(Shell::Bash, &env, Some(b"second"));
    });
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert_eq!(text(&terminal.env(), "TOWER_ACCESS_TOKEN"), Some("second"));
    terminal.type_line(": last word");
    terminal.type_line("echo $_ $? >$HOME/kept");
    assert_eq!(terminal.reads("kept").trim(), "word 0");
}

#[test]
fn a_shell_follows_its_own_profile() {
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        let home = logged_in(shell);
        let mut other = home.log_in(1, "acme");
        other.name = "prod".parse().unwrap();
        other.save(&home.paths).unwrap();
        Mark::write(&home.paths, &other, false).unwrap();
        let rc = home.rc(shell, &[], "", "");
        let mut terminal = Terminal::open(&home, shell, &rc, &[("SEQERA_PROFILE", "prod")]);
        assert_eq!(text(&terminal.env(), "SEQERA_PROMPT"), Some("acme@prod"), "{shell}");
        assert_eq!(Mark::read(&home.paths, None).unwrap().generation, "default.1");
        assert!(Mark::read(&home.paths, Some(&ProfileName::default_name())).is_some());
    }
}

/// POSIX shells have no place for a hook: the commands that need the token are wrapped.
#[test]
fn a_posix_shell_wraps_the_commands_that_need_the_token() {
    for program in ["dash", "mksh"] {
        let home = logged_in(Shell::Posix);
        let rc = home.rc(Shell::Posix, &[], "", "seqera_with snapshot 'a;b'");
        let line = ["env".into(), format!("ENV={}", rc.display()), program.into(), "-i".into()];
        let mut terminal = Terminal::run(&home, &line, &[]);
        let env = terminal.env();
        assert_eq!(text(&env, "TOWER_ACCESS_TOKEN").map(str::as_bytes), Some(TOKEN), "{}", terminal.screen());
        terminal.env();
        assert_eq!(home.calls().len(), 1);
        terminal.sees("cannot be the name of a function");

        home.at_once(|| {
            home.log_out();
            home.answers(Shell::Posix, &env, None);
        });
        assert_eq!(terminal.env().get("TOWER_ACCESS_TOKEN"), None);

        let mut profile = home.at_once(|| {
            let profile = home.log_in(2, "acme");
            home.answers(Shell::Posix, &Env::new(), Some(TOKEN));
            profile
        });
        terminal.env();
        let calls = home.calls().len();
        profile.access_expires_at = Some(now() - 100); // terminals keep time in steps of 8 s
        home.put(&profile);
        terminal.env();
        assert_eq!(home.calls().len(), calls + 1, "a token that is due is asked for");
    }
}

#[test]
fn the_shell_is_found_out_from_the_parent() {
    let seqera = crate::support::seqera();
    let probe = |program: &Path, args: &[&str]| {
        let home = Home::new();
        let mut command = home.command(program);
        command.args(args).env("SHELL", "/bin/false").env("SEQERA", seqera);
        // Something of ours to take away shows in which language it is taken.
        command.env("SEQERA_ENV", "default.1:0").stdin(Stdio::null());
        let output = command.output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    let script = "\"$SEQERA\" env --unset; true";
    for shell in ["bash", "zsh", "dash", "mksh"] {
        assert_eq!(probe(&program(shell), &["-c", script]), "\\unset SEQERA_ENV", "{shell}");
    }
    assert_eq!(probe(&program("fish"), &["-c", "$SEQERA env --unset; true"]), "set -eg SEQERA_ENV");
    assert_eq!(probe(&program("tcsh"), &["-fc", "$SEQERA env --unset; true"]), "unsetenv SEQERA_ENV");
    assert_eq!(
        probe(&program("elvish"), &["-norc", "-c", "(external $E:SEQERA) env --unset; nop"]),
        "unset-env SEQERA_ENV"
    );
    let xonsh = probe(&program("xonsh"), &["--no-rc", "-c", "$SEQERA env --unset\nx = 1"]);
    assert_eq!(xonsh, "${...}.pop('SEQERA_ENV', None)");
    assert_eq!(
        probe(&super::nu(), &["--no-config-file", "-c", "^$env.SEQERA env --unset; null"]),
        r#"{"SEQERA_ENV":null}"#
    );
    // Something else between the shell and us.
    let wrapped = "env nice timeout 9 \"$SEQERA\" env --unset; true";
    assert_eq!(probe(&program("zsh"), &["-c", wrapped]), "\\unset SEQERA_ENV");
}

#[test]
fn an_error_evaluates_to_nothing() {
    let home = Home::new();
    let mut command: Command = home.command(program("bash"));
    command
        .args(["-c", "eval \"$($SEQERA env --shell bash)\"; echo $?; env"])
        .env("SEQERA", crate::support::seqera());
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("ACCESS_TOKEN"), "{text}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("seqera login"));
    let output = home.command(crate::support::seqera()).args(["env", "--shell", "bash"]).output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(3), 0));
}
