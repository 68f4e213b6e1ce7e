//! `completions/` and `man/` are what the commands say today.

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::home::Home;

fn files(below: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for folder in ["completions", "man"] {
        for entry in std::fs::read_dir(below.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{folder}/{}", path.file_name().unwrap().to_string_lossy());
            files.insert(name, std::fs::read_to_string(path).unwrap());
        }
    }
    files.insert("names".into(), std::fs::read_to_string(below.join("packaging/names")).unwrap());
    files
}

#[test]
fn completions_and_pages_are_not_stale() {
    let home = Home::new();
    home.run("seqera", &["generate", "fresh"], "").expect(0);
    let (fresh, kept) = (files(&home.path().join("fresh")), files(Path::new(env!("CARGO_MANIFEST_DIR"))));
    let names = |files: &BTreeMap<String, String>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&fresh), names(&kept), "run: make generate");
    for (name, text) in fresh {
        assert!(kept[&name] == text, "{name} is stale; run: make generate");
    }
}
