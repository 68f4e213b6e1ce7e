//! Whatever happens to a caller, at any point of the transaction: 500 times, and no login is lost.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::renewer::{POINTS, broken, make_dead};
use super::*;
use crate::support::home::until;
use crate::support::session::{Login, Token, logged_in};

/// What happens to a caller while its renewer is at a point.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Blow {
    Killed,
    GroupKilled,
    HungUp,
    /// The other end of its terminal is closed, as when a window or a connection is.
    TerminalClosed,
    /// Its own time is over.
    TooLate,
    /// Stopped for longer than it or the renewer may take, and continued.
    Stopped,
}

/// How often each is done at each point. Who is stopped is stopped for seconds.
const ROUNDS: [(Blow, usize); 6] = [
    (Blow::Killed, 14),
    (Blow::GroupKilled, 9),
    (Blow::HungUp, 9),
    (Blow::TerminalClosed, 7),
    (Blow::TooLate, 7),
    (Blow::Stopped, 4),
];

/// What the renewer may take where its caller is stopped; usually two minutes.
const RENEWER: Duration = Duration::from_millis(5_000);

/// A terminal whose other end is closed as soon as the file is there that is named first.
const TERMINAL: &str = "import os, pty, sys, time\n\
    caller, terminal = pty.fork()\n\
    if caller == 0: os.execvp(sys.argv[2], sys.argv[2:])\n\
    end = time.monotonic() + 30\n\
    while not os.path.exists(sys.argv[1]):\n\
    \x20   if time.monotonic() > end or os.waitid(os.P_PID, caller, os.WEXITED | os.WNOHANG | os.WNOWAIT): break\n\
    \x20   time.sleep(0.002)\n\
    os.close(terminal)\n\
    print(os.waitstatus_to_exitcode(os.waitpid(caller, 0)[1]))";

#[test]
fn whatever_happens_to_a_caller_at_any_point_the_login_is_renewed_once() {
    let rounds: usize = ROUNDS.iter().map(|(_, rounds)| rounds * POINTS.len()).sum();
    assert!(rounds >= 500, "{rounds}");
    std::thread::scope(|scope| {
        for (blow, rounds) in ROUNDS {
            // Each in a home of its own; who waits for time to pass waits beside the others.
            let groups: Vec<&[&str]> = match blow {
                Blow::Stopped => POINTS.chunks(1).collect(),
                Blow::TooLate => POINTS.chunks(5).collect(),
                _ => vec![&POINTS[..]],
            };
            for points in groups {
                scope.spawn(move || {
                    let (home, platform) = home_and_server();
                    let login = logged_in(&home, &platform, Token::Dead);
                    for round in 0..rounds * points.len() {
                        let point = points[round % points.len()];
                        strike(blow, point, round, &home, &platform, &login);
                    }
                });
            }
        }
    });
}

/// One caller meets it while its renewer is at `point`; the next caller has the new token.
#[track_caller]
fn strike(blow: Blow, point: &str, round: usize, home: &Home, platform: &Platform, login: &Login) {
    let before = login.stored_access();
    // Whether the caller can have its answer already.
    let is_late = point == "replied";
    let case = format!("{blow:?} at {point}, round {round}");
    let next = match blow {
        Blow::Killed => dies(Signal::KILL, broken(home, &format!("{point}=caller-kill")), is_late, &case),
        Blow::GroupKilled => dies(Signal::KILL, broken(home, &format!("{point}=group-kill")), is_late, &case),
        Blow::HungUp => dies(Signal::HUP, broken(home, &format!("{point}=group-hup")), is_late, &case),
        Blow::TerminalClosed => {
            let reached = home.path().join("reached");
            let mut terminal = home.command("python3");
            terminal.args(["-c", TERMINAL]).arg(&reached).args(["seqera", "token"]);
            break_at(&mut terminal, &format!("{point}=caller-gone"));
            terminal.env("SEQERA_TEST_FAULT_REACHED", &reached);
            let code = run(terminal, "").ok();
            let _ = std::fs::remove_file(&reached);
            assert!(code.trim() == "-1" || (is_late && code.trim() == "0"), "{case}: {code}");
            None
        }
        Blow::TooLate => {
            let caller = get(home, 300, &format!("{point}=caller-gone"));
            let caller = run(caller, git_get(platform));
            // Who finds the new token in the store when its time is over answers that.
            let is_stored = ["box", "profile", "mark", "cleared", "replied"].contains(&point);
            assert!(caller.code() == 8 || (is_stored && caller.code() == 0), "{case}: {caller:?}");
            None
        }
        Blow::Stopped => {
            let mut caller = get(home, 500, &format!("{point}=caller-stop"));
            caller.env("SEQERA_TEST_RENEWER_MS", RENEWER.as_millis().to_string());
            let began = Instant::now();
            let caller = start(caller, git_get(platform));
            stops_or_ends(&caller);
            let next = ask(home);
            std::thread::sleep((RENEWER + Duration::from_millis(100)).saturating_sub(began.elapsed()));
            caller.signal(Signal::CONT);
            let caller = caller.finish();
            match caller.code() {
                0 => assert_eq!(value(&caller.out(), "password"), Some(&*login.stored_access()), "{case}"),
                code => assert_eq!(code, 8, "{case}: {caller:?}"),
            }
            Some(next)
        }
    };
    let next = next.unwrap_or_else(|| ask(home));
    let case = format!("{case}: {next:?}");
    assert_eq!(next.code(), 0, "{case}");
    assert_eq!(next.out().trim(), login.stored_access(), "{case}");
    assert_ne!(next.out().trim(), before, "{case}");
    assert_eq!((refreshes(platform), platform.family_burnt()), (round + 1, false), "{case}");
    make_dead(login);
}

/// A caller with a deadline.
fn get(home: &Home, millis: u64, fault: &str) -> Command {
    let mut command = home.command("git-credential-seqera");
    command.arg("get").env("SEQERA_HELPER_TIMEOUT_MS", millis.to_string());
    break_at(&mut command, fault);
    command
}

#[track_caller]
fn dies(signal: Signal, caller: Running, is_late: bool, case: &str) -> Option<Run> {
    let caller = caller.finish();
    let is_dead = caller.code() == 128 + signal.as_raw();
    assert!(is_dead || (is_late && caller.code() == 0), "{case}: {caller:?}");
    None
}

fn stops_or_ends(caller: &Running) {
    let stat = PathBuf::from(format!("/proc/{}/stat", caller.pid().as_raw_pid()));
    until(Duration::from_secs(20), "the caller stops", || {
        let stat = std::fs::read_to_string(&stat).unwrap();
        stat.rsplit_once(')').unwrap().1.trim_start().starts_with(['T', 'Z'])
    });
}
