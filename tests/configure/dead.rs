//! What is configured works: from a folder of any name, for every spelling of a registry, whatever else stands in the
//! client's configuration; and where it does not, that is said.

use super::*;

/// A home whose programs are in `folder` below it, and nowhere on its `PATH`.
fn installed_in(folder: &str) -> (Home, PathBuf) {
    let home = home();
    let bin = home.path().join(folder);
    fs::create_dir_all(&bin).unwrap();
    for name in ["seqera", "seqera-credential-helper"] {
        fs::rename(home.bin().join(name), bin.join(name)).unwrap();
    }
    (home, bin)
}

fn seqera(home: &Home, bin: &Path, args: &[&str]) -> crate::support::home::Run {
    let mut command = home.command(bin.join("seqera"));
    command.args(args);
    run(command, "")
}

#[test]
fn git_runs_the_helper_from_a_folder_of_any_name() {
    for folder in
        ["a b", "bücher", "it's", "say \"x\"", "$HOME", "a\\b", "a;b&c", "(x)", "*", "~", "#1", "a=b", "!x"]
    {
        let (home, bin) = installed_in(folder);
        let told = seqera(&home, &bin, &["configure", "git"]).expect(0);
        assert!(told.err().contains("Asked git itself: it reaches the helper"), "{folder}: {told:?}");
        for git in [gits::current(), gits::distribution()] {
            let git = git.to_str().unwrap();
            let login = "protocol=https\nhost=h.example\nusername=alice\npassword=pw\n";
            home.run(git, &["credential", "approve"], login).ok();
            let filled = home.run(git, &["credential", "fill"], "protocol=https\nhost=h.example\n").ok();
            assert!(filled.contains("password=pw\n"), "{folder}: {filled}");
            home.run(git, &["credential", "reject"], login).ok();
        }
        seqera(&home, &bin, &["configure", "git", "--undo"]).expect(0);
        assert!(!home.path().join(".gitconfig").exists() && !bin.join("git-credential-seqera").exists());
    }
}

/// docker looks a registry up under one name, and keeps a password in the clear where it finds no helper.
#[test]
fn every_spelling_of_a_registry_keeps_its_password_out_of_docker_s_configuration() {
    let registry = Registry::start(&[("alice", "correct horse")]);
    let host = registry.host();
    for spelling in [format!("https://{host}"), format!("http://{host}/"), format!("{host}/team/image")] {
        let home = home();
        let told = home.run("seqera", &["configure", "docker", "--registry", &spelling], "").expect(0);
        assert!(told.err().contains("Asked docker itself: it reaches the helper"), "{told:?}");
        home.run("docker", &["login", "--username=alice", "--password-stdin", host], "correct horse").ok();
        let config = fs::read_to_string(home.path().join(".docker/config.json")).unwrap();
        assert!(!config.contains("\"auth\""), "{spelling}: {config}");
        assert!(home.run("docker-credential-seqera", &["list"], "").ok().contains("alice"));
        configure(&home, &["docker", "--registry", host]);
        assert_eq!(configure(&home, &["--list"]).matches("credHelpers").count(), 1, "one key");
    }
    for hub in ["docker.io", "index.docker.io", "https://index.docker.io/v1/", "registry-1.docker.io"] {
        let home = home();
        configure(&home, &["docker", "--registry", hub]);
        let config = fs::read_to_string(home.path().join(".docker/config.json")).unwrap();
        assert!(config.contains("\"https://index.docker.io/v1/\": \"seqera\""), "{hub}: {config}");
    }
}

#[test]
fn an_included_file_that_resets_the_list_is_noticed() {
    let home = home();
    home.write(".gitconfig", "[credential]\n\thelper = cache\n[include]\n\tpath = more\n");
    let more = home.write("more", "[credential]\n\thelper =\n\thelper = store\n");
    for _ in 0..2 {
        let run = home.run("seqera", &["configure", "git"], "").expect(1);
        let err = run.err();
        assert!(err.contains("does not reach the helper") && err.contains(more.to_str().unwrap()), "{run:?}");
        assert!(err.contains("resets the list"), "{run:?}");
    }
    fs::remove_file(more).unwrap();
    configure(&home, &["git"]);
}

