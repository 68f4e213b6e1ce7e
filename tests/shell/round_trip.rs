//! Every value survives `eval` byte for byte in every shell, and nothing of it runs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use seqera_credential_helper::os::env::Change;
use seqera_credential_helper::secret::Secret;
use seqera_credential_helper::shell::Shell;
use seqera_credential_helper::shell::render::statements;

use super::{nu, program, write};

const NAME: &str = "SEQERA_ACCESS_TOKEN";

/// Values that were written to be taken for something else than text.
fn hostile(canary: &Path) -> Vec<Vec<u8>> {
    let touch = format!("touch {}", canary.display());
    let mut values: Vec<Vec<u8>> = [
        "plain-token_1.2~3",
        "O'Brien",
        "'",
        "''",
        "'''''",
        "\\",
        "\\\\'",
        "a\\'b",
        "!!",
        "!x \\!y !",
        "$HOME ${PATH} $0 $$",
        "%s %d %% %F{red} %n",
        "* ? [a-z] {a,b} ~ ~root #x",
        " leading and trailing ",
        "  ",
        "a;b&c|d<e>f(g)h",
        "\"quoted\"",
        "{\"json\": null}",
        "-n",
        "--",
        "=ls",
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
        "$env:PATH",
        "(ls)",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec();
    for run in [
        format!("$({touch})"),
        format!("`{touch}`"),
        format!("'; {touch}; '"),
        format!("\"; {touch}; \""),
        format!("'\\''; {touch}; '"),
        format!("\\'; {touch}; \\'"),
        format!("'); {touch}; ('"),
        format!("$(({touch}))"),
        format!("a[$({touch})]"),
        format!("; ^{touch}"),
    ] {
        values.push(run.into_bytes());
    }
    values
}

/// Text that is not on one line, or not ASCII.
fn awkward(canary: &Path) -> Vec<Vec<u8>> {
    let touch = format!("touch {}", canary.display());
    let mut values: Vec<Vec<u8>> = [
        "two\nlines",
        "ends with newlines\n\n",
        "\n",
        "tab\tcr\rbell\x07esc\x1b[31m",
        "\u{2018}\u{2019}\u{201a}\u{201b}",
        "Zürich 東京 🧬",
        "\u{202e}rtl\u{200b}\u{9b}",
        "\u{f600}\u{f6ff}\u{e000}",
        "%\n'\\",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec();
    values.push(format!("\u{2019}; {touch}; \u{2019}").into_bytes());
    values.push(format!("x\n{touch}\n").into_bytes());
    values.push((1..0x80).collect());
    values
}

fn every_byte() -> Vec<Vec<u8>> {
    vec![(1..=255).collect(), b"\xff".to_vec(), b"\x81'\x81\\".to_vec(), b"a\xffb\nc".to_vec()]
}

fn evaluate(shell: Shell, file: &Path) -> Command {
    let with = |program: PathBuf, args: &[&str]| {
        let mut command = Command::new(program);
        command.args(args).arg(file);
        command
    };
    let posix = "eval \"$(cat \"$1\")\"; exec env -0";
    match shell {
        Shell::Bash => with(program("bash"), &["--norc", "-c", posix, "bash"]),
        Shell::Zsh => with(program("zsh"), &["-fc", posix, "zsh"]),
        Shell::Posix => with(program("dash"), &["-c", posix, "dash"]),
        Shell::Fish => with(program("fish"), &["--no-config", "-c", "cat $argv[1] | source; env -0"]),
        Shell::Elvish => with(program("elvish"), &["-norc", "-c", "eval (slurp < $args[0]); e:env -0"]),
        Shell::Xonsh => with(
            program("xonsh"),
            &["--no-rc", "-c", "import sys; execx(open(sys.argv[-1]).read()); $[env -0]"],
        ),
        Shell::Tcsh => {
            let mut command = with(program("tcsh"), &["-f", "-c", "eval \"`cat $FILE:q`\"; env -0"]);
            command.env("FILE", file);
            command
        }
        Shell::Nu => {
            let mut command = Command::new(nu());
            command.args(["--no-config-file", "-c", "open --raw $env.FILE | from json | load-env; ^env -0"]);
            command.env("FILE", file);
            command
        }
        Shell::PowerShell => panic!("no PowerShell here: its quoting is tested in src/shell"),
    }
}

fn comes_back(shell: Shell, locale: &str, value: &[u8]) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("statements");
    let changes =
        [Change::Unset("TOWER_WORKSPACE_ID"), Change::Set(NAME, Secret::new(value)), Change::Unset("GONE")];
    let line = statements(shell, &changes).unwrap();
    assert!(!line.expose().contains(&b'\n'), "{shell}: one line");
    write(&file, line.expose());
    let output = evaluate(shell, &file)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", dir.path())
        .env("LC_ALL", locale)
        .env("FILE", &file)
        .env("GONE", "still there")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&output.stderr);
    let environment: Vec<&[u8]> = output.stdout.split(|byte| *byte == 0).collect();
    let prefix = format!("{NAME}=");
    let found = environment.iter().find_map(|entry| entry.strip_prefix(prefix.as_bytes()));
    let text = String::from_utf8_lossy(value);
    assert_eq!(found, Some(value), "{shell} in {locale}: {text:?} from {:?}\n{shown}", line.expose_str());
    assert!(!environment.iter().any(|entry| entry.starts_with(b"GONE=")), "{shell}: unset");
}

fn all_come_back(shell: Shell, values: impl Fn(&Path) -> Vec<Vec<u8>>, locales: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    let canary = dir.path().join("ran");
    for value in values(&canary) {
        for locale in locales {
            comes_back(shell, locale, &value);
            assert!(!canary.exists(), "{shell} ran {:?}", String::from_utf8_lossy(&value));
        }
    }
}

const LOCALES: &[&str] = &["C", "C.UTF-8"];

macro_rules! survives {
    ($($name:ident: $shell:ident, $locales:expr, [$($values:ident),*];)*) => {
        $(#[test] fn $name() {
            all_come_back(Shell::$shell, |canary| {
                let values = [hostile(canary)$(, $values(canary))*];

                values.concat()
            }, $locales);
        })*
    };
}

fn bytes(_: &Path) -> Vec<Vec<u8>> {
    every_byte()
}

survives! {
    every_byte_survives_bash: Bash, LOCALES, [awkward, bytes];
    every_byte_survives_zsh: Zsh, LOCALES, [awkward, bytes];
    every_byte_survives_a_posix_shell: Posix, LOCALES, [awkward, bytes];
    every_byte_survives_fish: Fish, LOCALES, [awkward, bytes];
    every_byte_survives_xonsh: Xonsh, &["C.UTF-8"], [awkward, bytes];
    every_text_survives_elvish: Elvish, LOCALES, [awkward];
    every_text_survives_nushell: Nu, LOCALES, [awkward];
    every_plain_text_survives_tcsh: Tcsh, LOCALES, [];
}

#[test]
fn what_a_shell_cannot_carry_is_refused_whole() {
    let refused = |shell, value: &[u8]| {
        let changes = [Change::Set("TOWER_API_ENDPOINT", "x".into()), Change::Set(NAME, Secret::new(value))];
        let error = statements(shell, &changes).unwrap_err();
        assert!(!error.to_string().contains("hidden"), "{error}");
    };
    use clap::ValueEnum;
    for shell in Shell::value_variants() {
        refused(*shell, b"hidden\0");
    }
    for shell in [Shell::Nu, Shell::PowerShell, Shell::Elvish, Shell::Tcsh] {
        refused(shell, b"hidden\xff");
    }
    refused(Shell::Tcsh, b"hidden\nline");
}
