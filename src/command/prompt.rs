//! `seqera prompt`: the segment for prompts and status lines that run a program.

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::error::Result;
use crate::os::clock::now;
use crate::os::env::{Environment, non_empty};
use crate::session::exports;
use crate::session::mark::Mark;
use crate::shell::Shell;
use crate::shell::segment::{DEFAULT_FORMAT, Look, Segment, Surface};

use super::{Context, answer};

/// Print the prompt's segment: organization, workspace, profile, and how the login stands.
#[derive(Debug, Args)]
pub struct PromptArgs {
    /// Text with {label} {organization} {workspace} {profile} {state} {symbol} {left}.
    #[arg(long, default_value = DEFAULT_FORMAT)]
    format: String,
    /// The shell whose prompt it stands in, so that colours do not count as width.
    #[arg(long, value_enum, conflicts_with = "tmux")]
    shell: Option<Shell>,
    /// For a status line of tmux.
    #[arg(long)]
    tmux: bool,
    /// When to colour: `auto` is on a terminal and where a shell or tmux is named.
    #[arg(long, value_enum, default_value = "auto")]
    color: When,
    /// Use signs outside of ASCII; found out from the locale when neither is given.
    #[arg(long, overrides_with = "ascii")]
    unicode: bool,
    /// Use ASCII only.
    #[arg(long)]
    ascii: bool,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum When {
    Auto,
    Always,
    Never,
}

/// Runs `seqera prompt` for the profile named on the command line, else the one in use. Reads one small
/// file; asks no network and no keychain.
///
/// # Errors
/// A format with a field that does not exist; `SEQERA_PROFILE` names no profile.
pub fn run(args: &PromptArgs, context: &Context) -> Result<ExitCode> {
    let env = &non_empty;
    let place = match (args.shell, args.tmux) {
        (Some(shell), _) => Surface::Prompt(shell),
        (None, true) => Surface::Tmux,
        (None, false) => Surface::Terminal,
    };
    let look =
        Look { format: &args.format, place, colour: args.colour(place, env), unicode: args.unicode(env) };
    let text = segment(context, env)?.render(&look)?;
    if !text.is_empty() {
        answer(&mut std::io::stdout().lock(), text.as_bytes())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn segment(context: &Context, env: &impl Environment) -> Result<Segment> {
    let (paths, now) = (&context.paths, now());
    let login = context.in_use();
    let provider =
        login.as_ref().ok().and_then(|(_, login)| *login).map_or(context.called, |login| login.provider);
    // A profile named on the command line is meant, whatever the environment says.
    if context.profile.is_none() && exports::outside_token(provider, env).is_some() {
        return Ok(Segment::FromEnvironment);
    }
    let mark = match login {
        // The mark is this machine's, and another that shares the home may have changed the login since.
        Ok((_, Some(profile))) => Mark::of(profile, now),
        Ok((name, None)) => Mark::logged_out(name, now),
        // A profile that cannot be read must not make a prompt fail: the mark may still tell.
        Err(_) => {
            let name = context.name()?;
            Mark::read(paths, Some(&name)).unwrap_or_else(|| Mark::logged_out(&name, now))
        }
    };
    Ok(Segment::of(mark, now))
}

impl PromptArgs {
    fn colour(&self, place: Surface, env: &impl Environment) -> bool {
        match self.color {
            When::Always => true,
            When::Never => false,
            When::Auto if env("NO_COLOR").is_some() => false,
            When::Auto => place != Surface::Terminal || std::io::stdout().is_terminal(),
        }
    }

    /// POSIX: `LC_ALL`, then `LC_CTYPE`, then `LANG`.
    fn unicode(&self, env: &impl Environment) -> bool {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(env);
        let is_utf8 = |locale: std::ffi::OsString| {
            let locale = locale.to_string_lossy().to_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        };
        self.unicode || (!self.ascii && locale.is_some_and(is_utf8))
    }
}
