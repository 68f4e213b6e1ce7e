//! Tokens that stand in plain text where shells start: which files these are, and which lines.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::os::env::non_empty;
use crate::provider::{self, ProviderId};
use crate::secret::Secret;

/// A token in a line of a file.
#[derive(Debug)]
pub struct Found {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The variable that it is given to, where it is one of a platform's.
    pub variable: Option<&'static str>,
    /// The platform.
    pub provider: ProviderId,
    /// The token, where it can be told from the rest of the line.
    pub token: Option<Secret>,
    /// Whether the line can go: there is nothing else on it, and nothing around it needs it.
    pub is_alone: bool,
}

/// Every file that a shell reads when it starts, as far as a token may be in it.
pub fn start_up_files(home: &Path) -> Vec<PathBuf> {
    let config = non_empty("XDG_CONFIG_HOME").map_or_else(|| home.join(".config"), PathBuf::from);
    let zsh = non_empty("ZDOTDIR").map_or_else(|| home.to_owned(), PathBuf::from);
    let mut files: Vec<PathBuf> = [
        ".profile",
        ".bashrc",
        ".bash_profile",
        ".bash_login",
        ".bash_aliases",
        ".bash_logout",
        ".tcshrc",
        ".cshrc",
        ".login",
        ".kshrc",
        ".mkshrc",
        ".pam_environment",
        ".envrc",
        ".env",
    ]
    .map(|name| home.join(name))
    .into();
    files.extend([".zshenv", ".zprofile", ".zshrc", ".zlogin"].map(|name| zsh.join(name)));
    files.extend(
        [
            "fish/config.fish",
            "elvish/rc.elv",
            "nushell/env.nu",
            "nushell/config.nu",
            "powershell/profile.ps1",
            "powershell/Microsoft.PowerShell_profile.ps1",
            "xonsh/rc.xsh",
        ]
        .map(|f| config.join(f)),
    );
    files.push(home.join(".xonshrc"));
    for folder in ["fish/conf.d", "environment.d", "bash", "zsh", "nushell/autoload"] {
        let entries = fs::read_dir(config.join(folder)).into_iter().flatten().flatten();
        files.extend(entries.map(|entry| entry.path()).take(200));
    }
    files
}

/// A start-up file is not long; whatever is behind this many bytes is something else.
const LIMIT: u64 = 1024 * 1024;

/// The tokens in a file.
pub fn tokens_in(path: &Path) -> Vec<Found> {
    // Asked before it is opened: a pipe in its place would keep us for ever.
    if !fs::metadata(path).is_ok_and(|found| found.is_file()) {
        return Vec::new();
    }
    let Ok(file) = File::open(path) else { return Vec::new() };
    let lines: Vec<Zeroizing<String>> = BufReader::new(file.take(LIMIT))
        .split(b'\n')
        .map_while(Result::ok)
        .map(Zeroizing::new)
        .map(|line| Zeroizing::new(String::from_utf8_lossy(&line).into_owned()))
        .collect();
    let lines: Vec<&str> = lines.iter().map(|line| line.as_str()).collect();
    let found = |(at, line): (usize, &&str)| {
        let Line { variable, provider, token, is_alone } = read(line)?;
        let is_alone = is_alone && is_free(&lines, at);
        Some(Found { path: path.to_owned(), line: at + 1, variable, provider, token, is_alone })
    };
    lines.iter().enumerate().filter_map(found).collect()
}

/// Whether the line can be taken out without breaking what is around it: it does not go on with the line before, is
/// not at an end of a block, which may not be empty, and is no part of a text. In doubt it is not.
fn is_free(lines: &[&str], at: usize) -> bool {
    const OPENING: [&str; 13] = [
        "if", "elif", "else", "for", "while", "until", "case", "switch", "function", "begin", "then", "do",
        "foreach",
    ];
    const CLOSING: [&str; 15] = [
        "fi", "done", "else", "elif", "esac", "end", "endif", "endsw", "breaksw", "then", "do", "case", "&&",
        "||", "|",
    ];
    const CLOSED: [&str; 6] = ["fi", "done", "esac", "end", "endif", "}"];
    let counts = |line: &&&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let word = |word: Option<&str>| word.unwrap_or_default().trim_matches(';').to_owned();
    if lines.iter().any(|line| line.contains("<<")) {
        return false;
    }
    if at.checked_sub(1).is_some_and(|before| lines[before].trim_end().ends_with('\\')) {
        return false;
    }
    let before = lines[..at].iter().rev().find(counts).map_or("", |line| line.trim());
    let before = before.split(" #").next().unwrap_or_default().trim_end();
    let (first, last) = (word(before.split_whitespace().next()), word(before.split_whitespace().next_back()));
    let opens = ["then", "do", "else", "begin", "in"].contains(&last.as_str())
        || before.ends_with(['{', '(', '&', '|', ':', '[', '\\'])
        || (before.ends_with(')') && !before.contains('('))
        || (OPENING.contains(&first.as_str()) && !CLOSED.contains(&last.as_str()));
    let after = lines[at + 1..].iter().find(counts).map_or("", |line| line.trim());
    let next = after.split_whitespace().next().unwrap_or_default();
    let closes = after.starts_with(['}', ')', ';', '&', '|', ']'])
        || CLOSING.contains(&next.split([';', ')', '}']).next().unwrap_or_default());
    !opens && !closes
}

