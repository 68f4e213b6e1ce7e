//! Tokens where they do not belong: in the environment twice, in start-up files, in files that others may read.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::Finding;
use super::store::open_to_others;
use crate::command::{Context, shadow};
use crate::os::env::non_empty;
use crate::provider;
use crate::session::profile::Profile;

/// Looks at the environment and at the files that make it.
pub fn look(context: &Context, findings: &mut Vec<Finding>) {
    const ABOUT: &str = "environment";
    let login = context.name().and_then(|name| Profile::load(&context.paths, &name)).ok().flatten();
    findings.extend(
        provider::ALL
            .into_iter()
            .filter_map(|provider| shadow::differing(provider, &non_empty))
            .map(|words| Finding::wrong(ABOUT, words)),
    );
    findings.extend(
        login.and_then(|login| shadow::hidden(&login, &non_empty)).map(|words| Finding::note(ABOUT, words)),
    );
    let Some(home) = dirs::home_dir() else { return };
    let files = start_up_files(&home);
    let pasted: Vec<Finding> = files.iter().flat_map(|file| tokens_in(file)).collect();
    if pasted.is_empty() {
        findings.push(Finding::ok("start-up files", "no token stands in them"));
    }
    findings.extend(pasted);
    findings.extend(nextflow(&home));
}

fn start_up_files(home: &Path) -> Vec<PathBuf> {
    let config = non_empty("XDG_CONFIG_HOME").map_or_else(|| home.join(".config"), PathBuf::from);
    let zsh = non_empty("ZDOTDIR").map_or_else(|| home.to_owned(), PathBuf::from);
    let mut files: Vec<PathBuf> = [
        ".profile",
        ".bashrc",
        ".bash_profile",
        ".bash_login",
        ".bash_aliases",
        ".tcshrc",
        ".cshrc",
        ".login",
    ]
    .map(|name| home.join(name))
    .into();
    files.extend([".zshenv", ".zprofile", ".zshrc", ".zlogin"].map(|name| zsh.join(name)));
    files.extend(
        ["fish/config.fish", "elvish/rc.elv", "nushell/env.nu", "nushell/config.nu"].map(|f| config.join(f)),
    );
    files.push(home.join(".xonshrc"));
    files
}

/// A start-up file is not long; whatever is behind this many bytes is something else.
const LIMIT: u64 = 1024 * 1024;

fn tokens_in(path: &Path) -> Vec<Finding> {
    // Asked before it is opened: a pipe in its place would keep us for ever.
    if !fs::metadata(path).is_ok_and(|found| found.is_file()) {
        return Vec::new();
    }
    let Ok(file) = File::open(path) else { return Vec::new() };
    let lines = BufReader::new(file.take(LIMIT)).split(b'\n');
    let with_token = |(number, line): (usize, std::io::Result<Vec<u8>>)| {
        holds_token(&String::from_utf8_lossy(&line.ok()?)).then_some(number)
    };
    let found = |number: usize| {
        Finding::wrong("start-up files", format!("a token stands in {}, line {number}", path.display())).next(
            "take it out, delete it on the server's page of tokens, and use: eval \"$(seqera hook bash)\" (or your shell)",
        )
    };
    (1..).zip(lines).filter_map(with_token).map(found).collect()
}

fn holds_token(line: &str) -> bool {
    let is_comment = line.trim_start().starts_with('#');
    provider::ALL.iter().any(|provider| {
        provider.token_prefixes().iter().any(|prefix| holds_word(line, prefix))
            || !is_comment && provider.variables().tokens.iter().any(|name| assigns_text(line, name))
    })
}

/// Whether a word begins so, and goes on: the prefix alone is somebody writing about tokens.
fn holds_word(line: &str, prefix: &str) -> bool {
    line.match_indices(prefix).any(|(at, _)| {
        let goes_on = line[at + prefix.len()..].starts_with(|c: char| c.is_ascii_alphanumeric());
        goes_on && !line[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
    })
}

/// Whether the variable gets a value that is not computed: `NAME=value`, `set -gx NAME value`,
/// `setenv NAME value`, `$NAME = 'value'`.
fn assigns_text(line: &str, name: &str) -> bool {
    let Some((before, after)) = line.split_once(name) else { return false };
    let is_set = before.split([';', '&']).next_back().unwrap_or_default().trim_start().starts_with("set");
    let value = match after.trim_start().strip_prefix('=') {
        Some(value) => value,
        None if is_set && after.starts_with([' ', '\t']) => after,
        None => return false,
    };
    let value = value.trim_start().trim_start_matches(['"', '\'']);
    value.starts_with(|c: char| c.is_ascii_alphanumeric())
}

/// What `nextflow auth login` wrote. Nextflow before 26.04.3 let everybody read it.
fn nextflow(home: &Path) -> Option<Finding> {
    let folder = non_empty("NXF_HOME").map_or_else(|| home.join(".nextflow"), PathBuf::from);
    open_to_others("nextflow", &folder.join("seqera-auth.config"))
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
            "# export X=eyJ0aWQiOiAxfS4w",
            "export SEKUIRE_API_KEY=abc",
            "export SEQERA_TOKEN=abc",
            "# the key is sk_live_0123456789",
        ] {
            assert!(holds_token(line), "{line}");
        }
        for line in [
            "export TOWER_ACCESS_TOKEN=$(seqera token)",
            "export SEKUIRE_API_KEY=$(sekuire token)",
            "# keys begin with sk_live_",
            "export TOWER_ACCESS_TOKEN=\"$(seqera token)\"",
            "export TOWER_ACCESS_TOKEN=`seqera token`",
            "# export TOWER_ACCESS_TOKEN=abc",
            "unset TOWER_ACCESS_TOKEN",
            "echo TOWER_ACCESS_TOKEN is unset",
            "export TOWER_ACCESS_TOKEN",
            "TOWER_ACCESS_TOKEN=",
            "set -e TOWER_ACCESS_TOKEN",
        ] {
            assert!(!holds_token(line), "{line}");
        }
    }
}
