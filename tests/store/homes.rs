//! The homes that people really have: file systems that refuse things, read-only and full disks, strangers above
//! and beside us, root's files, random users, containers.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::process::Command;

use seqera_credential_helper::broker::StoredCredential;
use seqera_credential_helper::os::deadline::Deadline;
use seqera_credential_helper::secret::Secret;
use seqera_credential_helper::session;
use seqera_credential_helper::store::Shelf;
use seqera_credential_helper::target::Target;

use super::*;
use crate::platform::Platform;
use crate::support::session::{Token, logged_in};

/// Somebody who is not root, and somebody else.
const SOMEBODY: u32 = 65534;
const STRANGER: u32 = 54321;

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn login_at(host: &str) -> String {
    format!("{}{}", at(host), answer("u", "p"))
}

fn mode(path: impl AsRef<Path>) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

fn chmod(path: impl AsRef<Path>, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Everything below a folder: path, mode, owner, size.
fn tree(dir: &Path) -> BTreeMap<PathBuf, (u32, u32, u64)> {
    let mut all = BTreeMap::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        let found = fs::symlink_metadata(&folder).unwrap();
        all.insert(folder.clone(), (found.mode(), found.uid(), 0));
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let found = fs::symlink_metadata(&path).unwrap();
            if found.is_dir() {
                folders.push(path);
            } else {
                all.insert(path, (found.mode(), found.uid(), found.len()));
            }
        }
    }
    all
}

/// Gives a home, programs included, to somebody.
fn give(home: &Home, uid: u32) {
    let helper = home.bin().join("seqera-credential-helper");
    fs::remove_file(&helper).unwrap();
    fs::copy(crate::support::helper(), &helper).unwrap();
    for name in ["git-credential-seqera", "docker-credential-seqera"] {
        fs::remove_file(home.bin().join(name)).unwrap();
        symlink("seqera-credential-helper", home.bin().join(name)).unwrap();
    }
    fs::remove_file(home.bin().join("seqera")).unwrap();
    fs::copy(crate::support::seqera(), home.bin().join("seqera")).unwrap();
    for path in tree(home.path()).into_keys() {
        std::os::unix::fs::lchown(path, Some(uid), Some(uid)).unwrap();
    }
}

fn as_user(home: &Home, uid: u32, program: &str, args: &[&str]) -> Command {
    let uid = uid.to_string();
    let mut command = home.command("setpriv");
    command.args(["--reuid", &uid, "--regid", &uid, "--clear-groups", program]).args(args);
    command
}

/// A script in a mount namespace of its own.
fn with_mounts(home: &Home, script: &str) -> Command {
    let mut command = home.command("unshare");
    command.args(["--mount", "sh", "-euc", script]);
    command
}

/// A program whose system calls fail as told.
fn injected(home: &Home, faults: &[&str], words: &[&str]) -> Command {
    let mut command = home.command("strace");
    command.args(["-f", "-qq", "-o", "/dev/null"]);
    for fault in faults {
        command.args(["-e", &format!("inject={fault}")]);
    }
    command.args(words);
    command
}

#[test]
fn a_file_system_that_cannot_sync_link_or_lock_is_good_enough() {
    for faults in [
        &["fsync:error=EINVAL"][..],
        &["fsync:error=ENOSYS"],
        &["renameat2:error=EINVAL", "link,linkat:error=EPERM"],
        &["flock:error=ENOLCK"],
        &["fchmod,chmod,fchmodat:error=EPERM"],
    ] {
        let home = Home::with_file_store();
        for host in ["a.example", "b.example"] {
            let stored = injected(&home, faults, &["git-credential-seqera", "store"]);
            let stored = run(stored, login_at(host)).expect(0);
            assert_eq!(stored.err(), "", "{faults:?}");
        }
        let got = run(injected(&home, faults, &["git-credential-seqera", "get"]), at("a.example"));
        assert_eq!(got.ok(), answer("u", "p"), "{faults:?}");
    }
}

