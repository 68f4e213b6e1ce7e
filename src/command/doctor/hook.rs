//! The hook: in which shells it is installed, how often, and whether what it reads is there.

use std::fs;
use std::path::{Path, PathBuf};

use super::Finding;
use crate::command::Context;
use crate::command::plain::start_up_files;
use crate::session::mark::Mark;
use crate::session::profile::Profile;

const ABOUT: &str = "hook";

/// Looks at the hook.
pub fn look(context: &Context, findings: &mut Vec<Finding>) {
    let Some(home) = dirs::home_dir() else { return };
    let files = start_up_files(&home);
    let installed: Vec<(PathBuf, Vec<usize>)> =
        files.into_iter().map(|file| (lines(&file), file)).map(|(lines, file)| (file, lines)).collect();
    let installed: Vec<_> = installed.into_iter().filter(|(_, lines)| !lines.is_empty()).collect();
    if installed.is_empty() {
        findings.push(Finding::note(ABOUT, "is in no start-up file of a shell").next(
            "install it with: eval \"$(seqera hook bash)\" at the end of ~/.bashrc (or your shell's file)",
        ));
        return;
    }
    for (file, lines) in &installed {
        let shown = file.display();
        findings.push(match lines[..] {
            [line] => Finding::ok(ABOUT, format!("is in {shown}, line {line}")),
            _ => {
                let all = lines.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
                Finding::wrong(ABOUT, format!("is in {shown} more than once, lines {all}"))
                    .next("take all but one of these lines out")
            }
        });
    }
    if let Some(finding) = state_line(context) {
        findings.push(finding);
    }
}

/// Without its line of state the hook exports nothing, until the next command that writes it.
fn state_line(context: &Context) -> Option<Finding> {
    let profile = Profile::load(&context.paths, &context.name().ok()?).ok()??;
    Some(match Mark::read(&context.paths, Some(&profile.name)) {
        Some(_) => Finding::ok(ABOUT, format!("what it reads of '{}' is there", profile.name)),
        None => Finding::wrong(
            ABOUT,
            format!("what it reads of '{}' is not in {}", profile.name, context.paths.run.display()),
        )
        .next("write it anew with: seqera token"),
    })
}

/// The lines of a file that start the hook.
fn lines(path: &Path) -> Vec<usize> {
    if !fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() <= 1024 * 1024) {
        return Vec::new();
    }
    let text = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    (1..).zip(text.lines()).filter(|(_, line)| starts_it(line)).map(|(number, _)| number).collect()
}

fn starts_it(line: &str) -> bool {
    let line = line.trim_start();
    let words = line.split(|c: char| !(c.is_ascii_alphanumeric() || "_-./".contains(c)));
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let is_ours = |word: &str| matches!(word.rsplit('/').next(), Some("seqera" | "sekuire"));
    !line.starts_with('#') && words.windows(2).any(|pair| is_ours(pair[0]) && pair[1] == "hook")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_starts_the_hook_is_known() {
        for line in [
            "eval \"$(seqera hook bash)\"",
            "  eval \"$(/opt/bin/seqera hook zsh --no-export)\"",
            "seqera hook fish | source",
            "command -v seqera >/dev/null && eval \"$(seqera hook bash)\"",
        ] {
            assert!(starts_it(line), "{line}");
        }
        for line in ["# eval \"$(seqera hook bash)\"", "alias s='seqera status'", "echo hook", ""] {
            assert!(!starts_it(line), "{line}");
        }
    }
}
