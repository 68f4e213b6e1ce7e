//! `seqera hook SHELL` prints a hook; what the hook runs is in `hook_env`.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::Args;

use crate::error::{Error, Result};
use crate::os::env::{Change, Environment, non_empty};
use crate::os::files;
use crate::os::paths::Paths;
use crate::session::{exports, mark};
use crate::shell::{Shell, hook, render};

use super::{Context, answer, answer_shell};

pub use super::hook_env::{HookEnvArgs, run_env};

/// Print the hook that keeps a shell's token fresh, for eval "$(seqera hook bash)".
///
/// In the start-up file of each shell, at its end:
///   bash         eval "$(seqera hook bash)"
///   zsh          eval "$(seqera hook zsh)"
///   fish         seqera hook fish | source
///   sh, ksh      eval "$(seqera hook posix)"; seqera_with nextflow tw
///   powershell   Invoke-Expression (& seqera hook powershell | Out-String)
///   elvish       eval (seqera hook elvish | slurp)
///   xonsh        execx($(seqera hook xonsh))
///   tcsh         eval "`seqera hook tcsh`"
///   nu           once: mkdir $nu.user-autoload-dirs.0
///                seqera hook nu | save -f ($nu.user-autoload-dirs.0 | path join seqera.nu)
///
/// --off is taken in the same way, and in nu by: seqera hook nu --off | from json | load-env
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct HookArgs {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
    /// Export nothing; only keep the prompt's segment.
    #[arg(long)]
    no_export: bool,
    /// Take the hook, and what it exported, out of the running shell.
    #[arg(long, conflicts_with = "no_export")]
    off: bool,
    /// bash before 5.3: also before each command, through a DEBUG trap.
    #[arg(long)]
    preexec: bool,
}

/// Runs `seqera hook`.
///
/// # Errors
/// A profile is named; the runtime folder's path cannot be written in this shell; standard output is closed.
pub(super) fn run(args: &HookArgs, context: &Context) -> Result<ExitCode> {
    if let Some(name) = &context.profile {
        return Err(Error::usage("a hook follows the profile in use and takes no --profile")
            .next(format!("set SEQERA_PROFILE={name} in the shell")));
    }
    let out = &mut io::stdout().lock();
    if args.off {
        off(args.shell, &non_empty, out)?;
    } else {
        on(args, &context.paths, out)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn on(args: &HookArgs, paths: &Paths, out: &mut impl Write) -> Result<()> {
    let shell = args.shell;
    let mut head = hook::head(shell, paths, !args.no_export)?;
    if shell == Shell::Bash {
        head.push(render::assignment(shell, "__seqera_preexec", if args.preexec { b"debug" } else { b"" })?);
    }
    if shell.language().evaluates_one_line() {
        let (dir, file) = on_disk(shell, paths)?;
        let dir = render::assignment(shell, "__seqera_hooks", dir.as_os_str().as_encoded_bytes())?;
        return answer(
            out,
            format!("{}; {dir}; source $__seqera_hooks:q/{file}", head.join("; ")).as_bytes(),
        );
    }
    answer_shell(shell, out, format!("{}\n{}", head.join("\n"), hook::body(shell).trim_end()).as_bytes())
}

/// Puts the hook into a file that the shell sources at each prompt, in the first folder that can be written.
fn on_disk(shell: Shell, paths: &Paths) -> Result<(&Path, String)> {
    let name = format!("hook.{shell}");
    let mut failed = Ok(());
    for dir in mark::folders(paths) {
        let body = hook::body(shell);
        failed = files::private_dir(dir)
            .and_then(|()| files::replace(&dir.join(&name), body.as_bytes()))
            .map_err(|e| Error::io(format_args!("cannot write {}", dir.display()), &e));
        if failed.is_ok() {
            return Ok((dir, name));
        }
    }
    failed.map(|()| (paths.run.as_path(), name))
}

/// The hook's own way out, where the shell has the hook, and then what it exported.
fn off(shell: Shell, env: &impl Environment, out: &mut impl Write) -> Result<()> {
    let language = shell.language();
    let mut changes = exports::unset_all(env);
    changes.extend(language.left_by_way_out().iter().map(|name| Change::Unset(name)));
    let statements = render::statements(shell, &changes)?;
    let mut line = language.way_out().as_bytes().to_vec();
    if !line.is_empty() && !statements.is_empty() {
        line.extend_from_slice(b"; ");
    }
    line.extend_from_slice(statements.expose());
    answer_shell(shell, out, &line)
}
