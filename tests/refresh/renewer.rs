//! The renewer is a process of its own: whatever happens to a caller, no login is lost and none is renewed twice.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::*;
use crate::platform::Fault;
use crate::support::home::until;
use crate::support::session::{Login, Token, logged_in};

/// The points that the renewer comes by, in their order.
pub const POINTS: [&str; 10] =
    ["locked", "written", "renamed", "intent", "answered", "box", "profile", "mark", "cleared", "replied"];

/// `seqera token`, with a fault in whichever process comes by it first.
#[track_caller]
pub fn broken(home: &Home, fault: &str) -> Running {
    let mut command = token(home);
    break_at(&mut command, fault);
    start(command, "")
}

fn get_within(home: &Home, platform: &Platform, millis: u64) -> Run {
    let mut get = home.command("git-credential-seqera");
    get.arg("get").env("SEQERA_HELPER_TIMEOUT_MS", millis.to_string());
    run(get, git_get(platform))
}

/// Makes the login's token a dead one, as its time would.
pub fn make_dead(login: &Login) {
    let mut session = login.stored();
    session.issued_at -= 3700;
    session.access_expires_at = session.access_expires_at.map(|end| end - 3700);
    login.sessions().begin(&mut login.profile(), session).unwrap();
}

/// Who wrote the intent that stands.
fn renewer(login: &Login) -> Option<Pid> {
    let intent = fs::read(login.paths.store.join("session+default.intent")).ok()?;
    let intent: serde_json::Value = serde_json::from_slice(&intent).ok()?;
    Pid::from_raw(intent["who"]["pid"].as_i64()? as i32)
}

fn stops(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('T'))
}

#[track_caller]
fn until_renewer_stops(login: &Login) -> Pid {
    until(Duration::from_secs(20), "the renewer stops", || renewer(login).is_some_and(stops));
    renewer(login).unwrap()
}

#[test]
fn a_caller_that_is_killed_or_stopped_before_it_starts_the_renewer_keeps_nobody_out_for_good() {
    for blow in ["kill", "stop"] {
        let (home, platform) = home_and_server();
        let login = logged_in(&home, &platform, Token::Dead);
        let caller = broken(&home, &format!("gate={blow}"));
        if blow == "stop" {
            caller.until_stopped();
            get_within(&home, &platform, 1_000).expect(8);
            caller.signal(Signal::CONT);
            assert_eq!(caller.finish().ok().trim(), login.stored_access());
        } else {
            caller.finish().expect(128 + 9);
        }
        assert_eq!(ask(&home).ok().trim(), login.stored_access());
        assert_eq!((refreshes(&platform), platform.family_burnt()), (1, false));
    }
}

/// The system may kill the renewer itself. The caller tries once more and says how that went.
#[test]
fn a_renewer_that_is_killed_is_made_up_for_or_the_truth_is_said() {
    for point in POINTS {
        let (home, platform) = home_and_server();
        let login = logged_in(&home, &platform, Token::Dead);
        let run = broken(&home, &format!("{point}=kill")).finish();
        if point == "answered" {
            let run = run.expect(4);
            assert!(run.err().contains("was cut off at"), "{run:?}");
            continue;
        }
        assert_eq!(run.ok().trim(), login.stored_access(), "{point}");
        assert_eq!(login.profile().generation, login.stored().generation, "{point}");
        assert_eq!((refreshes(&platform), platform.family_burnt()), (1, false), "{point}");
    }
}

#[test]
fn a_signal_that_asks_the_renewer_to_end_is_not_heard() {
    for point in ["locked", "intent", "answered", "box", "mark"] {
        for how in ["term", "int", "hup"] {
            let (home, platform) = home_and_server();
            let login = logged_in(&home, &platform, Token::Dead);
            assert_eq!(broken(&home, &format!("{point}={how}")).finish().ok().trim(), login.stored_access());
            assert_eq!((refreshes(&platform), platform.family_burnt()), (1, false), "{point}={how}");
        }
    }
}

/// The server rotates, and says so only after the caller has given up.
#[track_caller]
fn answered_after(delay: Duration, callers_time: u64) {
    let (home, platform) = home_and_server();
    let login = logged_in(&home, &platform, Token::Dead);
    platform.fault_next(1, Endpoint::Token, Fault::SlowAfterwards(delay));
    let first = get_within(&home, &platform, callers_time).expect(8);
    assert!(first.stdout.is_empty() && first.err().contains("is being renewed since"), "{first:?}");
    assert!(first.err().contains("goes on by itself"), "{first:?}");
    assert!(first.took < Duration::from_millis(callers_time + 800), "{first:?}");
    until(delay + Duration::from_secs(20), "the new token is there", || {
        login.stored_access() != login.access
    });
    assert_eq!(ask(&home).ok().trim(), login.stored_access());
    assert_eq!((refreshes(&platform), platform.family_burnt()), (1, false));
}

