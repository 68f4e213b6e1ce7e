//! `seqera configure`: real clients use the helper afterwards, and everything is taken back to the byte.

mod dead;
mod exact;
mod unread;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::git_server::{GitServer, Login};
use crate::support::gits;
use crate::support::home::{Home, run, start};
use crate::support::registry::Registry;
use crate::support::session::paths;

/// A home with the two programs themselves on its `PATH` and none of their links: `configure` makes these
/// beside the programs.
fn home() -> Home {
    let home = Home::with_file_store();
    for entry in fs::read_dir(home.bin()).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    for program in [crate::support::seqera(), crate::support::helper()] {
        let copy = home.bin().join(Path::new(program).file_name().unwrap());
        if fs::hard_link(program, &copy).is_err() {
            fs::copy(program, &copy).unwrap();
        }
    }
    home
}

#[track_caller]
fn configure(home: &Home, args: &[&str]) -> String {
    let mut words = vec!["configure"];
    words.extend(args);
    home.run("seqera", &words, "").ok()
}

/// The clients that are configured, as the list says it.
#[track_caller]
fn configured(home: &Home) -> Vec<String> {
    let list: serde_json::Value = serde_json::from_str(&configure(home, &["--list", "--json"])).unwrap();
    let clients = list["clients"].as_array().unwrap().iter();
    let names = clients.filter(|client| client["configured"] == true).map(|client| client["client"].as_str());
    names.map(|name| name.unwrap().to_owned()).collect()
}

/// Every file and link below the home that is not the store's or the program's own record.
fn snapshot(home: &Home) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![home.path().to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(home.path()).unwrap().to_path_buf();
            match fs::symlink_metadata(&path).unwrap() {
                _ if name.starts_with(".local") => {}
                of if of.is_dir() => folders.push(path),
                of if of.is_symlink() => drop(
                    found.insert(name, fs::read_link(path).unwrap().into_os_string().into_encoded_bytes()),
                ),
                of if of.len() > 1 << 20 => drop(found.insert(name, Vec::new())),
                _ => drop(found.insert(name, fs::read(&path).unwrap())),
            }
        }
    }
    found
}

/// Asserts that a change can be looked at without being made, is listed, is made once, and is taken back.
fn is_taken_back(home: &Home, args: &[&str]) {
    let before = snapshot(home);
    let client = args[0];
    let planned = configure(home, &[args, &["--dry-run"]].concat());
    assert!(planned.contains("would set"), "{planned}");
    assert_eq!(snapshot(home), before, "a dry run changes nothing");
    configure(home, args);
    let after = snapshot(home);
    assert_ne!(after, before);
    assert_eq!(configured(home), [client]);
    configure(home, args);
    assert_eq!(snapshot(home), after, "twice is once");
    configure(home, &[client, "--undo", "--dry-run"]);
    assert_eq!(snapshot(home), after);
    configure(home, &[client, "--undo"]);
    assert_eq!(snapshot(home), before, "taken back to the byte");
    configure(home, &[client, "--undo"]);
    assert_eq!(snapshot(home), before);
}

const GIT_CONFIG: &str = "# mine\n[user]\n\tname = Alice ; a comment\n[credential]\n\thelper = cache --timeout=9\n\n[alias]\n st = status\n";
const DOCKER_CONFIG: &str = "{\n\t\"psFormat\": \"{{.ID}}\",\n\t\"auths\": {\"r.example\": {}},\n\n   \"credHelpers\": { \"gcr.io\": \"gcloud\" }\n}";

#[test]
fn git_s_configuration_is_taken_back_to_the_byte() {
    for content in [None, Some(GIT_CONFIG), Some("")] {
        for args in [&["git"][..], &["git", "--url", "https://github.com"]] {
            let home = home();
            content.map(|content| home.write(".gitconfig", content));
            is_taken_back(&home, args);
        }
    }
}

#[test]
fn docker_s_configuration_is_taken_back_to_the_byte() {
    for content in [None, Some(DOCKER_CONFIG), Some("{}"), Some("{\"credsStore\":\"pass\"}\n")] {
        for args in
            [&["docker"][..], &["docker", "--registry", "cr.seqera.io", "--registry", "r.example:5000"]]
        {
            let home = home();
            content.map(|content| home.write(".docker/config.json", content));
            is_taken_back(&home, args);
        }
    }
}

#[test]
fn the_containers_configuration_is_taken_back_to_the_byte() {
    let home = home();
    home.write(".config/containers/registries.conf.d/10-mine.conf", "# mine\n");
    is_taken_back(&home, &["containers"]);
}

#[test]
fn what_others_changed_since_is_left_alone() {
    let home = home();
    home.write(".docker/config.json", "{\"credsStore\": \"pass\"}");
    configure(&home, &["docker"]);
    home.write(".docker/config.json", "{\"credsStore\": \"desktop\"}");
    configure(&home, &["docker", "--undo"]);
    let left = fs::read_to_string(home.path().join(".docker/config.json")).unwrap();
    assert_eq!(left, "{\"credsStore\": \"desktop\"}");
}