/// The addresses that a file gives to these variables.
///
/// # Errors
/// The number of a line that gives one which is computed.
pub fn addresses_in(path: &Path, names: &[&str]) -> Result<Vec<String>, usize> {
    let text = fs::read(path).unwrap_or_default();
    let text = Zeroizing::new(String::from_utf8_lossy(&text).into_owned());
    let mut found = Vec::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim_start().starts_with('#')) {
        for name in names {
            match assigned(line, name) {
                Some((address, _)) => found.push(address),
                None if gives(line, name) => return Err(number),
                None => {}
            }
        }
    }
    Ok(found)
}

/// Whether a line gives the variable a value.
fn gives(line: &str, name: &str) -> bool {
    let Some((before, after)) = line.split_once(name) else { return false };
    let last = before.split([';', '&']).next_back().unwrap_or_default().trim_start();
    let value = match after.trim_start().strip_prefix('=') {
        Some(value) => value,
        None if last.starts_with("set") => after,
        None => return false,
    };
    let is_longer = before.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    !is_longer && !value.trim().trim_matches(['"', '\'']).is_empty()
}

#[derive(Debug)]
struct Line {
    variable: Option<&'static str>,
    provider: ProviderId,
    token: Option<Secret>,
    is_alone: bool,
}

fn read(line: &str) -> Option<Line> {
    let is_comment = line.trim_start().starts_with('#');
    for platform in provider::ALL.iter().filter(|_| !is_comment) {
        for name in platform.variables().tokens {
            if let Some((value, is_alone)) = assigned(line, name) {
                let token = Some(Secret::from(value.as_str()));
                return Some(Line { variable: Some(name), provider: *platform, token, is_alone });
            }
        }
    }
    // Wherever it stands and whatever it is called: every reader can use it.
    let begins = |id: &ProviderId| Some((*id, line.find(id.token_prefix()?)?));
    let (provider, at) = provider::ALL.iter().find_map(begins)?;
    let rest = &line[at..];
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "+/=_-".contains(c))).unwrap_or(rest.len());
    let token = Some(Secret::from(&rest[..end]));
    Some(Line { variable: None, provider, token, is_alone: false })
}

/// The value that is not computed which the variable gets: `NAME=value`, `set -gx NAME value`, `setenv NAME value`,
/// `$NAME = 'value'`; and whether there is nothing else on the line.
fn assigned(line: &str, name: &str) -> Option<(String, bool)> {
    let (before, after) = line.split_once(name)?;
    // Part of a longer name is another variable.
    if before.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
        return None;
    }
    let last = before.split([';', '&']).next_back().unwrap_or_default().trim_start();
    let value = match after.trim_start().strip_prefix('=') {
        Some(value) => value,
        None if last.starts_with("set") && after.starts_with([' ', '\t']) => after,
        None => return None,
    };
    let value = value.trim_start();
    let quote = value.chars().next().filter(|c| ['"', '\''].contains(c));
    let inner = quote.map_or(value, |quote| value.strip_prefix(quote).unwrap_or(value));
    let stop = |c: char| quote.map_or(c.is_whitespace() || ";&#\"'".contains(c), |quote| c == quote);
    let end = inner.find(stop).unwrap_or(inner.len());
    let (text, rest) = inner.split_at(end);
    if !text.starts_with(|c: char| c.is_ascii_alphanumeric()) || text.contains(['$', '`']) {
        return None;
    }
    let rest = quote.map_or(rest, |quote| rest.strip_prefix(quote).unwrap_or(rest)).trim();
    let exported = rest.strip_prefix(';').map(str::trim).unwrap_or(rest);
    let is_plain = exported.is_empty() || exported == format!("export {name}");
    let is_closed = quote.is_none_or(|quote| inner[end..].starts_with(quote));
    let is_word = text.chars().all(|c| c.is_ascii_alphanumeric() || "+/=_-.".contains(c));
    let is_alone = is_plain && is_closed && is_word && is_only_this(before.trim_start());
    Some((text.to_owned(), is_alone))
}

