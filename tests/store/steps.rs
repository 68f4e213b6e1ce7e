//! A writer dies at a certain step.

use std::time::{Duration, SystemTime};

use super::*;
use crate::support::home::break_at;
use crate::support::session::{Token, logged_in};

fn storing(home: &Home, password: &str) -> (std::process::Command, String) {
    let mut command = home.command("git-credential-seqera");
    command.arg("store");
    (command, format!("{}{}", at("h.example"), answer("u", password)))
}

fn temporaries(dir: &Path) -> usize {
    names(dir).iter().filter(|name| name.starts_with(".new-")).count()
}

#[test]
fn killed_at_any_step_it_leaves_the_old_or_the_new() {
    for owner_files in [false, true] {
        for (point, left) in [("put", "old"), ("written", "old"), ("renamed", "new")] {
            let mut home = Home::with_file_store();
            if owner_files {
                home.set("SEQERA_TEST_OWNER_FILES", "1");
            }
            keep(&home, "h.example", "u", "old");
            let (mut command, input) = storing(&home, "new");
            break_at(&mut command, &format!("{point}=kill"));
            run(command, input).expect(128 + 9);
            assert_eq!(git(&home, "get", at("h.example")).ok(), answer("u", left), "{point}");
            let next = git(&home, "store", format!("{}{}", at("h.example"), answer("u", "next"))).expect(0);
            assert!(next.took < Duration::from_secs(5), "{point}: a stale lock heals itself: {next:?}");
            assert_eq!(git(&home, "get", at("h.example")).ok(), answer("u", "next"), "{point}");
            assert_eq!(temporaries(&store_of(&home).join("git+https+h.example")), 0, "{point}");
        }
    }
}

/// The folders that several kinds of writers share are swept of what is surely nobody's any more.
#[test]
fn what_killed_writers_left_long_ago_is_swept() {
    let home = Home::with_file_store();
    let platform = crate::platform::Platform::start();
    let login = logged_in(&home, &platform, Token::Dead);
    let left = |dir: &Path, name: &str, age: u64| {
        let file = fs::File::create(dir.join(name)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
    };
    let folders = [login.paths.store.clone(), login.paths.state.join("profiles")];
    for dir in &folders {
        left(dir, ".new-old", 2 * 3600);
        left(dir, ".new-young", 10);
    }
    home.run("seqera", &["token"], "").ok();
    for dir in &folders {
        let left: Vec<_> = names(dir).into_iter().filter(|name| name.starts_with(".new-")).collect();
        assert_eq!(left, [".new-young"], "{}", dir.display());
    }
}