/// One that is for some servers only is found where there is something for such a server, and else in nobody's way.
#[test]
fn an_empty_value_for_some_servers_is_found_for_every_server_that_is_known() {
    let stored = "protocol=https\nhost=git.known.example\nusername=alice\npassword=pw\n";
    for (scope, seen) in [
        ("https://git.known.example", true),
        ("https://*.known.example", true),
        ("git.known.example", true),
        ("https://git.known.example/org", true),
        ("https://bob@git.known.example", true),
        ("https://", true),
        ("https://api.cloud.seqera.io", false),
        ("https://other.example", false),
        ("http://git.known.example", false),
    ] {
        let home = home();
        home.run("seqera-credential-helper", &["git", "store"], stored).ok();
        let file = home.write(".gitconfig", "[include]\n\tpath = more\n");
        home.write("more", "");
        configure(&home, &["git"]);
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, format!("{text}[credential \"{scope}\"]\n\thelper =\n\thelper = store\n")).unwrap();
        for command in [&["configure", "git"][..], &["doctor", "--quiet"]] {
            let run = home.run("seqera", command, "");
            let said = run.out() + &run.err();
            let is_seen = said.contains("does not reach the helper")
                && said.contains(&format!("[credential \"{scope}\"]"));
            assert_eq!(is_seen, seen, "{scope}: {run:?}");
            assert_eq!(run.code(), if seen { 1 } else { 0 }, "{scope}: {run:?}");
        }
        // One of ours behind it puts that right.
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, format!("{text}\thelper = seqera\n")).unwrap();
        configure(&home, &["git"]);
    }
}

/// An international name cannot be read out of the store, and is found all the same.
#[test]
fn an_empty_value_for_an_international_host_is_found() {
    let home = home();
    let stored = "protocol=https\nhost=münchen.example\nusername=alice\npassword=pw\n";
    configure(&home, &["git"]);
    home.run("git", &["credential", "approve"], stored).ok();
    let file = home.path().join(".gitconfig");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{text}[credential \"https://münchen.example\"]\n\thelper =\n")).unwrap();
    let run = home.run("seqera", &["configure", "git"], "").expect(1);
    assert!(run.err().contains("for https://münchen.example: an empty 'helper ='"), "{run:?}");
}

#[test]
fn an_empty_value_in_the_environment_is_named() {
    let mut home = home();
    for (name, value) in
        [("GIT_CONFIG_COUNT", "1"), ("GIT_CONFIG_KEY_0", "credential.helper"), ("GIT_CONFIG_VALUE_0", "")]
    {
        home.set(name, value);
    }
    let run = home.run("seqera", &["configure", "git"], "").expect(1);
    assert!(run.err().contains("an empty 'helper =' in the environment (GIT_CONFIG_COUNT"), "{run:?}");
}

#[test]
fn a_helper_that_answers_first_does_not_answer_our_question() {
    let home = home();
    home.script("git-credential-first", "#!/bin/sh\necho username=theirs\necho password=theirs\n");
    home.write(".gitconfig", "[credential]\n\thelper = first\n");
    let run = home.run("seqera", &["configure", "git"], "").expect(1);
    assert!(run.err().contains("another helper answered first"), "{run:?}");
    assert!(!run.err().contains("theirs"), "{run:?}");
}

#[test]
fn git_has_one_line_of_ours_whoever_configures_from_where() {
    let before = "[credential]\n  helper=seqera\n\thelper = cache\n[user]\n\tname = x";
    let (home, first) = installed_in("first");
    let second = home.path().join("second");
    fs::create_dir(&second).unwrap();
    for name in ["seqera", "seqera-credential-helper"] {
        fs::copy(first.join(name), second.join(name)).unwrap();
    }
    let file = home.write(".gitconfig", before);
    for bin in [&first, &second, &first, &first] {
        seqera(&home, bin, &["configure", "git"]).expect(0);
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(text.matches("git-credential-seqera").count(), 1, "{text}");
        assert!(!text.contains("helper=seqera"), "{text}");
        assert!(text.contains(&format!("helper = {}/git-credential-seqera\n", bin.display())), "{text}");
    }
    seqera(&home, &first, &["configure", "git", "--undo"]).expect(0);
    assert_eq!(fs::read_to_string(&file).unwrap(), before);
}

#[test]
fn docker_takes_the_last_of_two_keys_and_so_do_we() {
    let home = home();
    let before = "{\"credsStore\": \"seqera\", \"auths\": {}, \"credsStore\": \"pass\"}";
    let file = home.write(".docker/config.json", before);
    configure(&home, &["docker"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), before.replace("pass", "seqera"));
    configure(&home, &["docker", "--undo"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), before);
}