#[test]
fn a_disk_that_fails_is_not_believed() {
    let home = Home::with_file_store();
    keep(&home, "h.example", "u", "old");
    let mut failing = injected(&home, &["fsync:error=EIO"], &["git-credential-seqera", "store"]);
    failing.env("SEQERA_HELPER_TIMEOUT_MS", "5000");
    let new = run(failing, format!("{}{}", at("h.example"), answer("u", "new")));
    // The words are the C library's: glibc has "Input/output", musl "I/O".
    assert!(["input/output error", "i/o error"].iter().any(|words| new.err().contains(words)), "{new:?}");
    refused(new, "cannot be written");
    assert_eq!(git(&home, "get", at("h.example")).ok(), answer("u", "old"));
}

#[test]
fn a_read_only_home_answers_and_git_hears_no_complaint() {
    if !is_root() {
        return;
    }
    let home = Home::with_file_store();
    keep(&home, "h.example", "u", "p");
    keep(&home, "h.example", "v", "q");
    let read_only = |operation: &str| {
        let script = format!(
            "mount --bind . . && cd . && mount -o remount,bind,ro . && cd {} && exec git-credential-seqera {operation}",
            home.path().display()
        );
        with_mounts(&home, &script)
    };
    assert_eq!(run(read_only("get"), at("h.example")).ok(), answer("v", "q"));
    // What git does after each use of a password, of the newest and of another.
    for (user, password) in [("v", "q"), ("u", "p")] {
        let again = run(read_only("store"), format!("{}{}", at("h.example"), answer(user, password)));
        assert_eq!(again.expect(0).err(), "", "{user}");
    }
    assert_eq!(run(read_only("erase"), login_at("other.example")).expect(0).err(), "");
    let erased = run(read_only("erase"), format!("{}{}", at("h.example"), answer("u", "another")));
    assert_eq!(erased.expect(0).err(), "");
    let new = run(read_only("store"), format!("{}{}", at("h.example"), answer("u", "new")));
    assert!(new.err().contains("SEQERA_HELPER_HOME"), "{new:?}");
    refused(new, "read-only file system");
}

#[test]
fn what_is_kept_already_is_not_written_again() {
    let home = Home::with_file_store();
    keep(&home, "h.example", "u", "p");
    let path = the_box(&home, "git+https+h.example");
    let before = fs::metadata(&path).unwrap().ino();
    for _ in 0..2 {
        keep(&home, "h.example", "u", "p");
        assert_eq!(fs::metadata(&path).unwrap().ino(), before);
    }
    keep(&home, "h.example", "u", "new");
    assert_ne!(fs::metadata(the_box(&home, "git+https+h.example")).unwrap().ino(), before);
}

#[test]
fn a_disk_that_is_full_at_first_use_is_said_to_be_full() {
    if !is_root() {
        return;
    }
    let home = Home::with_file_store();
    let platform = Platform::start();
    let login = format!("seqera login --with-token --endpoint {}", platform.api());
    for (call, input) in
        [("git-credential-seqera store", login_at("h.example")), (&*login, platform.personal_token())]
    {
        let script = format!(
            "mkdir -p full; mount -t tmpfs -o size=16k tmpfs full; \
             dd if=/dev/zero of=full/fill bs=1k count=64 2>/dev/null || true; \
             mkdir full/ours; SEQERA_HELPER_HOME=$PWD/full/ours exec {call}"
        );
        let stored = run(with_mounts(&home, &script), input).expect(6);
        assert!(stored.err().contains("no space left") && stored.err().contains("make room"), "{stored:?}");
    }
}

#[test]
fn folders_are_ours_and_closed_whatever_the_umask() {
    if !is_root() {
        return;
    }
    for umask in ["0777", "0000", "0277"] {
        let home = Home::with_file_store();
        give(&home, SOMEBODY);
        for (operation, input) in [
            ("store", login_at("h.example")),
            ("store", login_at("i.example")),
            ("get", at("h.example")),
            ("get", at("i.example")),
        ] {
            let script = format!("umask {umask}; exec git-credential-seqera {operation}");
            run(as_user(&home, SOMEBODY, "sh", &["-c", &script]), input).expect(0);
        }
        for folder in [".local", ".local/share", ".local/share/seqera-credential-helper/store"] {
            assert_eq!(mode(home.path().join(folder)), 0o700, "{umask}: {folder}");
        }
        for file in ["key", "lock"] {
            assert_eq!(mode(store_of(&home).join(file)), 0o600, "{umask}: {file}");
        }
        // What an earlier program left without our access.
        for entry in fs::read_dir(store_of(&home)).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().unwrap().to_str().unwrap().starts_with("lock") {
                chmod(&path, 0);
            }
        }
        run(as_user(&home, SOMEBODY, "git-credential-seqera", &["store"]), login_at("j.example")).expect(0);
    }
}

