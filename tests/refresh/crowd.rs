//! A hundred processes find the token ended at the same moment.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::*;
use crate::support::home::{Run, Running};
use crate::support::session::{Token, logged_in};

const CROWD: usize = 100;

/// `seqera token` and, every fourth, git's helper. `change` dresses each one.
fn crowd(home: &Home, request: &str, change: impl Fn(usize, &mut Command)) -> Vec<Running> {
    (0..CROWD)
        .map(|number| {
            let (mut command, stdin) = match number % 4 {
                0 => (home.command("git-credential-seqera"), request),
                _ => (home.command("seqera"), ""),
            };
            command.arg(if number % 4 == 0 { "get" } else { "token" });
            command.env("SEQERA_HELPER_TIMEOUT_MS", "30000");
            change(number, &mut command);
            start(command, stdin)
        })
        .collect()
}

fn answer(run: Run) -> String {
    let out = run.ok();
    value(&out, "password").unwrap_or(out.trim()).to_owned()
}

/// All end well with one token, which is the stored one, at the cost of one request.
fn one_request_and_one_answer(change: impl Fn(usize, &mut Command)) {
    let (home, platform) = home_and_server();
    let login = logged_in(&home, &platform, Token::Dead);
    let answers: BTreeSet<String> = crowd(&home, &git_get(&platform), change)
        .into_iter()
        .map(|running| answer(running.finish()))
        .collect();
    assert_eq!(refreshes(&platform), 1);
    assert_eq!(answers.into_iter().collect::<Vec<_>>(), [login.stored_access()]);
    assert!(!platform.family_burnt());
}

#[test]
fn a_hundred_processes_refresh_once() {
    one_request_and_one_answer(|_, _| {});
}

#[test]
fn a_hundred_processes_on_two_hosts_without_file_locks_refresh_once() {
    one_request_and_one_answer(|number, command| {
        let host = ["here", "there"][number % 2];
        command.env("SEQERA_TEST_OWNER_FILES", "1");
        command.env("SEQERA_TEST_HOST", host).env("SEQERA_TEST_BOOT_ID", format!("boot of {host}"));
    });
}

/// `make release-check` runs it: it needs the machine for itself.
#[test]
fn a_thousand_callers_half_of_them_killed_refresh_once() {
    let (home, platform) = home_and_server();
    let login = logged_in(&home, &platform, Token::Dead);
    platform.fault_next(1, Endpoint::Token, crate::platform::Fault::SlowAfterwards(Duration::from_secs(2)));
    let request = git_get(&platform);
    let mut crowd: Vec<Running> = (0..10).flat_map(|_| crowd(&home, &request, |_, _| {})).collect();
    for (number, running) in crowd.iter().enumerate() {
        if number % 2 == 0 {
            // Who has its answer already cannot be killed any more.
            let _ = rustix::process::kill_process(running.pid(), rustix::process::Signal::KILL);
        }
    }
    let mut number = 0;
    crowd.retain(|_| {
        number += 1;
        number % 2 == 0
    });
    for running in crowd {
        assert_eq!(answer(running.finish()), login.stored_access());
    }
    assert_eq!((refreshes(&platform), platform.family_burnt()), (1, false));
}

#[test]
fn a_crowd_that_waits_for_a_slow_server_is_answered_right_after_it() {
    let (home, platform) = home_and_server();
    let login = logged_in(&home, &platform, Token::Dead);
    let watch = platform.watch();
    let server = std::thread::spawn(move || {
        let answered = watch.into_iter().find(|request| request.endpoint == Endpoint::Token).unwrap();
        assert_eq!(answered.status, Some(200));
        Instant::now()
    });
    let request = git_get(&platform);
    // While the world is held no request is answered: the server is exactly as slow as the crowd is to gather.
    let crowd = platform.world(|_| {
        let crowd = crowd(&home, &request, |_, _| {});
        std::thread::sleep(Duration::from_millis(500));
        crowd
    });
    let runs: Vec<Run> = crowd.into_iter().map(Running::finish).collect();
    let last = Instant::now();
    let answered = server.join().unwrap();
    for run in runs {
        assert_eq!(answer(run), login.stored_access());
    }
    assert_eq!(refreshes(&platform), 1);
    let behind = last - answered;
    println!("the last of {CROWD} answers came {behind:?} after the server's");
    // `make bench` runs it alone; else other tests run beside it.
    let alone = std::env::var_os("BENCH").is_some();
    assert!(behind < Duration::from_millis(if alone { 300 } else { 1000 }), "{behind:?}");
}

#[test]
fn a_token_that_lives_is_answered_at_once_while_another_process_renews_it() {
    let (home, platform) = home_and_server();
    let login = logged_in(&home, &platform, Token::Ageing);
    let lock = login.paths.store.join("session+default.lock");
    let held = std::fs::File::options().create(true).truncate(false).write(true).open(lock).unwrap();
    held.lock().unwrap();
    let run = ask(&home).expect(0);
    assert_eq!(run.out().trim(), login.access);
    assert!(run.took < Duration::from_secs(5), "{run:?}");
    assert_eq!(refreshes(&platform), 0);
}
