//! What was configured is taken back exactly, whatever the files are; and files that are not for us stay.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use super::*;

#[test]
fn odd_files_are_taken_back_to_the_byte() {
    for text in [
        "[user]\n\tname = x",
        "[user]\r\n\tname = x\r\n",
        "[credential]\n\t# mine\n\thelper = cache ; why\n\n\n",
        "\n\n",
        "[credential \"https://github.com\"]\n helper = cache\n[credential]\n",
        "\u{feff}[user]\n\tname = Zo\u{eb}\n",
    ] {
        for args in [&["git"][..], &["git", "--url", "https://github.com"]] {
            let home = home();
            home.write(".gitconfig", text);
            is_taken_back(&home, args);
        }
    }
    let latin = home();
    latin.write(".gitconfig", b"[user]\n\tname = Zo\xeb\n");
    is_taken_back(&latin, &["git"]);
    for text in [
        "",
        " \n",
        "{\"credsStore\": null}",
        "{ \"credsStore\" : null , \"auths\":{} }\r\n",
        "{\"credHelpers\": null}",
        "{\"credHelpers\": {}}",
        "{\"CredsStore\": \"pass\"}",
        "{\"credsStore\": \"\"}",
        "{\"credHelpers\": {\"cr.seqera.io\": \"\"}}",
        "{\"credHelpers\": {\"cr.seqera.io\": \"other\"}, \"credHelpers\": {\"x\": \"y\"}}",
    ] {
        for args in
            [&["docker"][..], &["docker", "--registry", "cr.seqera.io", "--registry", "r.example:5000"]]
        {
            let home = home();
            home.write(".docker/config.json", text);
            is_taken_back(&home, args);
        }
    }
}

