//! The files in `/shell` are clean by the tools of each shell, as they stand there and as they are printed.

use std::path::{Path, PathBuf};
use std::process::Command;

use seqera_credential_helper::shell::Shell;

use super::terminal::Home;
use super::{nu, program, python, write};

fn passes(command: &mut Command) {
    let output = command.output().unwrap();
    let shown = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&shown));
}

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("shell").join(name)
}

fn printed(home: &Home, shell: Shell) -> PathBuf {
    let file = home.path(&format!("hook.{shell}"));
    write(&file, home.hook(shell, &[]).as_bytes());
    file
}

#[test]
fn shellcheck_and_shfmt_have_nothing_to_say() {
    for (name, dialect) in [("hook.bash", "bash"), ("hook.sh", "sh"), ("../completions/seqera.bash", "bash")]
    {
        passes(Command::new(program("shellcheck")).args(["-s", dialect]).arg(source(name)));
        passes(Command::new(program("shfmt")).args(["-d", "-i", "2"]).arg(source(name)));
    }
}

#[test]
fn every_shell_parses_its_hook() {
    let home = Home::new();
    passes(home.command(program("bash")).arg("-n").arg(printed(&home, Shell::Bash)));
    passes(home.command(program("zsh")).arg("-n").arg(printed(&home, Shell::Zsh)));
    passes(home.command(program("dash")).arg("-n").arg(printed(&home, Shell::Posix)));
    passes(home.command(program("mksh")).arg("-n").arg(printed(&home, Shell::Posix)));
    passes(home.command(program("fish")).arg("-n").arg(printed(&home, Shell::Fish)));
    passes(home.command(program("zsh")).arg("-n").arg(source("../completions/_seqera")));
    for name in ["hook.fish", "../completions/seqera.fish"] {
        passes(home.command(program("fish_indent")).arg("--check").arg(source(name)));
    }
    let nushell = printed(&home, Shell::Nu);
    let check = "if not (nu-check $env.FILE) { nu-check --debug $env.FILE; exit 1 }";
    passes(home.command(nu()).args(["--no-config-file", "-c", check]).env("FILE", nushell));
}

#[test]
fn the_files_for_prompt_tools_are_what_they_claim_to_be() {
    let home = Home::new();
    for name in ["powerlevel10k.zsh", "seqera.plugin.zsh"] {
        passes(home.command(program("zsh")).arg("-n").arg(source(name)));
    }
    passes(home.command(program("fish_indent")).arg("--check").arg(source("_tide_item_seqera.fish")));
    for name in ["starship.toml", "oh-my-posh.toml"] {
        let text = std::fs::read_to_string(source(name)).unwrap();
        text.parse::<toml_edit::DocumentMut>().unwrap();
    }
    for name in [
        "starship.toml",
        "powerlevel10k.zsh",
        "seqera.plugin.zsh",
        "oh-my-posh.toml",
        "_tide_item_seqera.fish",
        "tmux.conf",
    ] {
        let text = std::fs::read_to_string(source(name)).unwrap();
        let steps = ["# 1. ", "# 2. ", "# 3. "];
        assert!(steps.iter().all(|step| text.lines().take(4).any(|line| line.starts_with(step))), "{name}");
    }
}

/// The program runs in tmux's own shell, and its answer is what tmux takes for a style and a text.
#[test]
fn tmux_shows_the_segment() {
    use super::terminal::{Terminal, wait_for};
    let home = Home::new();
    home.log_in(1, "acme");
    std::fs::remove_file(home.path("bin/seqera")).unwrap();
    std::os::unix::fs::symlink(crate::support::seqera(), home.path("bin/seqera")).unwrap();
    let inner = format!("tmux -L inner -f {} new-session", source("tmux.conf").display());
    let terminal = Terminal::run(&home, &["sh".into(), "-c".into(), inner], &[]);
    wait_for(|| terminal.screen().contains(" acme"), || terminal.screen());
    terminal.type_line("tmux -L inner kill-server");
}

#[test]
fn hooks_survive_strict_shells_that_are_not_interactive() {
    let home = Home::new();
    let (bash, zsh) = (printed(&home, Shell::Bash), printed(&home, Shell::Zsh));
    let posix = printed(&home, Shell::Posix);
    let script = "eval \"$(cat \"$1\")\"";
    passes(home.command(program("bash")).args(["-euo", "pipefail", "-c", script, "bash"]).arg(bash));
    passes(home.command(program("zsh")).args(["-feuc", script, "zsh"]).arg(zsh));
    passes(home.command(program("dash")).args(["-euc", script, "dash"]).arg(&posix));
    passes(home.command(program("mksh")).args(["-euc", script, "mksh"]).arg(&posix));
}

/// PowerShell itself is in no package registry; its grammar is.
#[test]
fn the_powershell_hook_is_powershell() {
    let parse = r#"
import sys, tree_sitter, tree_sitter_powershell
language = tree_sitter.Language(tree_sitter_powershell.language())
parser = tree_sitter.Parser(language)
assert parser.parse(b'if ($a { }').root_node.has_error
sys.exit(any(parser.parse(open(file, 'rb').read()).root_node.has_error for file in sys.argv[1:]))
"#;
    let home = Home::new();
    passes(
        home.command(python())
            .args(["-c", parse])
            .args([source("hook.ps1"), source("../completions/_seqera.ps1")])
            .arg(printed(&home, Shell::PowerShell)),
    );
}

/// macOS has bash 3.2, which is not here: what it does not know must not be there.
#[test]
fn the_bash_hook_uses_nothing_newer_than_3_2() {
    let text = std::fs::read_to_string(source("hook.bash")).unwrap();
    let newer = [
        "${x@",
        "@Q}",
        "@a}",
        "^}",
        "^^",
        ",,}",
        "mapfile",
        "readarray",
        "declare -A",
        "local -A",
        "local -n",
        "declare -n",
        "[[ -v",
        "|&",
        "&>>",
        "coproc",
        "${PIPESTATUS@",
        "-g ",
    ];
    for word in newer {
        assert!(!text.contains(word), "{word}");
    }
    // What is newer stands behind a question about the version.
    assert!(text.contains("printf -v now '%(%s)T' -1 2>/dev/null"));
    assert!(text.contains("now=\"${EPOCHSECONDS-}\""));
}