/// Of two lists of helpers podman and skopeo read one.
#[test]
fn helpers_that_containers_have_already_are_not_put_out_of_use() {
    let home = home();
    let file = home.write(".config/containers/registries.conf", "credential-helpers = [\"pass\"]\n");
    let before = snapshot(&home);
    let run = home.run("seqera", &["configure", "containers"], "").expect(7);
    assert!(run.err().contains(r#"credential-helpers = ["seqera", "pass"]"#), "{run:?}");
    assert!(run.err().contains(file.to_str().unwrap()), "{run:?}");
    assert_eq!(snapshot(&home), before);
    home.write(".config/containers/registries.conf", "credential-helpers = [\"seqera\", \"pass\"]\n");
    is_taken_back(&home, &["containers"]);
    configure(&home, &["containers"]);
    assert!(home.bin().join("docker-credential-seqera").exists());
    assert!(!home.path().join(".config/containers/registries.conf.d").exists());
    configure(&home, &["containers", "--undo"]);
    home.write(".config/containers/registries.conf", "credential-helpers = [\"containers-auth.json\"]\n");
    is_taken_back(&home, &["containers"]);
}

/// Of several lists in drop-ins the last one counts.
#[test]
fn helpers_in_another_drop_in_are_not_put_out_of_use_either() {
    let folder = ".config/containers/registries.conf.d";
    for (name, list, words) in [
        ("10-mine.conf", "[\"pass\"] # mine", "names other helpers"),
        ("99-mine.conf", "[\"pass\"]", "has the list that counts"),
        ("99-mine.conf", "[\"containers-auth.json\"]", "has the list that counts"),
    ] {
        let home = home();
        let file = home.write(format!("{folder}/{name}"), format!("credential-helpers = {list}\n"));
        let before = snapshot(&home);
        let run = home.run("seqera", &["configure", "containers"], "").expect(7);
        assert!(run.err().contains(&format!("{} {words}", file.display())), "{run:?}");
        assert_eq!(snapshot(&home), before);
        fs::write(&file, format!("credential-helpers = {}\n", list.replacen('[', "[\"seqera\", ", 1)))
            .unwrap();
        let run = home.run("seqera", &["configure", "containers"], "").expect(0);
        assert!(run.err().contains("it reaches the helper"), "{run:?}");
    }
    // What is a comment, or another file, is no list.
    for (name, text) in [
        (
            "99-mine.conf",
            "# credential-helpers = [\"pass\"]\nunqualified-search-registries = [\"docker.io\"]\n",
        ),
        ("99-mine.conf.bak", "credential-helpers = [\"pass\"]\n"),
        ("10-mine.conf", "credential-helpers = [\"containers-auth.json\"]\n"),
    ] {
        let home = home();
        home.write(format!("{folder}/{name}"), text);
        is_taken_back(&home, &["containers"]);
    }
}

#[test]
fn a_drop_in_that_others_changed_since_is_theirs() {
    let home = home();
    let path = ".config/containers/registries.conf.d/50-seqera.conf";
    configure(&home, &["containers"]);
    home.write(path, "credential-helpers = [\"theirs\"]\n");
    assert!(configure(&home, &["--list"]).contains("50-seqera.conf  (changed since)"));
    home.run("seqera", &["configure", "containers"], "").expect(7);
    let run = home.run("seqera", &["configure", "containers", "--undo"], "").expect(0);
    assert!(run.err().contains("Left as it is, for it was changed since: file"), "{run:?}");
    let left = fs::read_to_string(home.path().join(path)).unwrap();
    assert_eq!(left, "credential-helpers = [\"theirs\"]\n");
}

/// git takes the first of two files for its global one; the first may come later.
#[test]
fn git_s_configuration_is_taken_back_where_it_was_made() {
    let home = home();
    let file = home.write(".config/git/config", "[user]\n\tname = x\n");
    configure(&home, &["git"]);
    assert!(fs::read_to_string(&file).unwrap().contains("/git-credential-seqera"));
    home.write(".gitconfig", "[user]\n\temail = y\n");
    configure(&home, &["git", "--undo"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "[user]\n\tname = x\n");
}

#[test]
fn taking_back_one_client_leaves_the_other_its_link() {
    let home = home();
    configure(&home, &["docker"]);
    configure(&home, &["containers"]);
    configure(&home, &["docker", "--undo"]);
    assert!(home.bin().join("docker-credential-seqera").exists(), "podman and skopeo still look for it");
    configure(&home, &["containers", "--undo"]);
    assert!(!home.bin().join("docker-credential-seqera").exists());
}

#[test]
fn git_uses_the_helper_once_it_is_configured() {
    for git in [gits::current(), gits::distribution()] {
        for scoped in [false, true] {
            let home = home();
            let server = GitServer::start(
                &gits::current(),
                &home.path().join("served"),
                &[Login::basic("alice", "pw")],
            );
            let url = server.create("a.git");
            let base = format!("http://{}", server.host());
            match scoped {
                true => configure(&home, &["git", "--url", &base]),
                false => configure(&home, &["git"]),
            };
            let git = git.to_str().unwrap();
            let login = format!("protocol=http\nhost={}\nusername=alice\npassword=pw\n", server.host());
            home.run(git, &["credential", "approve"], &login).ok();
            home.run(git, &["clone", "--quiet", &url, "one"], "").ok();

            // Scoped, other servers are none of its business.
            home.run(git, &["credential", "approve"], login.replace("127.0.0.1", "localhost")).ok();
            let stored = home
                .run(
                    "seqera-credential-helper",
                    &["git", "get"],
                    login.lines().take(2).collect::<Vec<_>>().join("\n").replace("127.0.0.1", "localhost"),
                )
                .ok();
            assert_eq!(stored.is_empty(), scoped, "{stored}");

            configure(&home, &["git", "--undo"]);
            home.run(git, &["ls-remote", &url], "").expect(128);
        }
    }
}

#[test]
fn docker_and_skopeo_use_the_helper_once_they_are_configured() {
    let mut home = home();
    // The containers tools look below HOME whatever this says.
    home.set("XDG_CONFIG_HOME", home.path().join("elsewhere"));
    let registry = Registry::start(&[("alice", "pw")]);
    let host = registry.host();
    configure(&home, &["docker", "--registry", host]);
    configure(&home, &["containers"]);
    home.run("docker", &["login", "--username=alice", "--password-stdin", host], "pw").ok();
    assert_eq!(home.run("skopeo", &["login", "--get-login", host], "").ok(), "alice\n");
    home.run("skopeo", &["logout", host], "").ok();
    assert_eq!(home.run("seqera-credential-helper", &["docker", "list"], "").ok(), "{}\n");
    home.run("skopeo", &["login", "--tls-verify=false", "--username=alice", "--password-stdin", host], "pw")
        .ok();
    assert_eq!(
        home.run("seqera-credential-helper", &["docker", "list"], "").ok(),
        format!("{{\"{host}\":\"alice\"}}\n")
    );
    home.run("podman", &["login", "--get-login", host], "").ok();
}

/// Each client that there is has one line, configured or not.
#[test]
fn the_list_is_the_table_of_clients() {
    let home = home();
    let list = configure(&home, &["--list"]);
    let names: Vec<&str> = list.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(names, ["git", "docker", "containers", "nextflow"]);
    for line in list.lines() {
        let name = line.split_whitespace().next().unwrap();
        assert!(
            line.contains("  not configured  ") && line.ends_with(&format!("; seqera configure {name}")),
            "{list}"
        );
    }
    let help = configure(&home, &["--help"]);
    assert!(names.iter().all(|name| help.contains(&format!("- {name}:"))), "{help}");
    configure(&home, &["git"]);
    let list = configure(&home, &["--list"]);
    let first = list.lines().next().unwrap();
    assert!(first.starts_with("git         configured      link /"), "{list}");
    assert!(first.contains("; credential.helper = /") && list.lines().count() == 4, "{list}");
    fs::remove_file(home.path().join(".gitconfig")).unwrap();
    let list = configure(&home, &["--list"]);
    assert!(list.contains("(changed since)"), "{list}");
}

#[test]
fn the_list_is_there_for_programs_too() {
    let home = home();
    let client = |name: &str| -> serde_json::Value {
        let list: serde_json::Value = serde_json::from_str(&configure(&home, &["--list", "--json"])).unwrap();
        list["clients"].as_array().unwrap().iter().find(|client| client["client"] == name).unwrap().clone()
    };
    assert_eq!(
        (&client("git")["configured"], &client("git")["changes"]),
        (&false.into(), &serde_json::json!([]))
    );
    home.run("seqera", &["configure", "git"], "").expect(0);
    let git = client("git");
    let change = git["changes"].as_array().unwrap().last().unwrap();
    assert_eq!((&git["configured"], &change["changed_since"]), (&true.into(), &false.into()));
    assert!(change["change"].as_str().unwrap().starts_with("credential.helper = /"), "{change}");
    // Made by hand.
    home.write(".config/containers/registries.conf", "credential-helpers = [\"seqera\"]\n");
    std::os::unix::fs::symlink("seqera-credential-helper", home.bin().join("docker-credential-seqera"))
        .unwrap();
    let containers = client("containers");
    assert_eq!((&containers["configured"], &containers["changes"]), (&true.into(), &serde_json::json!([])));
}
