//! Boxes, keys and folders that are not as we left them.

use std::os::unix::fs::{PermissionsExt, chown, symlink};

use super::*;

const SHELF: &str = "git+https+h.example";

fn home() -> Home {
    let home = Home::with_file_store();
    keep(&home, "h.example", "u", "p");
    home
}

#[test]
fn a_box_moved_to_another_server_does_not_open() {
    let home = home();
    keep(&home, "evil.example", "u", "theirs");
    let (ours, theirs) = (the_box(&home, SHELF), the_box(&home, "git+https+evil.example"));
    fs::copy(ours, theirs).unwrap();
    refused(git(&home, "get", at("evil.example")), "is damaged");
}

#[test]
fn docker_hears_of_a_damaged_box_where_it_listens() {
    let home = Home::with_file_store();
    docker(&home, "store", r#"{"ServerURL":"h.example","Username":"u","Secret":"p"}"#).ok();
    fs::write(the_box(&home, "docker+https+h.example"), "").unwrap();
    let run = docker(&home, "get", "h.example").expect(6);
    assert!(run.out().contains("is not a sealed file") && run.out().lines().count() == 1, "{run:?}");
    assert!(!run.out().contains("credentials not found"), "{run:?}");
}

#[test]
fn a_key_that_is_gone_or_damaged_is_not_made_anew() {
    for content in [None, Some(""), Some("seqera-credential-helper key 1\n00\n"), Some("nonsense\n")] {
        let home = home();
        let key = store_of(&home).join("key");
        match content {
            Some(content) => fs::write(&key, content).unwrap(),
            None => fs::remove_file(&key).unwrap(),
        }
        let words = if content.is_some() { "key is damaged" } else { "is gone" };
        refused(git(&home, "get", at("h.example")), words);
        refused(git(&home, "store", format!("{}{}", at("x.example"), answer("u", "p"))), words);
        assert_eq!(fs::read_to_string(&key).ok().as_deref(), content);
    }
}

#[test]
fn a_key_that_others_may_read_is_refused() {
    let home = home();
    let key = store_of(&home).join("key");
    for mode in [0o640, 0o604, 0o660, 0o644] {
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        refused(git(&home, "get", at("h.example")), "chmod 600");
    }
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(git(&home, "get", at("h.example")).ok(), answer("u", "p"));
}

#[test]
fn a_store_that_is_a_link_is_neither_read_nor_written() {
    let home = home();
    let (store, elsewhere) = (store_of(&home), home.path().join("elsewhere"));
    fs::rename(&store, &elsewhere).unwrap();
    symlink(&elsewhere, &store).unwrap();
    let before = names(&elsewhere);
    refused(git(&home, "get", at("h.example")), "not a folder of your own");
    refused(
        git(&home, "store", format!("{}{}", at("x.example"), answer("u", "p"))),
        "not a folder of your own",
    );
    assert_eq!(names(&elsewhere), before);
}

#[test]
fn boxes_and_keys_that_are_links_are_not_followed() {
    for name in ["key", SHELF] {
        let home = home();
        let place = match name {
            "key" => store_of(&home).join("key"),
            shelf => the_box(&home, shelf),
        };
        let elsewhere = home.path().join("elsewhere");
        fs::rename(&place, &elsewhere).unwrap();
        symlink(&elsewhere, &place).unwrap();
        refused(git(&home, "get", at("h.example")), "cannot be read");
    }
}

/// Only root can give a folder away, so only root can try.
#[test]
fn a_store_of_another_user_is_neither_read_nor_written() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let home = home();
    chown(store_of(&home), Some(54321), None).unwrap();
    refused(git(&home, "get", at("h.example")), "not a folder of your own");
    refused(
        git(&home, "store", format!("{}{}", at("x.example"), answer("u", "p"))),
        "not a folder of your own",
    );
}

#[test]
fn a_store_that_others_could_enter_is_closed_to_them() {
    let home = home();
    fs::set_permissions(store_of(&home), fs::Permissions::from_mode(0o777)).unwrap();
    keep(&home, "other.example", "u", "p");
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(store_of(&home)), 0o700);
    assert_eq!(mode(store_of(&home).join(SHELF)), 0o700);
    assert_eq!(mode(the_box(&home, SHELF)), 0o600);
}

#[test]
fn a_read_only_store_answers_and_takes_nothing() {
    let home = home();
    fs::set_permissions(store_of(&home), fs::Permissions::from_mode(0o500)).unwrap();
    let as_anybody = |operation: &str, input: String| {
        let mut command = home.command("setpriv");
        command.args(["--bounding-set=-all", "--inh-caps=-all", "git-credential-seqera", operation]);
        run(command, input)
    };
    let stored = as_anybody("store", format!("{}{}", at("x.example"), answer("u", "p")));
    let got = as_anybody("get", at("h.example"));
    fs::set_permissions(store_of(&home), fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(got.ok(), answer("u", "p"));
    assert!(stored.err().contains(&store_of(&home).display().to_string()), "{stored:?}");
    refused(stored, "permission denied");
}
