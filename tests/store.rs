//! The sealed store: under many processes at once, under processes that die, and when what it finds is not as it
//! was left.

mod bad_box;
mod bound;
mod damage;
mod homes;
mod key;
mod moving;
mod steps;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::support::home::{Home, Run, run};
use crate::support::session::paths;

fn git(home: &Home, operation: &str, input: impl AsRef<[u8]>) -> Run {
    home.run("git-credential-seqera", &[operation], input)
}

fn docker(home: &Home, operation: &str, input: impl AsRef<[u8]>) -> Run {
    home.run("docker-credential-seqera", &[operation], input)
}

fn at(host: &str) -> String {
    format!("protocol=https\nhost={host}\n")
}

fn keep(home: &Home, host: &str, user: &str, password: &str) {
    git(home, "store", format!("{}username={user}\npassword={password}\n", at(host))).ok();
}

fn answer(user: &str, password: &str) -> String {
    format!("username={user}\npassword={password}\n")
}

fn store_of(home: &Home) -> PathBuf {
    paths(home).store
}

/// The one box on a shelf.
fn the_box(home: &Home, shelf: &str) -> PathBuf {
    let mut files = names(&store_of(home).join(shelf));
    assert_eq!(files.len(), 1, "{files:?}");
    store_of(home).join(shelf).join(files.remove(0))
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A refusal by the store: its exit code, one line of words, nothing on standard output.
#[track_caller]
fn refused(run: Run, words: &str) {
    let run = run.expect(6);
    assert!(run.stdout.is_empty() && run.err().lines().count() == 1 && run.err().contains(words), "{run:?}");
}

/// Time enough for a crowd on a small machine.
fn patient_home() -> Home {
    let mut home = Home::with_file_store();
    home.set("SEQERA_HELPER_TIMEOUT_MS", "50000");
    home
}

fn request(user: &str) -> String {
    format!("protocol=https\nhost=example.com\nusername={user}\n")
}

fn login(user: &str, password: &str) -> String {
    format!("{}password={password}\n", request(user))
}

/// The password the store has for alice, if any.
#[track_caller]
fn password(home: &Home) -> Option<String> {
    let answer = git(home, "get", request("alice")).ok();
    let password = answer.lines().find_map(|line| line.strip_prefix("password="))?;
    assert_eq!(answer, login("alice", password).split_once("example.com\n").unwrap().1, "a whole answer");
    Some(password.to_owned())
}

/// A password that shows it when a part of it is missing, and which one it is.
fn numbered(number: usize) -> String {
    format!("{number:04}").repeat(500)
}

#[test]
fn sixty_four_writers_and_sixty_four_readers_lose_nothing() {
    let home = patient_home();
    git(&home, "store", login("alice", "kept")).ok();
    std::thread::scope(|scope| {
        for number in 0..64 {
            let home = &home;
            scope.spawn(move || git(home, "store", login(&format!("user{number}"), &numbered(number))).ok());
            scope.spawn(move || assert_eq!(password(home).as_deref(), Some("kept")));
        }
    });
    for number in 0..64 {
        let answer = git(&home, "get", request(&format!("user{number}"))).ok();
        assert!(answer.ends_with(&format!("password={}\n", numbered(number))), "user{number}: {answer}");
    }
}

#[test]
fn sixty_four_first_writers_agree_on_one_key() {
    let home = patient_home();
    std::thread::scope(|scope| {
        for number in 0..64 {
            let home = &home;
            scope.spawn(move || git(home, "store", login(&format!("user{number}"), "password")).ok());
        }
    });
    for number in 0..64 {
        assert!(git(&home, "get", request(&format!("user{number}"))).ok().contains("password=password\n"));
    }
}

#[test]
fn a_reader_never_waits_for_a_writers_lock() {
    let mut home = Home::with_file_store();
    git(&home, "store", login("alice", "kept")).ok();
    let lock = File::options().read(true).write(true).open(store_of(&home).join("lock")).unwrap();
    lock.lock().unwrap();
    let read = git(&home, "get", request("alice")).expect(0);
    assert!(read.took < Duration::from_secs(2), "{read:?}");
    assert!(read.out().contains("password=kept\n"));

    home.set("SEQERA_HELPER_TIMEOUT_MS", "300");
    let write = git(&home, "store", login("alice", "new")).expect(8);
    assert!(write.took < Duration::from_secs(3) && write.err().lines().count() == 1, "{write:?}");
    drop(lock);
    git(&home, "store", login("alice", "new")).ok();
    assert_eq!(password(&home).as_deref(), Some("new"));
}

/// Starts a store and kills it after `delay`. Until it is waited for it is dead but still has its number, as
/// everything that dies in a container whose first process buries nobody.
fn store_and_die(home: &Home, input: &str, delay: Duration) -> Child {
    let mut command = home.command("git-credential-seqera");
    command.arg("store").stdin(home_file(home, input)).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    std::thread::sleep(delay);
    let _ = child.kill();
    child
}

fn home_file(home: &Home, content: &str) -> File {
    File::open(home.write("input", content)).unwrap()
}

/// Kills stores at moments spread over the time a store takes, and checks after each that there is the old
/// password or the new one, and that the next store works.
fn die_at_any_moment(home: &Home) {
    let started = Instant::now();
    git(home, "store", login("alice", &numbered(0))).ok();
    let whole = started.elapsed();
    let (moments, mut old, mut dead) = (60, numbered(0), Vec::new());
    for moment in 1..=moments {
        let new = numbered(moment);
        dead.push(store_and_die(home, &login("alice", &new), whole * moment as u32 / moments as u32));
        let found = password(home).expect("a killed store takes nothing away");
        assert!(found == old || found == new, "neither the old nor the new: {found}");
        old = found;
    }
    git(home, "store", login("alice", "after")).ok();
    assert_eq!(password(home).as_deref(), Some("after"));
    // What the killed ones left is gone.
    let shelf = store_of(home).join("git+https+example.com");
    assert_eq!(fs::read_dir(shelf).unwrap().count(), 1);
    for mut child in dead {
        child.wait().unwrap();
    }
}

#[test]
fn a_store_killed_at_any_moment_leaves_the_old_or_the_new() {
    die_at_any_moment(&Home::with_file_store());
}

#[test]
fn a_stale_lock_heals_itself_where_the_file_system_cannot_lock() {
    let mut home = Home::with_file_store();
    home.set("SEQERA_TEST_OWNER_FILES", "1");
    die_at_any_moment(&home);
}

#[test]
fn a_first_store_killed_at_any_moment_can_be_done_again() {
    let whole = git(&Home::with_file_store(), "store", login("alice", "first")).expect(0).took;
    let moments = 30;
    for moment in 1..=moments {
        let home = Home::with_file_store();
        let mut dead = store_and_die(&home, &login("alice", "first"), whole * moment / moments);
        assert!(matches!(password(&home).as_deref(), None | Some("first")));
        git(&home, "store", login("alice", "second")).ok();
        assert_eq!(password(&home).as_deref(), Some("second"));
        dead.wait().unwrap();
    }
}

#[test]
fn what_is_stored_is_private_and_in_no_file_to_be_read() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::with_file_store();
    git(&home, "store", login("alice", "wonderland")).ok();
    let mut folders = vec![home.path().join(".local/share/seqera-credential-helper")];
    while let Some(folder) = folders.pop() {
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700, "{folder:?}");
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{path:?}");
            let content = fs::read(&path).unwrap();
            for secret in ["wonderland", "alice"] {
                assert!(!content.windows(secret.len()).any(|window| window == secret.as_bytes()), "{path:?}");
            }
        }
    }
}