/// Whether what is in front of a variable only says that it gets a value.
fn is_only_this(before: &str) -> bool {
    let mut words = before.trim_end_matches(['$', '"', '\'']).split_whitespace();
    match words.next() {
        None | Some("$env." | "$env:") => true,
        Some("export" | "set" | "set-env" | "setenv" | "declare" | "typeset") => {
            words.all(|word| word.starts_with('-') || word == "E:")
        }
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_in_a_line_is_seen_and_a_command_that_prints_one_is_not() {
        for line in [
            "export TOWER_ACCESS_TOKEN=abc",
            "TOWER_ACCESS_TOKEN='abc'; export TOWER_ACCESS_TOKEN",
            "  export SEQERA_ACCESS_TOKEN=\"abc\"",
            "set -gx TOWER_ACCESS_TOKEN abc",
            "setenv SEQERA_ACCESS_TOKEN 'abc'",
            "$TOWER_ACCESS_TOKEN = 'abc'",
            "$env.TOWER_ACCESS_TOKEN = \"abc\"",
            "export SEKUIRE_API_KEY=abc",
        ] {
            let found = read(line).unwrap();
            assert_eq!(found.token, Some("abc".into()), "{line}");
            assert!(found.is_alone && found.variable.is_some(), "{line}");
        }
        let found = read("# export X=eyJ0aWQiOiAxfS4w").unwrap();
        assert_eq!((found.token, found.is_alone), (Some("eyJ0aWQiOiAxfS4w".into()), false));
        let found = read("[ -n x ] && export TOWER_ACCESS_TOKEN=abc").unwrap();
        assert!(!found.is_alone);
        for line in [
            "export TOWER_ACCESS_TOKEN=$(seqera token)",
            "export TOWER_ACCESS_TOKEN=\"$(seqera token)\"",
            "export TOWER_ACCESS_TOKEN=`seqera token`",
            "# export TOWER_ACCESS_TOKEN=abc",
            "unset TOWER_ACCESS_TOKEN",
            "echo TOWER_ACCESS_TOKEN is unset",
            "export TOWER_ACCESS_TOKEN",
            "export MY_TOWER_ACCESS_TOKEN=abc",
            "TOWER_ACCESS_TOKEN=",
            "set -e TOWER_ACCESS_TOKEN",
        ] {
            assert!(read(line).is_none(), "{line}");
        }
    }

    #[test]
    fn a_line_that_something_else_needs_is_not_alone() {
        let token = "export TOWER_ACCESS_TOKEN=abc";
        let is_alone = |text: &str| {
            let lines: Vec<&str> = text.lines().collect();
            let at = lines.iter().position(|line| line.contains("TOKEN")).unwrap();
            read(lines[at]).unwrap().is_alone && is_free(&lines, at)
        };
        for free in [
            "T",
            "a=1\nT\nb=2",
            "if true; then a; fi\nT\nif true; then\nb\nfi",
            "f() { a; }\nT\n",
            "# then\n\n  T",
        ] {
            assert!(is_alone(&free.replace('T', token)), "{free}");
        }
        for needed in [
            "true && \\\nT",
            "true &&\nT",
            "false ||\nT",
            "a |\n\nT",
            "if true; then\nT\nb\nfi",
            "if true; then # x\n\nT\nb\nfi",
            "if true\nthen\nT\nfi",
            "if true; then\n  b\n  T\nfi",
            "for x in y; do\nT\ndone",
            "f() {\n T\n}",
            "case x in\nx)\nT\n;;\nesac",
            "if test x\n T\nend",
            "if true; then a\nelse\nT\n# x\nfi",
            "cat <<X\nT\nX",
            "export OTHER=1 TOWER_ACCESS_TOKEN=abc",
            "OTHER=1 TOWER_ACCESS_TOKEN=abc",
            "TOWER_ACCESS_TOKEN=abc nextflow run",
            "export TOWER_ACCESS_TOKEN=abc OTHER=1",
            "export TOWER_ACCESS_TOKEN=abc\\\n OTHER=1",
            "export TOWER_ACCESS_TOKEN='abc\nx'",
            "if true; then TOWER_ACCESS_TOKEN=abc",
            "env TOWER_ACCESS_TOKEN=abc",
        ] {
            let text = if needed.contains("TOKEN") { needed.to_owned() } else { needed.replace('T', token) };
            assert!(!is_alone(&text), "{text}");
        }
    }
}
