//! What a shell can evaluate, and what it needs at a prompt. The hooks themselves are the files in `/shell`.

use std::fmt;
use std::str::FromStr;

use clap::ValueEnum;

use crate::error::{Error, Result};

mod detect;
mod quote;
pub mod render;
pub mod segment;
pub mod xonsh;

/// A shell whose language we can write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// Bash, from 3.2.
    Bash,
    /// Z shell, from 5.0.
    Zsh,
    /// fish, from 3.4.
    Fish,
    /// Nushell.
    #[value(alias = "nushell")]
    Nu,
    /// PowerShell, from 7.
    #[value(name = "powershell", alias = "pwsh")]
    PowerShell,
    /// Elvish.
    Elvish,
    /// xonsh.
    Xonsh,
    /// tcsh, and csh where it is tcsh.
    #[value(alias = "csh")]
    Tcsh,
    /// Any POSIX shell: dash, ash, ksh, mksh, yash.
    #[value(aliases = ["sh", "dash", "ash", "busybox", "ksh", "ksh93", "mksh", "yash"])]
    Posix,
}

impl Shell {
    /// The shell that runs this program: the nearest ancestor that is a shell, else what `SHELL` names.
    ///
    /// # Errors
    /// Where no ancestor is a known shell and `SHELL` does not help.
    pub fn detect() -> Result<Shell> {
        detect::ancestor().or_else(detect::login_shell).ok_or_else(|| {
            Error::usage("which shell this is could not be found out")
                .next("name it, as in: seqera env --shell bash")
        })
    }

    /// The shell whose program file has this name; a login shell's leading `-` is ignored.
    fn of_program(name: &str) -> Option<Shell> {
        let name = name.rsplit(['/', '\\']).next()?.trim_start_matches('-');
        <Shell as ValueEnum>::from_str(name.strip_suffix(".exe").unwrap_or(name), true).ok()
    }
}

impl FromStr for Shell {
    type Err = Error;

    fn from_str(name: &str) -> Result<Shell> {
        <Shell as ValueEnum>::from_str(name, true).map_err(|_| {
            Error::usage("this shell is not known")
                .next("known are bash, zsh, fish, nu, powershell, elvish, xonsh, tcsh and posix")
        })
    }
}

impl fmt::Display for Shell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Shell::Bash => "bash",
            Shell::Zsh => "zsh",
            Shell::Fish => "fish",
            Shell::Nu => "nu",
            Shell::PowerShell => "powershell",
            Shell::Elvish => "elvish",
            Shell::Xonsh => "xonsh",
            Shell::Tcsh => "tcsh",
            Shell::Posix => "posix",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_is_known_by_its_own_name() {
        for shell in Shell::value_variants() {
            assert_eq!(shell.to_string().parse::<Shell>().unwrap(), *shell);
        }
    }

    #[test]
    fn programs_are_known_by_their_file_names() {
        let known = |name| Shell::of_program(name);
        assert_eq!(known("-bash"), Some(Shell::Bash));
        assert_eq!(known("/usr/bin/dash"), Some(Shell::Posix));
        assert_eq!(known("C:\\Program Files\\PowerShell\\7\\pwsh.exe"), Some(Shell::PowerShell));
        assert_eq!(known("python3.11"), None);
        assert_eq!(known("make"), None);
        assert_eq!(known(""), None);
    }
}
