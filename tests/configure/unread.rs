//! What cannot be read at the moment is not forgotten, and an option that a client does not have is refused.

use std::os::unix::fs::symlink;

use super::*;

#[test]
fn what_cannot_be_read_stays_recorded_and_is_taken_back_later() {
    type Spoil = fn(&Path);
    let broken: Spoil = |file| fs::write(file, "[bad\n{").unwrap();
    let folder: Spoil = |file| {
        fs::remove_file(file).unwrap();
        fs::create_dir(file).unwrap();
    };
    let link: Spoil = |file| {
        fs::remove_file(file).unwrap();
        symlink("no/such/folder", file).unwrap();
    };
    for (client, name) in [("git", ".gitconfig"), ("docker", ".docker/config.json")] {
        for (case, spoil) in [("broken", broken), ("a folder", folder), ("a dangling link", link)] {
            let home = home();
            let before = snapshot(&home);
            configure(&home, &[client]);
            let file = home.path().join(name);
            let ours = fs::read(&file).unwrap();
            spoil(&file);
            for undo in [&["configure", client, "--undo"][..], &["configure", "--undo-all"]] {
                let run = home.run("seqera", undo, "");
                assert_ne!(run.code(), 0, "{client}, {case}: {run:?}");
                assert!(run.err().contains("cannot be read"), "{client}, {case}: {run:?}");
            }
            let list = configure(&home, &["--list"]);
            assert!(list.contains("(cannot be read)"), "{client}, {case}: {list}");
            let doctor = home.run("seqera", &["doctor"], "").expect(1);
            let said = doctor.out();
            assert!(said.contains("cannot be read"), "{client}, {case}: {said}");
            assert!(!said.contains("not there any more"), "{client}, {case}: {said}");

            let _ = fs::remove_file(&file).or_else(|_| fs::remove_dir(&file));
            fs::write(&file, ours).unwrap();
            configure(&home, &[client, "--undo"]);
            let mut after = snapshot(&home);
            after.retain(|path, _| !path.starts_with("run"));
            assert_eq!(after, before, "{client}, {case}");
        }
    }
}

/// One client's file does not keep the others from being taken back.
#[test]
fn the_other_clients_are_taken_back() {
    let home = home();
    configure(&home, &["docker"]);
    configure(&home, &["git"]);
    configure(&home, &["containers"]);
    home.write(".gitconfig", "[bad\n");
    let run = home.run("seqera", &["configure", "--undo-all"], "").expect(1);
    assert!(run.err().contains("cannot be read") && run.err().contains(".gitconfig"), "{run:?}");
    assert!(!home.path().join(".docker").exists());
    assert!(!home.bin().join("docker-credential-seqera").exists());
    assert!(home.bin().join("git-credential-seqera").exists(), "git may still look for it");
}

#[test]
fn an_option_that_a_client_does_not_have_is_refused() {
    let home = home();
    let before = snapshot(&home);
    for args in [
        &["docker", "--url", "https://github.com"][..],
        &["git", "--registry", "cr.seqera.io"],
        &["containers", "--registry", "cr.seqera.io"],
        &["nextflow", "--url", "https://github.com"],
        &["docker", "--url", "https://github.com", "--dry-run"],
    ] {
        let run = home.run("seqera", &[&["configure"], args].concat(), "").expect(2);
        let words = format!("{} takes no {}", args[0], args[1]);
        assert!(run.err().contains(&words), "{run:?}");
    }
    assert_eq!(snapshot(&home), before);
}

/// A file that cannot be written leaves nothing half made, and the words say what to do.
#[test]
fn a_file_that_cannot_be_written_is_said_with_what_to_do() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let home = home();
    home.write(".docker/config.json", "{}");
    let before = snapshot(&home);
    let mut mounted = home.command("unshare");
    let script = "mount --bind .docker/config.json .docker/config.json; exec seqera configure docker";
    mounted.args(["--mount", "sh", "-euc", script]).current_dir(home.path());
    let failed = run(mounted, "").expect(1);
    assert!(failed.err().contains("cannot be replaced (device or resource busy); unmount it"), "{failed:?}");
    let mut after = snapshot(&home);
    after.retain(|path, _| !path.starts_with("run"));
    assert_eq!(after, before, "no link is left");
    configure(&home, &["docker", "--undo"]);
}

/// The programs moved, and their links did not come with them, or lead nowhere.
#[test]
fn the_links_of_a_program_that_moved_are_forgotten() {
    for with_link in [false, true] {
        let mut home = home();
        for client in ["git", "docker"] {
            configure(&home, &[client]);
        }
        let moved = home.path().join("moved");
        fs::create_dir(&moved).unwrap();
        for program in ["seqera", "seqera-credential-helper"] {
            fs::rename(home.bin().join(program), moved.join(program)).unwrap();
        }
        for link in ["git-credential-seqera", "docker-credential-seqera"] {
            if !with_link {
                fs::remove_file(home.bin().join(link)).unwrap();
            }
        }
        home.set("PATH", format!("{}:/usr/bin:/bin", moved.display()));
        let seqera = moved.join("seqera").to_str().unwrap().to_owned();
        for client in ["git", "docker"] {
            home.run(&seqera, &["configure", client], "").ok();
        }
        let list = home.run(&seqera, &["configure", "--list"], "").ok();
        assert!(!list.contains("changed since"), "{list}");
        let doctor = home.run(&seqera, &["doctor"], "").out();
        assert!(!doctor.contains("not there any more"), "{doctor}");
        assert!(!home.bin().join("git-credential-seqera").is_symlink());
        home.run(&seqera, &["configure", "--undo-all"], "").ok();
        assert!(!moved.join("git-credential-seqera").exists() && !home.path().join(".gitconfig").exists());
    }
}

#[test]
fn both_spellings_of_a_registry_in_capitals_are_configured() {
    let home = home();
    is_taken_back(&home, &["docker", "--registry", "LOCALHOST:18474"]);
    configure(&home, &["docker", "--registry", "LOCALHOST:18474"]);
    let config = fs::read_to_string(home.path().join(".docker/config.json")).unwrap();
    assert!(config.contains("\"LOCALHOST:18474\": \"seqera\""), "{config}");
    assert!(config.contains("\"localhost:18474\": \"seqera\""), "{config}");
}
