use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;

use super::*;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn sources(folder: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![Path::new(ROOT).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => files.push(path),
            }
        }
    }
    files.retain(|file| !file.parent().is_some_and(|folder| folder.ends_with("src/command/manual")));
    files
}

/// Every name that looks like a variable of ours or of the platforms'.
fn names_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'));
    let is_ours = |word: &&str| ["SEQERA_", "SEKUIRE_", "TOWER_"].iter().any(|start| word.starts_with(start));
    let is_whole = |word: &&str| !word.ends_with('_') && !word.starts_with("SEQERA_TEST_");
    words.filter(is_ours).filter(is_whole).map(str::to_owned).collect()
}

#[test]
fn every_variable_is_on_the_page_and_every_one_there_is_one() {
    let files = sources("src").into_iter().chain(sources("shell"));
    let read: BTreeSet<String> =
        files.flat_map(|file| names_in(&fs::read_to_string(file).unwrap())).collect();
    let all = || variables::VARIABLES.iter().flat_map(|(_, variables)| variables.iter());
    let listed: BTreeSet<String> = all().flat_map(|variable| names_in(variable.name)).collect();
    let missing: Vec<_> = read.difference(&listed).collect();
    let gone: Vec<_> = listed.difference(&read).collect();
    assert!(missing.is_empty() && gone.is_empty(), "not on the page: {missing:?}; read nowhere: {gone:?}");
    assert_eq!(
        all().count(),
        all().map(|variable| variable.name).collect::<BTreeSet<_>>().len(),
        "one twice"
    );
    for setting in SETTINGS {
        assert!(setting.variable.is_none_or(|name| listed.contains(name)), "{}", setting.key);
    }
    let known: BTreeSet<&str> =
        guide::GUIDES.iter().map(|guide| guide.command).chain([PROGRAM, "-"]).collect();
    for command in all().flat_map(|variable| variable.commands).chain(FILES.iter().flat_map(|file| file.1)) {
        assert!(known.contains(command), "{command}");
    }
}

#[test]
fn every_command_stands_under_one_heading_and_has_a_guide() {
    let cli = Cli::command();
    let mut shown: Vec<&str> =
        cli.get_subcommands().filter(|command| !command.is_hide_set()).map(Command::get_name).collect();
    let mut grouped: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
    shown.sort_unstable();
    grouped.sort_unstable();
    assert_eq!(shown, grouped);
    for name in shown {
        let guide = guide(name).unwrap_or_else(|| panic!("{name}"));
        assert!(!guide.examples.is_empty(), "{name}");
        assert!(
            guide.see.iter().all(|other| cli.find_subcommand(other).is_some() && *other != name),
            "{name}"
        );
    }
}

/// The words of a command line, as a shell takes them.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, ' ' | '<' | '>') => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[test]
fn every_example_is_a_call_that_is_understood() {
    for guide in guide::GUIDES {
        for (line, _) in guide.examples {
            let inner = line.split("$(").nth(1).and_then(|rest| rest.split(')').next()).unwrap_or(line);
            // What comes from or goes to a file is the shell's.
            let call = inner.split(['<', '>']).next().unwrap();
            let words = words(call);
            assert!(words.get(1).is_some_and(|word| word == guide.command), "{line}");
            assert!(Cli::try_parse_from(&words).is_ok(), "{line}: {words:?}");
        }
    }
}

#[test]
fn every_class_of_error_is_on_the_page_once() {
    let codes: BTreeSet<u8> = Kind::ALL.iter().map(|kind| kind.exit_code()).collect();
    assert_eq!(codes.into_iter().collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7, 8, 127, 130]);
}

#[test]
fn a_topic_is_shown_and_a_command_is_not_one() {
    let asked = |words: &[&str]| {
        let args: Vec<OsString> = ["seqera"].iter().chain(words).map(OsString::from).collect();
        topic(&args)
    };
    for page in pages() {
        let text = asked(&["help", page.topic]).unwrap();
        assert!(text.lines().all(|line| line.chars().count() <= 100 || !line.trim().contains(' ')), "{text}");
        assert!(!text.contains('\x1b') && text.starts_with(&format!("seqera-{}(", page.topic)));
    }
    assert!(asked(&["help", "login"]).is_none() && asked(&["environment"]).is_none());
}