#[test]
fn a_server_that_answers_after_the_caller_s_deadline_loses_no_login() {
    std::thread::scope(|scope| {
        scope.spawn(|| answered_after(Duration::from_secs(1), 500));
        scope.spawn(|| answered_after(Duration::from_secs(3), 2_000));
        scope.spawn(|| answered_after(Duration::from_secs(9), 2_000));
        // Longer than the helper waits where nothing else is said.
        scope.spawn(|| answered_after(Duration::from_millis(10_500), 10_000));
        scope.spawn(|| answered_after(Duration::from_secs(30), 10_000));
        // What else takes half a minute stands here, so that it is waited for once.
        scope.spawn(a_command_in_our_place_has_no_child);
    });
}

#[test]
fn a_token_that_lives_is_answered_when_the_caller_s_time_is_over() {
    let (home, platform) = home_and_server();
    let login = logged_in(&home, &platform, Token::Ageing);
    platform.fault_next(1, Endpoint::Token, Fault::SlowAfterwards(Duration::from_secs(2)));
    let first = get_within(&home, &platform, 700);
    assert_eq!(value(&first.ok(), "password"), Some(&*login.access));
    until(Duration::from_secs(20), "the new token is there", || login.stored_access() != login.access);
}

/// Somebody who reads to the end of a pipe waits for everybody who has it open.
#[test]
fn nobody_waits_for_the_renewer_who_waits_for_the_end_of_the_caller_s_output() {
    let (home, platform) = home_and_server();
    logged_in(&home, &platform, Token::Dead);
    platform.fault_next(1, Endpoint::Token, Fault::SlowAfterwards(Duration::from_secs(20)));
    let mut shell = home.command("bash");
    shell.args(["-c", "out=$( { git-credential-seqera get; echo $?; } 2>&1 7>&1 9>&1 ); echo \"$out\""]);
    shell.env("SEQERA_HELPER_TIMEOUT_MS", "700");
    let run = run(shell, git_get(&platform)).expect(0);
    assert!(run.out().trim().ends_with('8'), "{run:?}");
    assert!(run.took < Duration::from_secs(10), "{run:?}");
}

/// Of a folder in /proc. A session that began outside the PID namespace is 0, our own not excepted.
fn session_and_terminal(proc: &Path) -> (i32, i32) {
    let stat = fs::read_to_string(proc.join("stat")).unwrap();
    let mut fields = stat.rsplit_once(')').unwrap().1.split_whitespace().skip(3).map(|field| field.parse());
    (fields.next().unwrap().unwrap(), fields.next().unwrap().unwrap())
}

#[test]
fn the_renewer_has_nothing_of_its_caller_and_shows_nothing() {
    let (home, platform) = home_and_server();
    let login = logged_in(&home, &platform, Token::Dead);
    let mut command = home.command("sh");
    command.args(["-c", "ulimit -c unlimited && exec seqera token"]);
    break_at(&mut command, "answered=stop");
    let caller = start(command, "");
    let pid = until_renewer_stops(&login);
    let proc = PathBuf::from(format!("/proc/{}", pid.as_raw_nonzero()));
    let (session, terminal) = session_and_terminal(&proc);
    assert_ne!(session, session_and_terminal(Path::new("/proc/self")).0);
    assert_eq!(terminal, 0, "no terminal");
    let line = fs::read(proc.join("cmdline")).unwrap();
    let environment = fs::read(proc.join("environ")).unwrap_or_default();
    for secret in platform.issued_secrets() {
        let holds = |bytes: &[u8]| bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!holds(&line) && !holds(&environment));
    }
    // Two pipes, the lock, and what speaks to the server.
    for fd in fs::read_dir(proc.join("fd")).into_iter().flatten() {
        let target = fs::read_link(fd.unwrap().path()).unwrap().to_string_lossy().into_owned();
        let known = ["pipe:", "socket:", "anon_inode:"].iter().any(|kind| target.starts_with(kind));
        assert!(known || target.ends_with("session+default.lock"), "{target}");
    }
    kill_process(pid, Signal::ABORT).unwrap();
    kill_process(pid, Signal::CONT).unwrap();
    caller.finish();
    let names = fs::read_dir("/").unwrap().chain(fs::read_dir(home.path()).unwrap());
    let names = names.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    assert!(!names.filter(|name| name.starts_with("core")).any(|_| true));
}

/// A container or a job is frozen as a whole. What has arrived meanwhile is read before the time is over.
#[test]
fn a_renewer_that_was_stopped_beyond_its_time_reads_what_has_arrived() {
    let (home, platform) = home_and_server();
    let login = logged_in(&home, &platform, Token::Dead);
    platform.fault_next(1, Endpoint::Token, Fault::SlowAfterwards(Duration::from_secs(1)));
    let mut command = token(&home);
    command.env("SEQERA_TEST_RENEWER_MS", "4500");
    let caller = start(command, "");
    until(Duration::from_secs(20), "the server is asked", || refreshes(&platform) == 1);
    let pid = renewer(&login).unwrap();
    kill_process(pid, Signal::STOP).unwrap();
    until(Duration::from_secs(5), "it stops", || stops(pid));
    std::thread::sleep(Duration::from_millis(5_500));
    kill_process(pid, Signal::CONT).unwrap();
    let token = caller.finish().ok();
    assert_eq!(token.trim(), login.stored_access());
    assert_eq!((refreshes(&platform), platform.family_burnt()), (1, false));
}

