//! The disk refuses after the server has taken the old token back.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::process::Signal;

use super::*;
use crate::support::session::{Login, Token, logged_in};

fn close(dir: &Path) {
    fs::set_permissions(dir, fs::Permissions::from_mode(0o500)).unwrap();
}

fn open(dir: &Path) {
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).unwrap();
}

/// `seqera token` as somebody to whom permissions apply, which they do not to root.
fn token_without_privileges(home: &Home) -> Command {
    let mut command = home.command("setpriv");
    command.args(["--bounding-set=-all", "--inh-caps=-all", "seqera", "token"]);
    command
}

fn rescued(login: &Login) -> bool {
    login.paths.run.join("session+default.rescued").exists()
}

#[test]
fn a_session_that_the_disk_refuses_waits_elsewhere_and_is_taken_home() {
    let (home, platform) = home_and_server();
    let login = logged_in(&home, &platform, Token::Dead);
    let run = ask_with_fault(&home, "box=full").finish().expect(0);
    let place = login.paths.run.join("session+default.rescued");
    assert!(run.err().contains(&format!("it is kept in {}", place.display())), "{run:?}");
    assert!(run.err().contains("no space left"), "{run:?}");
    let token = run.out();
    assert_ne!(token.trim(), login.access);

    // Still full: the token is answered from where it is, and it stays there.
    assert_eq!(ask_with_fault(&home, "box=full").finish().ok(), token);
    assert!(rescued(&login));

    assert_eq!(ask(&home).ok(), token);
    assert!(!rescued(&login));
    assert_eq!(login.stored_access(), token.trim());
    assert_eq!(login.profile().generation, login.stored().generation);
    assert_eq!((refreshes(&platform), platform.family_burnt()), (1, false));
}

#[test]
fn a_session_that_no_disk_takes_is_at_least_answered_and_said_to_be_the_last() {
    let (home, platform) = home_and_server();
    let login = logged_in(&home, &platform, Token::Dead);
    let run = ask_with_fault(&home, "box=full,rescue=full").finish().expect(0);
    assert_ne!(run.out().trim(), login.access);
    assert!(run.err().contains("could not be stored anywhere"), "{run:?}");
    let run = ask(&home).expect(4);
    assert!(run.err().contains("was cut off at") && run.stdout.is_empty(), "{run:?}");
}

/// A backup, or a folder that is synchronised between machines, brings an old box back. Its refresh token was used.
#[test]
fn a_sealed_file_that_came_back_is_named_before_the_server_is_asked() {
    for itself in [false, true] {
        let (home, platform) = home_and_server();
        let login = logged_in(&home, &platform, Token::Dead);
        let shelf = login.paths.store.join("session+default");
        let file = fs::read_dir(&shelf).unwrap().next().unwrap().unwrap().path();
        let old = fs::read(&file).unwrap();
        ask(&home).ok();
        let new = fs::read(&file).unwrap();
        fs::write(&file, old).unwrap();
        for _ in 0..2 {
            let run = if itself { ask_with_fault(&home, "").finish() } else { ask(&home) }.expect(6);
            let words = run.err();
            assert!(words.contains(&format!("{} came back from an earlier time", file.display())), "{words}");
            assert!(words.contains("log in again with: seqera login"), "{words}");
        }
        assert_eq!((refreshes(&platform), platform.family_burnt()), (1, false));
        fs::write(&file, new).unwrap();
        assert_eq!(ask(&home).ok().trim(), login.stored_access());
        // What changes beside the tokens makes no file look old.
        login.sessions().change(&login.profile().name, |profile| profile.workspace = None).unwrap();
        let mut session = login.stored();
        session.access_expires_at = Some(1);
        session.issued_at = 0;
        login.sessions().begin(&mut login.profile(), session).unwrap();
        login.sessions().change(&login.profile().name, |profile| profile.workspace = None).unwrap();
        assert_eq!(ask(&home).ok().trim(), login.stored_access());
    }
}

/// The limit is between the sizes of an intent and of a box. Beyond it the system sends SIGXFSZ, which ends
/// a process that does not expect it.
#[test]
fn a_limit_on_file_sizes_is_a_full_disk_and_not_the_end() {
    let (home, platform) = home_and_server();
    let login = logged_in(&home, &platform, Token::Dead);
    let mut command = home.command("prlimit");
    command.args(["--fsize=1024", "seqera", "token"]);
    let run = run(command, "").expect(0);
    assert_ne!(run.out().trim(), login.access);
    assert!(run.err().contains("could not be stored anywhere"), "{run:?}");
    assert_eq!(refreshes(&platform), 1);
}

#[test]
fn a_store_that_turns_read_only_meanwhile_loses_nothing() {
    let (home, platform) = home_and_server();
    let login = logged_in(&home, &platform, Token::Dead);
    let mut command = token_without_privileges(&home);
    break_itself(&mut command, "intent=stop");
    let running = start(command, "");
    running.until_stopped();
    let shelf = login.paths.store.join("session+default");
    close(&shelf);
    close(&login.paths.store);
    running.signal(Signal::CONT);
    let first = running.finish().expect(0);
    assert!(first.err().contains("permission denied") && first.err().contains("it is kept in"), "{first:?}");

    // Nothing can be locked or written there, and nothing need be: the rescued token lives.
    assert_eq!(run(token_without_privileges(&home), "").ok(), first.out());
    open(&login.paths.store);
    open(&shelf);
    assert_eq!(ask(&home).ok(), first.out());
    assert!(!rescued(&login));
    assert_eq!((refreshes(&platform), platform.family_burnt()), (1, false));
}

#[test]
fn a_read_only_store_asks_no_server_and_answers_the_token_that_lives() {
    let (home, platform) = home_and_server();
    let login = logged_in(&home, &platform, Token::Ageing);
    close(&login.paths.store);
    let answered = run(token_without_privileges(&home), "").expect(0);
    open(&login.paths.store);
    assert_eq!(answered.out().trim(), login.access);
    assert!(answered.err().contains("permission denied"), "{answered:?}");

    let login = logged_in(&home, &platform, Token::Dead);
    // The lock can be taken, the intent cannot be written: the file is there, the folder takes no other.
    ask_with_fault(&home, "locked=kill").finish().expect(128 + 9);
    close(&login.paths.store);
    let refused = run(token_without_privileges(&home), "").expect(6);
    open(&login.paths.store);
    assert!(refused.stdout.is_empty() && refused.err().contains("permission denied"), "{refused:?}");
    assert_eq!(refreshes(&platform), 0);
    ask(&home).ok();
}