#[test]
fn a_file_system_that_ignores_modes_keeps_no_secret_unless_the_person_says_so() {
    if !is_root() {
        return;
    }
    let home = Home::with_file_store();
    for perms in ["0777", "0755"] {
        let script = |trust: &str, then: &str| {
            format!(
                "mkdir -p real shown; bindfs --perms={perms} real shown; trap 'umount -l shown' EXIT; \
                 export SEQERA_HELPER_HOME=$PWD/shown {trust}; {then}"
            )
        };
        let stored =
            run(with_mounts(&home, &script("", "git-credential-seqera store")), login_at("h.example"));
        assert!(stored.err().contains("SEQERA_HELPER_TRUST_HOME=1"), "{perms}: {stored:?}");
        refused(stored, "ignores modes");
        let both = script(
            "SEQERA_HELPER_TRUST_HOME=1",
            "git-credential-seqera store; printf 'protocol=https\\nhost=h.example\\n' | git-credential-seqera get",
        );
        assert_eq!(run(with_mounts(&home, &both), login_at("h.example")).ok(), answer("u", "p"), "{perms}");
        fs::remove_dir_all(home.path().join("real")).unwrap();
    }
}

#[test]
fn what_a_stranger_could_replace_is_not_used() {
    if !is_root() {
        return;
    }
    // Everything is below `outer`, which is made to be somebody else's, or open to others.
    type Expose = fn(&Path);
    let cases: [(&str, Expose, &str); 4] = [
        ("open to all", |outer| chmod(outer, 0o777), "chmod go-w"),
        (
            "open to a group",
            |outer| {
                chown(outer, None, Some(STRANGER)).unwrap();
                chmod(outer, 0o770);
            },
            "chmod go-w",
        ),
        ("a stranger's", |outer| chown(outer, Some(STRANGER), None).unwrap(), "belongs to user 54321"),
        (
            "a stranger's, with the sticky bit",
            |outer| {
                chown(outer, Some(STRANGER), None).unwrap();
                chmod(outer, 0o1777);
            },
            "belongs to user 54321",
        ),
    ];
    for (case, expose, words) in cases {
        let mut home = Home::with_file_store();
        let outer = home.path().join("outer");
        fs::create_dir(&outer).unwrap();
        chmod(&outer, 0o755);
        home.set("SEQERA_HELPER_HOME", outer.join("ours"));
        git(&home, "store", login_at("h.example")).ok();
        expose(&outer);
        refused(git(&home, "get", at("h.example")), words);
        refused(git(&home, "store", login_at("i.example")), words);
        home.set("SEQERA_HELPER_TRUST_HOME", "1");
        assert_eq!(git(&home, "get", at("h.example")).ok(), answer("u", "p"), "{case}");
    }
}

#[test]
fn a_shared_folder_where_nobody_can_replace_ours_is_fine() {
    let mut home = Home::with_file_store();
    let outer = home.path().join("outer");
    fs::create_dir(&outer).unwrap();
    chmod(&outer, 0o1777);
    // A home is often reached through a link.
    symlink(&outer, home.path().join("link")).unwrap();
    home.set("SEQERA_HELPER_HOME", home.path().join("link/ours"));
    git(&home, "store", login_at("h.example")).ok();
    assert_eq!(git(&home, "get", at("h.example")).ok(), answer("u", "p"));
    chmod(&outer, 0o777);
    refused(git(&home, "get", at("h.example")), "chmod go-w");
}