/// docker writes its file anew with every login: then it is undone by what it says.
#[test]
fn what_others_wrote_around_it_stays() {
    let home = home();
    let file = home.write(".docker/config.json", "{\"credsStore\": null, \"a\": 1}");
    configure(&home, &["docker"]);
    fs::write(&file, "{\n\t\"a\": 2,\n\t\"credsStore\": \"seqera\"\n}").unwrap();
    configure(&home, &["docker", "--undo"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "{\n\t\"a\": 2,\n\t\"credsStore\": null\n}");
    let file = home.write(".gitconfig", "[user]\n\tname = x\n");
    configure(&home, &["git"]);
    let text = fs::read_to_string(&file).unwrap() + "[alias]\n\tst = status\n";
    fs::write(&file, text).unwrap();
    configure(&home, &["git", "--undo"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "[user]\n\tname = x\n[alias]\n\tst = status\n");
}

#[test]
fn a_dotfile_s_link_is_followed_or_refused_and_never_replaced() {
    for (client, name) in [("git", ".gitconfig"), ("docker", ".docker/config.json")] {
        let home = home();
        let link = home.path().join(name);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        fs::create_dir(home.path().join("dotfiles")).unwrap();
        symlink(home.path().join("dotfiles/there"), &link).unwrap();
        is_taken_back(&home, &[client]);
        configure(&home, &[client]);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink(), "{client}");
        assert!(home.path().join("dotfiles/there").is_file(), "{client}");
        configure(&home, &[client, "--undo"]);

        fs::remove_dir(home.path().join("dotfiles")).unwrap();
        let before = snapshot(&home);
        let run = home.run("seqera", &["configure", client], "").expect(7);
        assert!(run.err().contains("which is not there"), "{run:?}");
        assert_eq!(snapshot(&home), before, "{client}");
    }
}

#[test]
fn a_device_is_no_configuration() {
    let mut home = home();
    home.set("GIT_CONFIG_GLOBAL", "/dev/null");
    let run = home.run("seqera", &["configure", "git"], "").expect(7);
    assert!(run.err().contains("/dev/null is not a regular file"), "{run:?}");
    fs::create_dir(home.path().join(".docker")).unwrap();
    symlink("/dev/zero", home.path().join(".docker/config.json")).unwrap();
    home.run("seqera", &["configure", "docker"], "").expect(7);
    assert!(configured(&home).is_empty());
}

#[test]
fn a_file_keeps_its_mode_its_group_and_its_other_names() {
    for (client, name, text) in
        [("git", ".gitconfig", "[user]\n\tname = x\n"), ("docker", ".docker/config.json", "{}")]
    {
        let home = home();
        let file = home.write(name, text);
        let other = home.path().join("other-name");
        fs::hard_link(&file, &other).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        // Another group of ours, where there is one.
        let groups = rustix::process::getgroups().unwrap();
        let group = groups
            .into_iter()
            .map(|group| group.as_raw())
            .find(|group| *group != file.metadata().unwrap().gid());
        let group = if rustix::process::geteuid().is_root() { Some(12345) } else { group };
        std::os::unix::fs::chown(&file, None, group).unwrap();
        let before = file.metadata().unwrap();
        for args in [&["configure", client][..], &["configure", client, "--undo"]] {
            home.run("seqera", args, "").expect(0);
            let now = file.metadata().unwrap();
            assert_eq!(
                (now.mode(), now.gid(), now.uid()),
                (before.mode(), before.gid(), before.uid()),
                "{args:?}"
            );
            assert_eq!(fs::read(&file).unwrap(), fs::read(&other).unwrap(), "{args:?}");
            assert_eq!(now.ino(), other.metadata().unwrap().ino());
        }
        fs::remove_file(&other).unwrap();
        home.run("seqera", &["configure", client], "").expect(0);
        let now = file.metadata().unwrap();
        assert_eq!((now.mode(), now.gid()), (before.mode(), before.gid()));
    }
}

#[test]
fn folders_are_made_for_the_user_alone_and_go_again() {
    let home = home();
    configure(&home, &["docker"]);
    assert_eq!(home.path().join(".docker").metadata().unwrap().mode() & 0o777, 0o700);
    assert_eq!(home.path().join(".docker/config.json").metadata().unwrap().mode() & 0o777, 0o600);
    configure(&home, &["docker", "--undo"]);
    assert!(!home.path().join(".docker").exists());
    configure(&home, &["containers"]);
    configure(&home, &["containers", "--undo"]);
    assert!(!home.path().join(".config").exists());
    fs::create_dir(home.path().join(".docker")).unwrap();
    configure(&home, &["docker"]);
    configure(&home, &["docker", "--undo"]);
    assert!(home.path().join(".docker").exists(), "it was there before");
}

#[test]
fn a_relative_path_means_the_same_from_another_folder() {
    let home = home();
    let work = home.path().join("work");
    fs::create_dir(&work).unwrap();
    for (variable, value, client, file) in [
        ("DOCKER_CONFIG", "docker", "docker", "docker/config.json"),
        ("GIT_CONFIG_GLOBAL", "./odd/../global", "git", "global"),
    ] {
        fs::create_dir_all(work.join("odd")).unwrap();
        let mut command = home.command("seqera");
        command.args(["configure", client]).env(variable, value).current_dir(&work);
        run(command, "").expect(0);
        assert!(work.join(file).is_file(), "{client}");
        configure(&home, &[client, "--undo"]);
        assert!(!work.join(file).exists(), "{client}");
    }
}

#[test]
fn a_relative_home_means_the_same_from_another_folder() {
    let home = home();
    let work = home.path().join("work");
    home.write("work/config/git/config", "[user]\n\tname = x\n");
    for (variable, value, client) in
        [("XDG_CONFIG_HOME", "config", "git"), ("HOME", ".", "git"), ("HOME", ".", "docker")]
    {
        let before = snapshot(&home);
        let mut command = home.command("seqera");
        command.args(["configure", client]).env(variable, value).current_dir(&work);
        run(command, "").expect(0);
        assert_ne!(snapshot(&home), before, "{variable} {client}");
        configure(&home, &[client, "--undo"]);
        assert_eq!(snapshot(&home), before, "{variable} {client}");
    }
}

/// What could not be taken back is not done.
#[test]
fn a_helper_whose_name_is_none_is_not_replaced() {
    let home = home();
    let before = "{\"credsStore\": \"../bin/x\"}";
    let file = home.write(".docker/config.json", before);
    let run = home.run("seqera", &["configure", "docker"], "").expect(7);
    assert!(run.err().contains("could not be taken back"), "{run:?}");
    assert_eq!(fs::read_to_string(file).unwrap(), before);
    assert!(configured(&home).is_empty());
}

#[test]
fn commands_at_once_take_turns() {
    let home = home();
    home.write(".gitconfig", GIT_CONFIG);
    home.write(".docker/config.json", DOCKER_CONFIG);
    let before = snapshot(&home);
    let registries: Vec<String> = (0..6).map(|n| format!("r{n}.example")).collect();
    let mut calls: Vec<Vec<&str>> =
        registries.iter().map(|name| vec!["configure", "docker", "--registry", name]).collect();
    calls.extend([vec!["configure", "git"], vec!["configure", "docker"], vec!["configure", "containers"]]);
    let running: Vec<_> = calls
        .iter()
        .map(|call| {
            let mut command = home.command("seqera");
            command.args(call);
            start(command, "")
        })
        .collect();
    running.into_iter().for_each(|run| drop(run.finish().expect(0)));
    let list = configure(&home, &["--list"]);
    for name in
        registries.iter().map(String::as_str).chain(["credsStore", "; credential.helper", "50-seqera.conf"])
    {
        assert_eq!(list.matches(name).count(), 1, "{name}: {list}");
    }
    assert!(!list.contains("changed since"), "{list}");
    configure(&home, &["--undo-all"]);
    assert_eq!(snapshot(&home), before);
    assert!(configured(&home).is_empty());
}

/// Of what fails, and of what stood there already, nothing is claimed.
#[test]
fn what_was_never_made_is_never_claimed() {
    let home = home();
    let drop_in = home.write(".config/containers/registries.conf.d/50-seqera.conf", "theirs\n");
    home.run("seqera", &["configure", "containers"], "").expect(7);
    let list = configure(&home, &["--list"]);
    assert!(!list.contains("50-seqera.conf"), "{list}");
    configure(&home, &["containers", "--undo"]);
    assert_eq!(fs::read_to_string(drop_in).unwrap(), "theirs\n");
    assert!(!home.bin().join("docker-credential-seqera").exists());

    // The link of a package.
    symlink("seqera-credential-helper", home.bin().join("git-credential-seqera")).unwrap();
    configure(&home, &["git"]);
    assert!(!configure(&home, &["--list"]).contains("link"));
    configure(&home, &["git", "--undo"]);
    assert!(home.bin().join("git-credential-seqera").exists());

    // Cut off between the note and the deed.
    let record = paths(&home).state.join("configured.json");
    let step = serde_json::json!({ "steps": [{
        "client": "docker",
        "made": false,
        "change": { "json_key": {
            "file": home.path().join(".docker/config.json"), "within": null, "key": "credsStore",
            "value": "seqera", "before": "pass", "created": false,
        } },
    }] });
    fs::write(&record, step.to_string()).unwrap();
    fs::set_permissions(&record, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(configured(&home).is_empty());
    let run = home.run("seqera", &["configure", "docker", "--undo"], "").expect(0);
    assert!(run.err().contains("nothing to take back"), "{run:?}");
}

/// Who can write the record could have `--undo` write what they like.
#[test]
fn a_planted_record_makes_undo_write_nothing() {
    let home = home();
    configure(&home, &["docker"]);
    let record = paths(&home).state.join("configured.json");
    let honest = fs::read_to_string(&record).unwrap();
    let victim = home.write("config.json", "{\"credsStore\": \"seqera\", \"plugins\": \"seqera\"}");
    let before = fs::read(&victim).unwrap();
    let json_key = |key: &str, before: Option<&str>, patch: serde_json::Value| {
        serde_json::json!({ "steps": [{
            "client": "docker",
            "change": { "json_key": {
                "file": &victim, "within": null, "key": key, "value": "seqera", "before": before, "created": false,
            } },
            "trace": { "patch": patch, "folders": 9 },
        }] })
    };
    let none = serde_json::Value::Null;
    for planted in [
        json_key("plugins", None, none.clone()),
        json_key("credsStore", Some("a\",\"b\":\"c"), none.clone()),
        json_key("credsStore", Some("/bin/evil"), none.clone()),
        serde_json::json!({ "steps": [{ "client": "git", "change": { "link": { "path": &victim } } }] }),
        serde_json::json!({ "steps": [{ "client": "git", "change": { "file": { "path": &victim } } }] }),
        serde_json::json!({ "steps": [{ "client": "git", "change": { "git_config": {
            "key": "core.pager", "value": "seqera", "file": &victim, "created": true } } }] }),
    ] {
        fs::write(&record, planted.to_string()).unwrap();
        for undo in
            [&["configure", "docker", "--undo"][..], &["configure", "--undo-all"], &["configure", "--list"]]
        {
            let run = home.run("seqera", undo, "").expect(7);
            assert!(run.err().contains("names a change that this program never makes"), "{run:?}");
        }
        assert_eq!(fs::read(&victim).unwrap(), before, "{planted}");
    }
    // A patch that says more than its change is not followed: the change alone is.
    let sum = "0".repeat(64);
    let patch = serde_json::json!({ "at": 0, "removed": "{\"evil\": 1}", "added": "", "sha256": sum, "created": false });
    fs::write(&record, json_key("credsStore", None, patch).to_string()).unwrap();
    configure(&home, &["docker", "--undo"]);
    assert_eq!(fs::read_to_string(&victim).unwrap(), "{\"plugins\": \"seqera\"}");

    for mode in [0o620, 0o602, 0o666] {
        fs::write(&record, &honest).unwrap();
        fs::set_permissions(&record, fs::Permissions::from_mode(mode)).unwrap();
        let run = home.run("seqera", &["configure", "docker", "--undo"], "").expect(7);
        assert!(run.err().contains("others may write it"), "{run:?}");
    }
    // On a file system without modes the person has said who may reach it.
    let mut trusting = home.command("seqera");
    trusting.args(["configure", "docker", "--undo", "--dry-run"]).env("SEQERA_HELPER_TRUST_HOME", "1");
    assert!(run(trusting, "").ok().contains("would take back"));
    fs::set_permissions(&record, fs::Permissions::from_mode(0o600)).unwrap();
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&record, Some(12345), None).unwrap();
        let run = home.run("seqera", &["configure", "docker", "--undo"], "").expect(7);
        assert!(run.err().contains("run it as that user") && !run.err().contains("remove it"), "{run:?}");
        std::os::unix::fs::chown(&record, Some(0), None).unwrap();
    }
    let elsewhere = home.path().join("elsewhere");
    fs::rename(&record, &elsewhere).unwrap();
    symlink(&elsewhere, &record).unwrap();
    home.run("seqera", &["configure", "docker", "--undo"], "").expect(7);
    fs::remove_file(&record).unwrap();
    fs::rename(&elsewhere, &record).unwrap();
    configure(&home, &["docker", "--undo"]);
    assert!(!home.path().join(".docker").exists());
}

