//! The languages of shells, one file each: what a shell can evaluate, and what it needs at a prompt. The hooks
//! themselves are the files in `/shell`.

use std::fmt;
use std::str::FromStr;

use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::error::{Error, Result};

mod bash;
mod detect;
mod elvish;
mod fish;
pub mod hook;
mod nu;
mod posix;
mod powershell;
mod quote;
pub mod render;
pub mod segment;
mod tcsh;
#[cfg(test)]
mod toy;
mod xonsh;
mod zsh;

/// The language of a shell. What has a default is what all Bourne shells have in common.
pub trait Language: Sync {
    /// What the shell is called on our command line.
    fn name(&self) -> &'static str;

    /// Other names of it, those of its program file among them.
    fn other_names(&self) -> &'static [&'static str] {
        &[]
    }

    /// One line about it for the help.
    fn about(&self) -> &'static str;

    /// The value as a literal of the language: what the shell reads back is the value, byte for byte, and nothing
    /// of it ever runs. `None` where the language has no way to write it. The value holds no zero byte.
    fn literal(&self, value: &[u8]) -> Option<String>;

    /// A statement that exports a variable, given its value as a literal.
    fn export(&self, name: &str, literal: &str) -> String {
        format!("\\export {name}={literal}")
    }

    /// A statement that exports a value that has no literal, where there is such a statement.
    fn export_odd(&self, _name: &str, _value: &[u8]) -> Option<String> {
        None
    }

    /// A statement that takes a variable away.
    fn unset(&self, name: &str) -> String {
        format!("\\unset {name}")
    }

    /// A statement that sets a variable inside the shell, for the head of a hook.
    fn assign(&self, name: &str, literal: &str) -> String {
        format!("{name}={literal}")
    }

    /// A statement that shows a text, given as a literal, to the person: on standard error where the shell can.
    fn say(&self, literal: &str) -> String {
        format!("\\printf '%s\\n' {literal} >&2")
    }

    /// Whether the shell evaluates statements that it got as text; the others are answered in JSON.
    fn evaluates(&self) -> bool {
        true
    }

    /// Whether its hook evaluates statements; others take JSON, which no trace of the shell shows.
    fn hook_evaluates(&self) -> bool {
        true
    }

    /// The file in `/shell`.
    fn hook(&self) -> &'static str;

    /// Statements that take the hook out of a running shell.
    fn way_out(&self) -> &'static str;

    /// Variables of the hook's that the way out leaves to be taken away.
    fn left_by_way_out(&self) -> &'static [&'static str] {
        &[]
    }

    /// What is written around a colour, so that it does not count as width in a prompt.
    fn around_colours(&self) -> (&'static str, &'static str) {
        ("", "")
    }

    /// Whether what it evaluates has to be one line: then its hook is a file of its own.
    fn evaluates_one_line(&self) -> bool {
        false
    }

    /// What has to be waited for after an answer was written to standard output.
    fn after_answer(&self) {}
}

macro_rules! table {
    ($($(#[doc = $doc:literal])* $(#[cfg($cfg:meta)])? $name:ident, $language:expr;)*) => {
        /// A shell whose language we can write.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Shell {
            $($(#[doc = $doc])* $(#[cfg($cfg)])? $name,)*
        }

        impl Shell {
            /// All of them.
            pub const ALL: &'static [Shell] = &[$($(#[cfg($cfg)])? Shell::$name),*];

            /// Its language.
            pub fn language(self) -> &'static dyn Language {
                match self {
                    $($(#[cfg($cfg)])? Shell::$name => &$language,)*
                }
            }
        }
    };
}

// A new shell is a file beside this one, a hook in `/shell`, and a line here.
table! {
    /// Bash, from 3.2.
    Bash, bash::Bash;
    /// Z shell, from 5.0.
    Zsh, zsh::Zsh;
    /// fish, from 3.6.
    Fish, fish::Fish;
    /// Nushell.
    Nu, nu::Nu;
    /// PowerShell, from 7.
    PowerShell, powershell::PowerShell;
    /// Elvish.
    Elvish, elvish::Elvish;
    /// xonsh.
    Xonsh, xonsh::Xonsh;
    /// tcsh, and csh where it is tcsh.
    Tcsh, tcsh::Tcsh;
    /// Any POSIX shell: dash, ash, ksh, mksh, yash.
    Posix, posix::Posix;
    /// The one that shows what a new shell takes.
    #[cfg(test)]
    Toy, toy::Toy;
}

impl Shell {
    /// The shell that runs this program: the nearest ancestor that is a shell, else what `SHELL` names.
    ///
    /// # Errors
    /// Where no ancestor is a known shell and `SHELL` does not help.
    pub fn detect() -> Result<Shell> {
        detect::ancestor().or_else(detect::login_shell).ok_or_else(|| {
            Error::usage("cannot find out which shell this is")
                .next("name it, as in: seqera env --shell bash")
        })
    }

    /// The shell whose program file has this name; a login shell's leading `-` is ignored.
    fn of_program(name: &str) -> Option<Shell> {
        let name = name.rsplit(['/', '\\']).next()?.trim_start_matches('-');
        Shell::named(name.strip_suffix(".exe").unwrap_or(name))
    }

    fn named(name: &str) -> Option<Shell> {
        let is = |known: &str| known.eq_ignore_ascii_case(name);
        Shell::ALL.iter().copied().find(|shell| {
            let language = shell.language();
            is(language.name()) || language.other_names().iter().any(|other| is(other))
        })
    }
}

impl ValueEnum for Shell {
    fn value_variants<'a>() -> &'a [Shell] {
        Shell::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let language = self.language();
        Some(PossibleValue::new(language.name()).aliases(language.other_names()).help(language.about()))
    }
}

impl FromStr for Shell {
    type Err = Error;

    fn from_str(name: &str) -> Result<Shell> {
        Shell::named(name).ok_or_else(|| {
            let names: Vec<&str> = Shell::ALL.iter().map(|shell| shell.language().name()).collect();
            Error::usage("unknown shell").next(format!("known are: {}", names.join(", ")))
        })
    }
}

impl fmt::Display for Shell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.language().name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_is_known_by_its_names_and_no_two_share_one() {
        let mut names = Vec::new();
        for shell in Shell::ALL {
            assert_eq!(shell.to_string().parse::<Shell>().unwrap(), *shell);
            names.push(shell.language().name());
            names.extend(shell.language().other_names());
        }
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!("command.com".parse::<Shell>().unwrap_err().hint().unwrap().contains("bash, zsh"));
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
