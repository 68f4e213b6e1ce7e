//! `seqera completions`: what each shell needs to complete our commands.
//!
//! The scripts stand here, each in its shell's language. They ask the program what a line can go on with, so that
//! the names of profiles, organizations and workspaces complete from what is known here, and leave to the shell what
//! it knows itself: names of files, and the lines of other commands.

mod line;
mod nushell;

use std::ffi::{OsStr, OsString};
use std::process::ExitCode;
use std::sync::OnceLock;

use clap::{CommandFactory, ValueEnum};
use clap_complete::engine::CompletionCandidate;

use self::line::{Also, Candidate, Next};
use super::{Cli, Context, answer, called, vendor};
use crate::error::Result;
use crate::os::paths::Paths;
use crate::os::programs;
use crate::provider;
use crate::session::profile::{Profile, ProfileName};
use crate::ui;

/// The variable by which a shell's script asks what a line can go on with; its value is the shell.
const ASK: &str = "SEQERA_COMPLETE";

/// Print the completion script of a shell
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell
    shell: Completed,
}

/// A shell that we have completions for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Completed {
    /// bash
    Bash,
    /// zsh
    Zsh,
    /// fish
    Fish,
    /// PowerShell
    Powershell,
    /// elvish
    Elvish,
    /// nushell
    Nushell,
}

impl Completed {
    /// The file under which each shell looks for its script.
    #[cfg(feature = "generate")]
    pub fn file_name(self) -> &'static str {
        match self {
            Completed::Bash => "seqera.bash",
            Completed::Zsh => "_seqera",
            Completed::Fish => "seqera.fish",
            Completed::Powershell => "_seqera.ps1",
            Completed::Elvish => "seqera.elv",
            Completed::Nushell => "seqera.nu",
        }
    }

    /// The script.
    pub fn script(self) -> String {
        let text = match self {
            Completed::Bash => include_str!("seqera.bash").into(),
            Completed::Zsh => include_str!("_seqera").into(),
            Completed::Fish => include_str!("seqera.fish").into(),
            Completed::Powershell => include_str!("_seqera.ps1").into(),
            Completed::Elvish => include_str!("seqera.elv").into(),
            Completed::Nushell => {
                let mut program = Cli::command();
                program.build();
                nushell::script(&program, &names())
            }
        };
        text.replace(NAMES, &names().join(" "))
    }
}

/// What stands in the scripts for the names of the program.
const NAMES: &str = "seqera sekuire";

/// What the program is called: as each platform is.
fn names() -> Vec<&'static str> {
    provider::ALL.iter().map(|platform| platform.name()).collect()
}

/// Runs the command.
pub fn run(args: &Args, _: &Context) -> Result<ExitCode> {
    answer(&mut std::io::stdout().lock(), args.shell.script().trim_end().as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// Answers a shell that asks what a line can go on with: the words behind `--`, of which the last one is being
/// typed. Returns whether one asked.
pub fn asked(args: &[OsString]) -> bool {
    let Some(shell) = std::env::var_os(ASK) else { return false };
    let mut words: Vec<OsString> = args.iter().skip_while(|arg| *arg != "--").skip(1).cloned().collect();
    if shell == "powershell"
        && let Some(last) = words.last_mut()
    {
        *last = last.to_string_lossy().trim_start_matches('=').into();
    }
    // A shell in the middle of a line is not a place for an error.
    let _ = answer(&mut std::io::stdout().lock(), what_next(&shell, &words).as_bytes());
    true
}

/// The answer: what the shell itself has to offer, then a candidate a line.
fn what_next(shell: &OsStr, words: &[OsString]) -> String {
    let called = called(words.first());
    if let Some(name) = named(words) {
        let _ = NAMED.set(name);
    }
    let mut program = Cli::command();
    program.build();
    let Next { also, mut candidates } = line::next(&program, words, vendor::taken(called));
    let typed = words.last().map(|word| word.to_string_lossy()).unwrap_or_default();
    let first = match also {
        Also::Nothing => "none".into(),
        Also::Files => "files".into(),
        Also::Folders => "folders".into(),
        Also::Command(number) => {
            // nushell cannot list programs in time.
            if shell == "nushell" && number + 1 == words.len() && !typed.contains('/') {
                candidates = programs::named(&typed).into_iter().map(Candidate::new).collect();
            }
            format!("command {number}")
        }
    };
    // nushell knows our commands, and would list them twice.
    candidates.retain(|candidate| !candidate.is_command || shell != "nushell");
    // bash and PowerShell take what they get.
    let is_choosy = shell == "bash" || shell == "powershell";
    candidates.retain(|candidate| !is_choosy || candidate.word.starts_with(&*typed));
    let lines = candidates.iter().filter(|candidate| !candidate.word.chars().any(ui::acts));
    lines.fold(first, |text, Candidate { word, about, .. }| match about.as_str() {
        _ if shell == "bash" => format!("{text}\n{word}"),
        "" => format!("{text}\n{word}"),
        about => format!("{text}\n{word}\t{about}"),
    })
}

/// The profile that is named on the line.
static NAMED: OnceLock<ProfileName> = OnceLock::new();

fn named(words: &[OsString]) -> Option<ProfileName> {
    let words: Vec<&str> = words.iter().map(|word| word.to_str().unwrap_or_default()).collect();
    let (_, before) = words.split_last()?;
    let apart = before.windows(2).find(|pair| pair[0] == "--profile").map(|pair| pair[1]);
    let name = apart.or_else(|| before.iter().find_map(|word| word.strip_prefix("--profile=")))?;
    name.parse().ok()
}

/// The names of the profiles there are.
pub fn profiles() -> Vec<CompletionCandidate> {
    let names = Paths::from_env().and_then(|paths| Profile::list(&paths)).unwrap_or_default();
    names.into_iter().map(|name| CompletionCandidate::new(String::from(name))).collect()
}

/// The names of the organizations of the login in use, as the server last named them.
pub fn organizations() -> Vec<CompletionCandidate> {
    let known = login().map(|profile| profile.organizations).unwrap_or_default();
    let word = |organization: provider::Organization| plain([organization.name, organization.id]);
    known.into_iter().filter_map(word).map(CompletionCandidate::new).collect()
}

/// The workspaces of the login in use, each with its organization.
pub fn workspaces() -> Vec<CompletionCandidate> {
    let known = login().map(|profile| profile.workspaces).unwrap_or_default();
    let full = |workspace: provider::Workspace| {
        plain([format!("{}/{}", workspace.organization, workspace.name), workspace.id])
    };
    known.into_iter().filter_map(full).map(CompletionCandidate::new).collect()
}

fn login() -> Option<Profile> {
    let paths = Paths::from_env().ok()?;
    let name = NAMED.get().cloned().map_or_else(|| Profile::selected(&paths), Ok).ok()?;
    Profile::load(&paths, &name).ok()?
}

/// What bash inserts is part of the command line as it stands there, so a name that a shell could take for more than
/// a word is not offered; the number in its place is.
fn plain(names: [String; 2]) -> Option<String> {
    let is_plain = |text: &String| {
        text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-/".contains(&b))
            && !text.starts_with(['-', '/'])
    };
    names.into_iter().find(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scripts_know_every_name_of_the_program() {
        for shell in Completed::value_variants() {
            let script = shell.script();
            assert!(names().iter().all(|name| script.contains(name)), "{shell:?}");
        }
    }
}
