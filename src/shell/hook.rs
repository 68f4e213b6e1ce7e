//! A hook as it is printed: the file in `/shell` with the names of the platforms and of their variables.

use crate::error::Result;
use crate::os::paths::Paths;
use crate::provider::{self, ProviderId};

use super::{Shell, render};

/// What stands for the platform that is meant where nothing else is said.
const FIRST: &str = "SEQERA_HOOK_FIRST";
/// What stands for a platform, in a line that is printed for each of its variables.
const PROVIDER: &str = "SEQERA_HOOK_PROVIDER";
/// What stands for a variable that may hold the person's own token.
const TOKEN: &str = "SEQERA_HOOK_TOKEN";
/// What stands for all these variables: the word that it is in is repeated for each.
const EACH: &str = "SEQERA_HOOK_EACH";
/// What stands for a variable that is set in a run of a platform.
const RUN: &str = "SEQERA_HOOK_RUN";

/// The hook without what [`head`] says.
pub fn body(shell: Shell) -> String {
    let lines = shell.language().hook().lines();
    lines.flat_map(filled_in).fold(String::new(), |text, line| text + &line + "\n")
}

/// The assignments that stand before the hook.
///
/// # Errors
/// A folder's path cannot be written in this shell.
pub fn head(shell: Shell, paths: &Paths, exports: bool) -> Result<Vec<String>> {
    let assign = |name, value: &[u8]| render::assignment(shell, name, value);
    Ok(vec![
        assign("__seqera_dir", paths.run.as_os_str().as_encoded_bytes())?,
        assign("__seqera_home", paths.home_run.as_os_str().as_encoded_bytes())?,
        assign("__seqera_options", if exports { b"" } else { b"--no-export" })?,
    ])
}

/// A line of a hook, once for each variable that it is for.
fn filled_in(line: &str) -> Vec<String> {
    let line = each(line.replace(FIRST, ProviderId::first().name()));
    let platforms = provider::ALL.iter();
    if line.contains(TOKEN) {
        let tokens = platforms.flat_map(|p| p.variables().tokens.iter().map(move |token| (p, token)));
        return tokens.map(|(p, token)| line.replace(PROVIDER, p.name()).replace(TOKEN, token)).collect();
    }
    if line.contains(RUN) {
        return platforms.flat_map(|p| p.variables().run).map(|name| line.replace(RUN, name)).collect();
    }
    vec![line]
}

/// Repeats each word that names [`EACH`]: `${EACH-}` becomes `${ONE-}${OTHER-}`.
fn each(mut line: String) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$' | '{' | '}');
    while let Some(at) = line.find(EACH) {
        let begin = line[..at].rfind(|c| !is_word(c)).map_or(0, |before| before + 1);
        let end = line[at..].find(|c| !is_word(c)).map_or(line.len(), |length| at + length);
        let word = line[begin..end].to_owned();
        let tokens = provider::ALL.iter().flat_map(|p| p.variables().tokens);
        let words: String = tokens.map(|token| word.replace(EACH, token)).collect();
        line.replace_range(begin..end, &words);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_hook_is_printed_with_what_stands_for_a_name() {
        for shell in Shell::ALL {
            let body = body(*shell);
            for name in [FIRST, PROVIDER, TOKEN, EACH, RUN] {
                assert!(!body.contains(name), "{shell} is printed with {name}");
            }
            for variable in provider::ALL.iter().flat_map(|p| p.variables().tokens) {
                assert!(body.contains(variable), "{shell} does not know {variable}");
            }
        }
    }

    #[test]
    fn a_word_is_repeated_and_what_is_around_it_is_not() {
        let line = each("key=${A-}:${SEQERA_HOOK_EACH-}".to_owned());
        assert!(line.starts_with("key=${A-}:${SEQERA_ACCESS_TOKEN-}${SEQERA_TOKEN-}"), "{line}");
        assert_eq!(each("\"$SEQERA_HOOK_EACH\"".to_owned()).matches('"').count(), 2);
    }
}