#[test]
fn what_others_were_let_into_is_closed_when_it_is_read() {
    let home = Home::with_file_store();
    let platform = Platform::start();
    let login = logged_in(&home, &platform, Token::Fresh);
    let profile = login.paths.state.join("profiles/default.json");
    for path in [&login.paths.store, &login.paths.state, &login.paths.state.join("profiles")] {
        chmod(path, 0o2777);
    }
    chmod(&profile, 0o666);
    home.run("seqera", &["token"], "").ok();
    for path in [&login.paths.store, &login.paths.state, &login.paths.state.join("profiles"), &profile] {
        assert_eq!(mode(path) & 0o022, 0, "{}", path.display());
    }
}

#[test]
fn the_group_bits_of_an_orchestrator_can_be_accepted() {
    let mut home = Home::with_file_store();
    home.set("SEQERA_HELPER_HOME", home.path().join("volume"));
    git(&home, "store", login_at("h.example")).ok();
    let open_all = |home: &Home| {
        for (path, (mode, _, _)) in tree(&home.path().join("volume")) {
            chmod(path, mode & 0o7777 | 0o2060);
        }
    };
    open_all(&home);
    let run = git(&home, "get", at("h.example"));
    assert!(run.err().contains("SEQERA_HELPER_TRUST_HOME=1"), "{run:?}");
    refused(run, "chmod 600");
    home.set("SEQERA_HELPER_TRUST_HOME", "1");
    open_all(&home);
    assert_eq!(git(&home, "get", at("h.example")).ok(), answer("u", "p"));
}

#[test]
fn strangers_files_are_named_with_what_gives_them_back() {
    if !is_root() {
        return;
    }
    let platform = Platform::start();
    for file in ["store", "state/profiles/default.json", "state/profiles", "store/key"] {
        for owner in [0, STRANGER] {
            let mut home = Home::with_file_store();
            let login = logged_in(&home, &platform, Token::Fresh);
            give(&home, SOMEBODY);
            let (folder, rest) = file.split_once('/').unwrap_or((file, ""));
            let base = if folder == "store" { &login.paths.store } else { &login.paths.state };
            let path = base.join(rest);
            let path = if rest.is_empty() { base.clone() } else { path };
            chown(&path, Some(owner), None).unwrap();
            home.set("SEQERA_HELPER_TIMEOUT_MS", "9000");
            let run = run(as_user(&home, SOMEBODY, "seqera", &["token"]), "").expect(6);
            assert!(run.err().contains(&format!("sudo chown -R {SOMEBODY} ")), "{file}: {run:?}");
            let who = if owner == 0 { "belongs to root" } else { "belongs to user 54321" };
            assert!(run.err().contains(who) && run.stdout.is_empty(), "{file}: {run:?}");
        }
    }
}

#[test]
fn root_leaves_nothing_in_somebodys_home() {
    if !is_root() {
        return;
    }
    let home = Home::with_file_store();
    chown(home.path(), Some(SOMEBODY), Some(SOMEBODY)).unwrap();
    let platform = Platform::start();
    let login = format!("seqera login --with-token --endpoint {}", platform.api());
    let somebody = SOMEBODY.to_string();
    for (call, input, code) in
        [("git-credential-seqera store", login_at("h.example"), 6), (&*login, platform.personal_token(), 7)]
    {
        let words: Vec<&str> = call.split(' ').collect();
        let run = home.run(words[0], &words[1..], input).expect(code);
        assert!(run.err().contains("belongs to") && run.err().contains(&somebody), "{run:?}");
        assert!(run.err().contains("SEQERA_HELPER_HOME"), "{run:?}");
        assert!(!home.path().join(".local").exists() && !home.path().join(".config").exists());
    }
    let mut accepted = home.command("git-credential-seqera");
    accepted.arg("store").env("SEQERA_HELPER_TRUST_HOME", "1");
    run(accepted, login_at("h.example")).ok();
    for folder in [".local", ".local/share"] {
        assert_eq!(fs::metadata(home.path().join(folder)).unwrap().uid(), SOMEBODY, "{folder}");
    }
}