#[test]
fn where_no_process_can_be_started_the_caller_does_it_and_says_so() {
    let (mut home, platform) = home_and_server();
    let login = logged_in(&home, &platform, Token::Dead);
    home.set("SEQERA_HELPER_LOG", "info");
    let run = ask_with_fault(&home, "").finish().expect(0);
    assert_eq!(run.out().trim(), login.stored_access());
    assert!(run.err().contains("renews the login default itself"), "{run:?}");
    make_dead(&login);
    let run = ask(&home).expect(0);
    assert!(!run.err().contains("itself"), "{run:?}");
}

#[test]
fn a_trace_tells_what_the_renewer_does() {
    let (mut home, platform) = home_and_server();
    logged_in(&home, &platform, Token::Dead);
    home.set("SEQERA_HELPER_LOG", "debug");
    let run = ask(&home).expect(0);
    assert!(run.err().contains("for a new token of default"), "{run:?}");
}

/// An update replaces the program while it runs.
#[test]
fn a_program_whose_file_is_gone_starts_its_renewer_all_the_same() {
    let (home, platform) = home_and_server();
    let login = logged_in(&home, &platform, Token::Dead);
    let copy = home.path().join("copy");
    fs::copy(fs::canonicalize(home.bin().join("seqera")).unwrap(), &copy).unwrap();
    let mut command = home.command(&copy);
    command.arg("token");
    break_at(&mut command, "gate=stop");
    let caller = start(command, "");
    caller.until_stopped();
    fs::remove_file(&copy).unwrap();
    fs::write(&copy, "another program").unwrap();
    caller.signal(Signal::CONT);
    assert_eq!(caller.finish().ok().trim(), login.stored_access());
}

/// A program that waits for its children must not find one that it did not start.
fn a_command_in_our_place_has_no_child() {
    let (home, platform) = home_and_server();
    let login = logged_in(&home, &platform, Token::Ageing);
    platform.fault_next(1, Endpoint::Token, Fault::SlowAfterwards(Duration::from_secs(33)));
    let began = Instant::now();
    let print = "read children < /proc/$$/task/$$/children; echo \"[$children] $TOWER_ACCESS_TOKEN\"";
    let children = home.run("seqera", &["exec", "--", "sh", "-c", print], "").ok();
    assert!(children.starts_with("[] "), "{children}");
    assert!(children.contains(&login.access), "after {:?}: {children}", began.elapsed());
}

#[test]
fn each_door_has_the_login_renewed_by_a_process_of_its_own() {
    let (home, platform) = home_and_server();
    let login = logged_in(&home, &platform, Token::Dead);
    let request = git_get(&platform);
    let doors: [(&str, &[&str], &str); 4] = [
        ("git-credential-seqera", &["get"], &request),
        ("docker-credential-seqera", &["get"], &platform.url()),
        ("seqera", &["env", "--shell", "bash"], ""),
        ("seqera", &["exec", "--", "sh", "-c", "echo $TOWER_ACCESS_TOKEN"], ""),
    ];
    for (round, (program, args, stdin)) in doors.into_iter().enumerate() {
        let mut command = home.command(program);
        command.args(args);
        // The point is the renewer's: it is killed there, and another one makes up for it.
        break_at(&mut command, "locked=kill");
        command.env("SEQERA_HELPER_LOG", "info");
        let run = run(command, stdin).expect(0);
        assert!(run.out().contains(&login.stored_access()), "{args:?}: {run:?}");
        assert!(run.err().contains("ended without a word"), "{args:?}: {run:?}");
        assert_eq!(refreshes(&platform), round + 1, "{args:?}");
        make_dead(&login);
    }
}

/// What no disk takes is at least answered to whoever asked.
#[test]
fn a_session_that_no_disk_takes_comes_through_the_pipe() {
    let (home, platform) = home_and_server();
    let login = logged_in(&home, &platform, Token::Dead);
    let run = broken(&home, "box=full").finish().expect(0);
    assert!(run.err().contains("it is kept in") && run.out().trim() != login.access, "{run:?}");
    assert_eq!(ask(&home).ok(), run.out());

    make_dead(&login);
    let run = broken(&home, "box=full,rescue=full").finish().expect(0);
    assert!(run.err().contains("could not be stored anywhere"), "{run:?}");
    assert!(platform.issued_secrets().contains(&run.out().trim().to_owned()));
}
