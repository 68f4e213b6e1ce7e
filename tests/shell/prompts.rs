//! Shells that draw prompts without a terminal: quick, and good for everything that is not about keys.

use std::path::Path;

use seqera_credential_helper::shell::Shell;

use super::follow::run_in_a_session;
use super::terminal::{Env, Place, Terminal};
use super::{nu, program};
use crate::support::home::Run;

/// All that need no terminal to have a hook.
pub const SHELLS: &[Shell] =
    &[Shell::Bash, Shell::Zsh, Shell::Fish, Shell::Posix, Shell::Tcsh, Shell::Xonsh, Shell::Nu];

/// What a person's shell does between its start and its end.
pub struct Session<'a> {
    pub place: &'a dyn Place,
    pub shell: Shell,
    /// The hook as it was printed.
    pub hook: &'a Path,
    /// What stands before the hook in the start-up file.
    pub before: &'a str,
    /// What is typed, and a prompt after each.
    pub lines: &'a [&'a str],
    pub env: &'a [(&'a str, &'a str)],
    pub folder: Option<&'a Path>,
}

impl<'a> Session<'a> {
    pub fn new(place: &'a dyn Place, shell: Shell, hook: &'a Path) -> Session<'a> {
        Session { place, shell, hook, before: "", lines: &[], env: &[], folder: None }
    }

    /// Loads the hook, draws two prompts and one after each line, and shows the environment of a program.
    #[track_caller]
    pub fn run(&self) -> Run {
        let hook = self.hook.display();
        let (path, args, load, prompt) = match self.shell {
            Shell::Bash => (
                program("bash"),
                vec!["--norc", "--noprofile", "-ic"],
                format!("eval \"$(cat {hook})\""),
                "eval \"${PROMPT_COMMAND[*]-}\" || :",
            ),
            Shell::Zsh => (
                program("zsh"),
                vec!["-fic"],
                format!("eval \"$(cat {hook})\""),
                "for each in $precmd_functions; do $each; done",
            ),
            Shell::Fish => {
                (program("fish"), vec!["--no-config", "-ic"], format!("source {hook}"), "emit fish_prompt")
            }
            Shell::Posix => (program("dash"), vec!["-ic"], format!("eval \"$(cat {hook})\""), "seqera_hook"),
            Shell::Tcsh => (
                program("tcsh"),
                vec!["-fc"],
                format!("set prompt = '> '; eval \"`cat {hook}`\""),
                "eval \"`alias precmd`\"",
            ),
            Shell::Xonsh => (
                program("xonsh"),
                vec!["--no-rc", "-c"],
                format!("$XONSH_INTERACTIVE = True; execx(open('{hook}').read())"),
                "events.on_pre_prompt.fire()",
            ),
            Shell::Nu => (nu(), vec!["--no-config-file", "-c"], format!("source {hook}"), "__seqera_hook"),
            shell => panic!("{shell} needs a terminal"),
        };
        let show = match self.shell {
            Shell::Xonsh => "$[env]",
            Shell::Nu => "^env",
            _ => "env",
        };
        let before = Some(self.before.to_owned()).filter(|before| !before.is_empty());
        let lines = self.lines.iter().flat_map(|line| [(*line).to_owned(), prompt.to_owned()]);
        let script: Vec<String> = before
            .into_iter()
            .chain([load, prompt.to_owned(), prompt.to_owned()])
            .chain(lines)
            .chain([show.to_owned()])
            .collect();
        let mut command = self.place.command(&path);
        command.args(args).arg(script.join("\n")).envs(self.env.iter().copied());
        if let Some(folder) = self.folder {
            command.current_dir(folder).env("PWD", folder);
        }
        run_in_a_session(&mut command)
    }

    /// The environment that a program gets at the end.
    #[track_caller]
    pub fn env(&self) -> Env {
        let run = self.run();
        let env = environment(&run.out());
        assert!(env.contains_key("HOME"), "{} did not come to its end: {run:?}", self.shell);
        env
    }
}

/// What `env` has printed, behind whatever a shell has shown.
pub fn environment(out: &str) -> Env {
    let pairs = out.lines().filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).collect()
}

/// Elvish has its editor, and so its hooks, in a terminal alone.
pub fn elvish(home: &crate::support::home::Home, env: &[(&str, &str)]) -> Env {
    home.script("snapshot", super::terminal::SNAPSHOT);
    let rc = home.write("rc.elv", "eval (seqera hook elvish | slurp)\n");
    Terminal::open(home, Shell::Elvish, &rc, env).env()
}

/// What the shell has said, but for what it misses a terminal for.
pub fn said(run: &Run) -> String {
    let about_terminal = |line: &&str| {
        ["job control", "terminal process group", "access tty", "tty fd"]
            .iter()
            .any(|word| line.contains(word))
    };
    let err = run.err();
    err.lines().filter(|line| !about_terminal(line) && !line.is_empty()).collect::<Vec<_>>().join("\n")
}