#[test]
fn somebody_without_a_home_is_told_of_the_variable() {
    if !is_root() {
        return;
    }
    let (home, platform) = (Home::with_file_store(), Platform::start());
    give(&home, STRANGER);
    let folders = ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"];
    for value in [Some("/"), None, Some("/no-such-home")] {
        for (program, args, input) in [
            ("git-credential-seqera", &["store"][..], login_at("h.example")),
            ("seqera", &["login", "--with-token", "--endpoint", &platform.api()], platform.personal_token()),
        ] {
            let mut command = as_user(&home, STRANGER, program, args);
            for name in folders.into_iter().chain(["HOME"]) {
                command.env_remove(name);
            }
            if let Some(value) = value {
                command.env("HOME", value);
            }
            let run = run(command, input);
            assert!(run.err().contains("SEQERA_HELPER_HOME"), "{value:?}: {run:?}");
            assert!(matches!(run.code(), 1 | 6), "{value:?}: {run:?}");
        }
    }
}

#[test]
fn a_folder_in_use_is_left_as_it_is() {
    let mut home = Home::with_file_store();
    let theirs = home.path().join("project");
    fs::create_dir_all(theirs.join("store/key")).unwrap();
    home.write("project/README.md", "hello");
    home.write("project/store/.new-draft", "precious");
    home.write("project/config.toml", "key = 1");
    chmod(&theirs, 0o755);
    let before = tree(&theirs);
    home.set("SEQERA_HELPER_HOME", &theirs);
    for (program, args) in [
        ("git-credential-seqera", &["store"][..]),
        ("git-credential-seqera", &["get"]),
        ("git-credential-seqera", &["erase"]),
        ("docker-credential-seqera", &["list"]),
        ("seqera", &["status"]),
        ("seqera", &["hook", "bash"]),
        ("seqera", &["prompt"]),
        ("seqera", &["login", "--with-token"]),
    ] {
        let run = home.run(program, args, login_at("h.example"));
        assert!(matches!(run.code(), 0 | 2), "{run:?}");
        let words = format!("{}{}", run.out(), run.err());
        assert!(run.code() == 0 || words.contains("SEQERA_HELPER_HOME"), "{run:?}");
        assert_eq!(tree(&theirs), before, "{run:?}");
    }
    assert_eq!(git(&home, "store", login_at("h.example")).code(), 2);
}

#[test]
fn a_folder_of_its_own_is_known_again() {
    let mut home = Home::with_file_store();
    for name in ["new", "empty", "configured"] {
        let ours = home.path().join(name);
        if name != "new" {
            fs::create_dir(&ours).unwrap();
        }
        if name == "configured" {
            home.write("configured/config.toml", "key_cache = 0\n");
        }
        home.set("SEQERA_HELPER_HOME", &ours);
        git(&home, "store", login_at("h.example")).ok();
        // What the person puts there later does not make it a stranger's.
        home.write(format!("{name}/notes.txt"), "");
        git(&home, "store", login_at("i.example")).ok();
        assert_eq!(git(&home, "get", at("h.example")).ok(), answer("u", "p"), "{name}");
        // The first version left no mark.
        fs::remove_file(ours.join(".seqera-credential-helper")).unwrap();
        assert_eq!(git(&home, "get", at("h.example")).ok(), answer("u", "p"), "{name}");
    }
}

#[test]
fn the_newest_answers_also_after_the_clock_was_set_back() {
    let home = Home::with_file_store();
    keep(&home, "h.example", "old", "p");
    let paths = paths(&home);
    let store = session::store(&paths, Deadline::after(Duration::from_secs(10)));
    let target = Target::new("https", "h.example").unwrap();
    let from_the_future = StoredCredential {
        username: Some(Secret::from("future")),
        password: Some(Secret::from("p")),
        stored_at: u64::MAX / 2,
        ..StoredCredential::default()
    };
    store.put(&Shelf::server("git", &target), &from_the_future.path_and_user(), &from_the_future).unwrap();
    assert_eq!(git(&home, "get", at("h.example")).ok(), answer("future", "p"));
    for user in ["new", "old"] {
        keep(&home, "h.example", user, "q");
        assert_eq!(git(&home, "get", at("h.example")).ok(), answer(user, "q"));
    }
}

