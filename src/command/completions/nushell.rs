//! The commands and their options for nushell, which wants to know them itself; the rest it asks for.

use std::fmt::Write;

use clap::builder::StyledStr;
use clap::{Arg, Command};

/// How the shell asks.
const ASK: &str = "string@\"nu-complete seqera\"";

/// The script, for each of the names that the program has.
pub fn script(program: &Command, names: &[&str]) -> String {
    let mut script = String::from(include_str!("seqera.nu"));
    for name in names {
        externs(&mut script, name, program);
    }
    script + "}\n\nexport use completions *\n"
}

fn externs(script: &mut String, path: &str, command: &Command) {
    if let Some(about) = command.get_about() {
        let _ = write!(script, "\n  # {}", one_line(Some(about)));
    }
    let _ = writeln!(script, "\n  export extern \"{path}\" [");
    let options = command.get_arguments().filter(|option| !option.is_positional() && !option.is_hide_set());
    for option in options {
        flags(script, option);
    }
    let _ = writeln!(script, "    ...words: {ASK}\n  ]");
    for below in command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help")
    {
        externs(script, &format!("{path} {}", below.get_name()), below);
    }
}

fn flags(script: &mut String, option: &Arg) {
    let value = if option.get_action().takes_values() { format!(": {ASK}") } else { String::new() };
    let mut short = option.get_short().map(|letter| format!("(-{letter})")).unwrap_or_default();
    for long in option.get_long_and_visible_aliases().unwrap_or_default() {
        let _ = writeln!(script, "    --{long}{short}{value} # {}", one_line(option.get_help()));
        short.clear();
    }
}

fn one_line(text: Option<&StyledStr>) -> String {
    text.map(ToString::to_string).and_then(|text| text.lines().next().map(String::from)).unwrap_or_default()
}
