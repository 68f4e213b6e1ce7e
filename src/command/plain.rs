//! Tokens that stand in plain text where shells start: which files these are, and which lines.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

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
    /// Whether there is nothing else on the line.
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
    let lines = BufReader::new(file.take(LIMIT)).split(b'\n');
    let found = |(number, line): (usize, std::io::Result<Vec<u8>>)| {
        let line = zeroize::Zeroizing::new(line.ok()?);
        let Line { variable, provider, token, is_alone } = read(&String::from_utf8_lossy(&line))?;
        Some(Found { path: path.to_owned(), line: number, variable, provider, token, is_alone })
    };
    (1..).zip(lines).filter_map(found).collect()
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
    let start = before.trim();
    let is_alone = is_plain && (start.is_empty() || !start.contains([';', '&', '|', '(', '{']));
    Some((text.to_owned(), is_alone))
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
}
