//! What holds of the source tree itself: imports run downwards only (see `src/lib.rs`), and each test that a promise
//! names is there.
#![allow(clippy::disallowed_macros, clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Rooms from the ground up; rooms of one floor do not import each other unless a line below says so.
const FLOORS: &[&[&str]] = &[
    &["error", "secret", "target", "endpoint"],
    &["os"],
    &["ui", "http", "config"],
    &["oauth", "store"],
    &["provider"],
    &["session"],
    &["broker"],
    &["relay", "shell"],
    &["client", "protocol"],
    &["command"],
];

/// Imports within a floor.
const NEIGHBOURS: &[(&str, &str)] = &[
    ("target", "error"),
    ("secret", "error"),
    ("endpoint", "target"),
    ("endpoint", "error"),
    ("oauth", "http"),
    ("client", "protocol"),
];

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

/// The rooms that a source file names by `crate::ROOM`; its unit tests may reach anywhere, comments too.
fn imports(source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let code: Vec<&str> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = code.join("\n");
    let mut rooms = Vec::new();
    for part in code.split("crate::").skip(1) {
        match part.strip_prefix('{') {
            // `use crate::{a, b::c}`: the names at the first level.
            Some(list) => {
                let mut depth = 0;
                let mut name = String::new();
                for c in list.chars() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => rooms.push(std::mem::take(&mut name)),
                        c if depth == 0 => name.push(c),
                        _ => {}
                    }
                }
                rooms.push(name);
            }
            None => rooms.push(part.to_owned()),
        }
    }
    let name =
        |text: String| text.trim().chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
    rooms.into_iter().map(name).filter(|room: &String| !room.is_empty()).collect()
}

#[test]
fn imports_run_downwards_only() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let mut wrong = Vec::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for path in files {
        let relative = path.strip_prefix(&src).unwrap();
        let room = relative.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
        let room = room.trim_end_matches(".rs");
        if matches!(room, "lib" | "bin") {
            continue;
        }
        let Some(own) = floor(room) else {
            wrong.push(format!("{} is in no room of the map", relative.display()));
            continue;
        };
        for import in imports(&fs::read_to_string(&path).unwrap()) {
            *seen.entry(room.to_owned()).or_default() += 1;
            let Some(other) = floor(&import) else {
                wrong.push(format!("{} imports {import}, which is not on the map", relative.display()));
                continue;
            };
            let allowed = import == room || other < own || NEIGHBOURS.contains(&(room, import.as_str()));
            if !allowed {
                wrong.push(format!("{} imports {import}", relative.display()));
            }
        }
    }
    assert!(seen.len() > 10, "too little was read: {seen:?}");
    assert!(wrong.is_empty(), "imports that do not run downwards:\n{}", wrong.join("\n"));
}

#[test]
fn imports_are_found_in_every_form() {
    let source = "use crate::store::{Shelf, Store};\nuse crate::{ui, os::{env, clock}};\nfn f() { crate::http::g() }\n\
                  // crate::command\n#[cfg(test)]\nmod tests { use crate::protocol; }";
    assert_eq!(imports(source), ["store", "ui", "os", "http"]);
}

/// Turns of phrase that a reader has to take apart; `CONTRIBUTING.md` asks for the field's standard words.
#[test]
fn sources_are_in_plain_english() {
    let hard = ["whoever", "in the place of", "came about", "knows nobody", "of one's own", "goes before"];
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    for path in files {
        let text = fs::read_to_string(&path).unwrap().to_lowercase();
        let found: Vec<&&str> = hard.iter().filter(|words| text.contains(**words)).collect();
        assert!(found.is_empty(), "{}: {found:?}", path.display());
    }
}

#[test]
fn the_picture_in_the_readme_is_of_a_status() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    assert!(readme.contains("](docs/terminal.svg)"));
    let picture = fs::read_to_string(root.join("docs/terminal.svg")).unwrap();
    for shown in ["seqera status", "Logged in as: ", "Endpoint: ", "Store: "] {
        assert!(picture.contains(shown), "{shown} is not in the picture");
    }
}

#[test]
fn every_test_that_a_promise_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(&root.join("src"), &mut files);
    sources(&root.join("tests"), &mut files);
    let code: String = files.iter().map(|path| fs::read_to_string(path).unwrap_or_default()).collect();
    let mut page = fs::read_to_string(root.join("docs/threats.md")).unwrap();
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let (_, beside) = readme.split_once("## Beside others").unwrap();
    page.push_str(beside.split("\n## ").next().unwrap());
    let rows = page.lines().filter(|line| line.starts_with("| ") && line.ends_with(" |"));
    let names: Vec<&str> = rows
        .filter_map(|row| row.trim_end_matches(" |").rsplit_once(" | "))
        .flat_map(|(_, tests)| tests.split('`').skip(1).step_by(2))
        .collect();
    assert!(names.len() > 20, "{names:?}");
    let missing: Vec<&&str> = names.iter().filter(|name| !code.contains(&format!("fn {name}()"))).collect();
    assert!(missing.is_empty(), "no such tests: {missing:?}");
}
