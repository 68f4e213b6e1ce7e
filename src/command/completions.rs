//! `seqera completions`: what each shell needs to complete our commands.
//!
//! The script asks the program for candidates, so that names of profiles and organizations complete from what is
//! known here; nushell's asks for these names alone.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, ValueEnum};
use clap_complete::CompletionCandidate;
use clap_complete::env::{CompleteEnv, Shells};

use super::{Cli, Context, answer};
use crate::error::{Error, Result};
use crate::os::paths::Paths;
use crate::provider::Organization;
use crate::session::profile::Profile;

/// The variable by which a shell's script asks for candidates.
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
    /// bash 4.4 and later
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
    pub fn script(self) -> Result<Vec<u8>> {
        let mut script = Vec::new();
        let name = match self {
            Completed::Bash => "bash",
            Completed::Zsh => "zsh",
            Completed::Fish => "fish",
            Completed::Powershell => "powershell",
            Completed::Elvish => "elvish",
            Completed::Nushell => {
                let nushell = clap_complete_nushell::Nushell;
                clap_complete::generate(nushell, &mut Cli::command(), "seqera", &mut script);
                return with_names(script);
            }
        };
        let shells = Shells::builtins();
        let shell = shells.completer(name).ok_or_else(|| Error::failed("no completions for this shell"))?;
        shell
            .write_registration(ASK, "seqera", "seqera", "seqera", &mut script)
            .map_err(|error| Error::io("the script cannot be made", &error))?;
        if self == Completed::Zsh { completes_at_once(&script) } else { Ok(script) }
    }
}

/// zsh reads `_seqera` at the first Tab and takes the file for the completion itself, where `clap_complete` only
/// registers one: that first Tab would complete nothing.
fn completes_at_once(script: &[u8]) -> Result<Vec<u8>> {
    const REGISTERS: &str = "compdef _clap_dynamic_completer_seqera seqera\n";
    const COMPLETES: &str = "if [[ $funcstack[1] == _seqera ]]; then
    _clap_dynamic_completer_seqera \"$@\"
else
    compdef _clap_dynamic_completer_seqera seqera
fi
";
    let definition = script
        .strip_suffix(REGISTERS.as_bytes())
        .ok_or_else(|| Error::failed("clap_complete writes another script for zsh than it did"))?;
    Ok([definition, COMPLETES.as_bytes()].concat())
}

/// What `clap_complete` writes for nushell knows commands and options; here it learns to ask for names, too, in the
/// way of fish, whose candidates are lines.
fn with_names(script: Vec<u8>) -> Result<Vec<u8>> {
    const BEGINS: &str = "module completions {\n";
    const ASKS: &str = r#"
  def "nu-complete seqera" [line: string] {
    let words = $line | split row --regex '[|;]' | last | str trim --left | split row --regex ' +'
    with-env {SEQERA_COMPLETE: fish} { ^seqera -- ...$words } | lines | where {|name| not ($name starts-with '-')}
  }
"#;
    const NAMES: [&str; 4] = ["--profile: string", "organization?: string", "name: string", "old: string"];
    let changed = || Error::failed("clap_complete writes another script for nushell than it did");
    let script = String::from_utf8(script).map_err(|_| changed())?;
    let commands = script.strip_prefix(BEGINS).ok_or_else(changed)?;
    let mut asking = format!("{BEGINS}{ASKS}");
    for line in commands.split_inclusive('\n') {
        match NAMES.iter().find(|name| line.trim_start().starts_with(**name)) {
            Some(name) => asking += &line.replacen(name, &format!("{name}@\"nu-complete seqera\""), 1),
            None => asking += line,
        }
    }
    Ok(asking.into_bytes())
}

/// Runs the command.
pub fn run(args: &Args, _: &Context) -> Result<ExitCode> {
    answer(&mut std::io::stdout().lock(), args.shell.script()?.trim_ascii_end())?;
    Ok(ExitCode::SUCCESS)
}

/// Answers a shell that asks for candidates. Returns whether it was one.
pub fn asked(args: &[OsString]) -> bool {
    let here = std::env::current_dir().ok();
    let completed = CompleteEnv::with_factory(Cli::command)
        .var(ASK)
        .bin("seqera")
        .completer("seqera")
        .try_complete(args, here.as_deref());
    // A shell in the middle of a line is no place for an error.
    completed.unwrap_or(true)
}

/// The names of the profiles there are.
pub fn profiles() -> Vec<CompletionCandidate> {
    let names = Paths::from_env().and_then(|paths| Profile::list(&paths)).unwrap_or_default();
    names.into_iter().map(|name| CompletionCandidate::new(String::from(name))).collect()
}

/// The names of the organizations of the login in use, as the server last named them. What bash inserts is part
/// of the command line as it stands there, so a name that a shell could take for more than a word is not offered;
/// the organization's number is.
pub fn organizations() -> Vec<CompletionCandidate> {
    let known = Paths::from_env().and_then(|paths| Profile::load(&paths, &Profile::selected(&paths)?));
    let organizations = known.ok().flatten().map(|profile| profile.organizations).unwrap_or_default();
    let plain = |text: &String| {
        text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)) && !text.starts_with('-')
    };
    let word = |organization: Organization| [organization.name, organization.id].into_iter().find(plain);
    organizations.into_iter().filter_map(word).map(CompletionCandidate::new).collect()
}
