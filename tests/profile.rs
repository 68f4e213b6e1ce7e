//! `seqera profile`: several logins side by side.

use crate::platform::{Endpoint, Platform};
use crate::support::home::{Home, start};
use crate::support::login;
use crate::support::session::{self, Token, paths};
use seqera_credential_helper::session::mark::Mark;

fn started() -> (Home, Platform) {
    let (home, platform) = (Home::with_file_store(), Platform::start());
    login::with_token(&home, &platform, &[]);
    platform.sign_in("grace");
    login::with_token(&home, &platform, &["--profile", "work"]);
    (home, platform)
}

/// On one host, and on two that see no lock of each other.
#[test]
fn folders_that_are_bound_at_once_are_all_bound() {
    let (home, _platform) = started();
    for hosts in [1, 2] {
        let folder = |number| home.path().join(format!("on-{hosts}/{number}")).display().to_string();
        let folders: Vec<String> = (0..10).map(folder).collect();
        folders.iter().for_each(|folder| std::fs::create_dir_all(folder).unwrap());
        let running: Vec<_> = folders
            .iter()
            .enumerate()
            .map(|(number, folder)| {
                let mut command = home.command("seqera");
                command.args(["profile", "bind", folder, "work"]);
                if hosts == 2 {
                    let host = ["here", "there"][number % 2];
                    command.env("SEQERA_TEST_OWNER_FILES", "1").env("SEQERA_TEST_HOST", host);
                    command.env("SEQERA_TEST_BOOT_ID", format!("boot of {host}"));
                }
                start(command, "")
            })
            .collect();
        running.into_iter().for_each(|run| drop(run.finish().expect(0)));
        let list = home.run("seqera", &["profile", "bind"], "").ok();
        for folder in &folders {
            assert!(list.contains(folder.as_str()), "{folder}: {list}");
        }
    }
}

#[test]
fn the_profile_in_use_is_followed_everywhere() {
    let (home, platform) = started();
    assert_eq!(home.run("seqera", &["profile"], "").ok(), "default\n");
    let api = platform.api();
    let list = home.run("seqera", &["profile", "list"], "").ok();
    assert_eq!(
        list,
        format!(
            "* default  ada@example.org  {api}  -  fresh\n  work  grace@example.org  {api}  solo  fresh\n"
        )
    );
    home.run("seqera", &["profile", "use", "work"], "").expect(0);
    assert_eq!(home.run("seqera", &["profile"], "").ok(), "work\n");
    assert!(home.run("seqera", &["whoami"], "").ok().contains("grace@example.org"));
    assert!(Mark::read(&paths(&home), None).unwrap().generation.starts_with("work."));
    let out = home.run("seqera", &["profile", "list", "--json"], "").ok();
    let list: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&list["profile"], &list["profiles"][1]["in_use"]), (&"work".into(), &true.into()));
    let run = home.run("seqera", &["profile", "use", "nobody"], "").expect(3);
    assert!(run.err().contains("there are: default, work"), "{run:?}");
}

#[test]
fn a_renamed_login_goes_on_under_its_new_name() {
    let (home, platform) = (Home::with_file_store(), Platform::start());
    session::logged_in(&home, &platform, Token::Fresh);
    let token = home.run("seqera", &["token"], "").ok();
    home.run("seqera", &["profile", "rename", "default", "lab"], "").expect(0);
    assert_eq!(home.run("seqera", &["profile"], "").ok(), "lab\n", "it is still the one in use");
    assert_eq!(home.run("seqera", &["token"], "").ok(), token);
    home.run("seqera", &["token", "--profile", "default"], "").expect(3);
    platform.expire_access_tokens();
    assert!(home.run("seqera", &["whoami"], "").ok().contains("Profile: lab"), "it renews itself there");
    assert!(!platform.family_burnt());

    login::with_token(&home, &platform, &["--profile", "work"]);
    let run = home.run("seqera", &["profile", "rename", "lab", "work"], "").expect(2);
    assert!(run.err().contains("there is a profile 'work' already"), "{run:?}");
    home.run("seqera", &["profile", "rename", "nobody", "x"], "").expect(3);
    home.run("seqera", &["profile", "rename", "lab", "../x"], "").expect(2);
}

#[test]
#[cfg_attr(not(feature = "fault-points"), allow(unreachable_code))]
fn a_renaming_that_is_killed_leaves_the_login_under_one_name() {
    #[cfg(not(feature = "fault-points"))]
    panic!("run with: cargo test --features fault-points");
    for (point, left) in [("profile-copied", "default"), ("profile-renamed", "lab")] {
        let (mut home, platform) = (Home::with_file_store(), Platform::start());
        session::logged_in(&home, &platform, Token::Fresh);
        let token = home.run("seqera", &["token"], "").ok();
        home.set("SEQERA_TEST_FAULT", format!("{point}=kill"));
        home.run("seqera", &["profile", "rename", "default", "lab"], "").expect(128 + 9);
        home.set("SEQERA_TEST_FAULT", "");
        for name in ["default", "lab"] {
            let run = home.run("seqera", &["token", "--profile", name], "");
            assert_eq!(run.code(), if name == left { 0 } else { 3 }, "{point}: {run:?}");
            assert_eq!(run.out(), if name == left { token.as_str() } else { "" });
        }
        // What is left over is nobody's: logging out of it must not end the login.
        let other = if left == "lab" { "default" } else { "lab" };
        home.run("seqera", &["logout", "--profile", other], "").expect(0);
        home.run("seqera", &["whoami", "--profile", left], "").expect(0);
        assert_eq!(platform.count(Endpoint::Revocation), 0);
    }
}

#[test]
fn a_removed_login_is_given_back_and_the_others_stay() {
    let (home, platform) = started();
    home.run("seqera", &["profile", "use", "work"], "").expect(0);
    home.run("seqera", &["profile", "remove", "work"], "").expect(0);
    assert_eq!(home.run("seqera", &["profile"], "").ok(), "default\n");
    assert!(home.run("seqera", &["whoami"], "").ok().contains("ada@example.org"));
    home.run("seqera", &["token", "--profile", "work"], "").expect(3);
    home.run("seqera", &["profile", "remove", "work"], "").expect(3);
    drop(platform);
}

#[test]
fn two_renames_at_once_leave_one_login() {
    let (home, platform) = (Home::with_file_store(), Platform::start());
    session::logged_in(&home, &platform, Token::Fresh);
    std::thread::scope(|scope| {
        for new in ["a", "b", "c", "d"] {
            let home = &home;
            scope.spawn(move || home.run("seqera", &["profile", "rename", "default", new], ""));
        }
    });
    let list = home.run("seqera", &["profile", "list"], "").ok();
    assert_eq!(list.lines().count(), 1, "{list}");
    let name = list.trim_start_matches(['*', ' ']).split(' ').next().unwrap();
    home.run("seqera", &["token", "--profile", name], "").expect(0);
}