#[test]
fn logins_that_docker_no_longer_looks_at_are_named() {
    let home = home();
    home.write(
        ".docker/config.json",
        r#"{"auths": {"r.example": {"auth": "eDp5"}, "s.example": {}, "gcr.io": {}}, "credHelpers": {"gcr.io": "gcloud"}}"#,
    );
    let run = home.run("seqera", &["configure", "docker"], "").expect(0);
    assert!(
        run.err().contains("no longer looks at the logins that it has for r.example, s.example"),
        "{run:?}"
    );
    let again = home.run("seqera", &["configure", "docker"], "").expect(0);
    assert!(!again.err().contains("no longer"), "{again:?}");
}

#[test]
fn urls_that_git_knows_are_taken_as_git_knows_them() {
    for (url, asked, user) in [
        ("https://*.example.com", "protocol=https\nhost=git.example.com\n", "alice"),
        ("https://münchen.example", "protocol=https\nhost=münchen.example\n", "alice"),
        ("https://me@h.example", "protocol=https\nhost=h.example\nusername=me\n", "me"),
        ("https://h.example/org", "protocol=https\nhost=h.example\npath=org/x.git\n", "alice"),
    ] {
        let home = home();
        let told = home.run("seqera", &["configure", "git", "--url", url], "").expect(0);
        assert!(told.err().contains("it reaches the helper"), "{url}: {told:?}");
        let with_user =
            if asked.contains("username") { asked.to_owned() } else { format!("{asked}username={user}\n") };
        home.run("git", &["credential", "approve"], format!("{with_user}password=pw\n")).ok();
        assert!(home.run("git", &["credential", "fill"], asked).ok().contains("password=pw\n"), "{url}");
        let other = "protocol=https\nhost=other.example\nusername=alice\npassword=pw\n";
        home.run("git", &["credential", "approve"], other).ok();
        home.run("git", &["credential", "fill"], other.replace("password=pw\n", "")).expect(128);
    }
    for bad in ["github.com", "https://me:pw@h.example", "https://", "https://h.example\nx"] {
        home().run("seqera", &["configure", "git", "--url", bad], "").expect(2);
    }
}

/// Somebody else's folder may be the current one, or stand on `PATH` as a dot.
#[test]
fn nothing_is_run_from_the_current_folder() {
    let home = home();
    let folder = home.path().join("theirs");
    fs::create_dir(&folder).unwrap();
    for name in ["git", "docker", "skopeo", "docker-credential-seqera"] {
        home.write(Path::new("theirs").join(name), "#!/bin/sh\ntouch \"$HOME/they-ran\"\n");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(folder.join(name), mode).unwrap();
    }
    for start in ["", ".", "./", "../theirs"] {
        for client in ["git", "docker", "containers"] {
            let mut command = home.command("seqera");
            let path = std::env::join_paths([PathBuf::from(start), home.bin()]).unwrap();
            let machine = std::env::var_os("PATH").unwrap();
            let path = [path, machine].join(std::ffi::OsStr::new(":"));
            command.args(["configure", client]).env("PATH", path).current_dir(&folder);
            run(command, "").expect(0);
            configure(&home, &[client, "--undo"]);
        }
    }
    assert!(!home.path().join("they-ran").exists());
}

/// The programs that we ask have no use for a token.
#[test]
fn no_token_is_in_the_environment_of_a_client_that_is_asked() {
    let mut home = home();
    for name in [
        "SEQERA_ACCESS_TOKEN",
        "SEQERA_TOKEN",
        "TOWER_ACCESS_TOKEN",
        "SEKUIRE_API_KEY",
        "TOWER_REFRESH_TOKEN",
    ] {
        home.set(name, "secret-token");
    }
    let real = gits::current();
    home.script("git", &format!("#!/bin/sh\nenv >>\"$HOME/seen\"\nexec {} \"$@\"\n", real.display()));
    configure(&home, &["git"]);
    let seen = fs::read_to_string(home.path().join("seen")).unwrap();
    assert!(seen.contains("PATH=") && !seen.contains("secret-token"), "{seen}");
}

#[test]
fn a_git_that_hangs_is_not_waited_for() {
    let mut home = home();
    home.set("SEQERA_HELPER_TIMEOUT_MS", "300");
    home.write(".gitconfig", "[user]\n\tname = x\n");
    home.script("git", "#!/bin/sh\nexec sleep 600\n");
    let run = home.run("seqera", &["configure", "git"], "").expect(8);
    assert!(run.err().contains("git did not end in time"), "{run:?}");
    assert!(configured(&home).is_empty());
}