/// A package manager's folder of one version goes with the next; the link to it stays.
#[test]
fn the_link_follows_an_update() {
    let home = home();
    let versions = ["1", "2"].map(|version| home.path().join("cellar").join(version));
    for name in ["seqera", "seqera-credential-helper"] {
        for version in &versions {
            fs::create_dir_all(version).unwrap();
            fs::copy(home.bin().join(name), version.join(name)).unwrap();
        }
        fs::remove_file(home.bin().join(name)).unwrap();
        symlink(versions[0].join(name), home.bin().join(name)).unwrap();
    }
    configure(&home, &["git"]);
    configure(&home, &["docker"]);
    for name in ["seqera", "seqera-credential-helper"] {
        fs::remove_file(home.bin().join(name)).unwrap();
        symlink(versions[1].join(name), home.bin().join(name)).unwrap();
    }
    fs::remove_dir_all(&versions[0]).unwrap();
    let told = home.run("seqera", &["configure", "git"], "").expect(0);
    assert!(told.err().contains("already uses the helper") && told.err().contains("it reaches"), "{told:?}");
    let told = home.run("seqera", &["configure", "docker"], "").expect(0);
    assert!(told.err().contains("already uses the helper") && told.err().contains("it reaches"), "{told:?}");
    configure(&home, &["--undo-all"]);
    assert!(!home.path().join(".gitconfig").exists());
}