#[test]
fn a_runtime_folder_that_others_may_write_does_not_exist() {
    let home = Home::with_file_store();
    let platform = Platform::start();
    let login = logged_in(&home, &platform, Token::Fresh);
    home.run("seqera", &["org", "clear"], "").ok();
    assert!(login.paths.run.join("mark").exists());
    fs::remove_dir_all(&login.paths.run).unwrap();
    for open in [0o1777, 0o777, 0o770] {
        chmod(home.path().join("run"), open);
        let _ = fs::remove_dir_all(login.paths.state.join("run"));
        home.run("seqera", &["org", "clear"], "").ok();
        assert!(!login.paths.run.exists(), "{open:o}");
        assert!(login.paths.state.join("run/mark").exists(), "{open:o}");
    }
}

/// A node of a cluster, a container: the environment came along, the home did not.
#[test]
fn a_token_that_was_exported_elsewhere_serves_where_the_home_is_not() {
    let (mut home, platform) = (Home::with_file_store(), Platform::start());
    let login = logged_in(&home, &platform, Token::Fresh);
    let exported = home.run("seqera", &["env", "--json"], "").ok();
    let exported: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&exported).unwrap();
    let host = platform.api().trim_start_matches("http://").split('/').next().unwrap().to_owned();
    let ask = format!("protocol=http\nhost={host}\n");

    let mut node = Home::with_file_store();
    for (name, value) in &exported {
        if let Some(value) = value.as_str() {
            node.set(name, value);
            home.set(name, value);
        }
    }
    assert_eq!(node.run("seqera", &["token"], "").ok().trim(), login.access, "{exported:?}");
    let got = git(&node, "get", &ask).ok();
    assert!(got.contains(&format!("password={}\n", login.access)), "{got}");
    let script = "echo $TOWER_ACCESS_TOKEN $TOWER_API_ENDPOINT";
    let printed = node.run("seqera", &["exec", "--", "sh", "-c", script], "").ok();
    assert_eq!(printed.trim(), format!("{} {}", login.access, platform.api()));
    // Nothing was made there by looking.
    assert!(!node.path().join(".local").exists());

    // Without any home at all.
    give(&node, STRANGER);
    let mut homeless = as_user(&node, STRANGER, "seqera", &["token"]);
    for name in ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"] {
        homeless.env_remove(name);
    }
    if is_root() {
        assert_eq!(run(homeless, "").ok().trim(), login.access);
    }
    give(&node, rustix::process::geteuid().as_raw());

    // Never to another server, and not after its end.
    let other = git(&node, "get", "protocol=https\nhost=api.cloud.seqera.io\n");
    assert!(!other.out().contains(&login.access), "{other:?}");
    let mut elsewhere = node.command("seqera");
    elsewhere.arg("token").env("TOWER_API_ENDPOINT", "http://127.0.0.1:9");
    run(elsewhere, "").expect(3);
    let mut late = node.command("seqera");
    late.arg("token").env("SEQERA_TOKEN_EXPIRES_AT", "1000000000");
    run(late, "").expect(3);

    // Where the login was, it is gone when the person logs out.
    home.run("seqera", &["logout"], "").ok();
    home.run("seqera", &["token"], "").expect(3);
}

#[test]
fn secrets_are_locked_in_memory_where_that_is_allowed() {
    let home = Home::with_file_store();
    keep(&home, "h.example", "u", "p");
    let calls = home.path().join("calls");
    let mut traced = home.command("strace");
    traced.args(["-f", "-qq", "-e", "trace=mlock,mlock2", "-o"]).arg(&calls);
    traced.args(["git-credential-seqera", "get"]);
    assert_eq!(run(traced, at("h.example")).ok(), answer("u", "p"));
    let calls = fs::read_to_string(calls).unwrap();
    assert!(
        calls.lines().filter(|call| call.contains("mlock") && call.contains("= 0")).count() >= 2,
        "{calls}"
    );
    let refused = injected(&home, &["mlock,mlock2:error=ENOMEM"], &["git-credential-seqera", "get"]);
    assert_eq!(run(refused, at("h.example")).ok(), answer("u", "p"));
}
