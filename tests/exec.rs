//! `seqera exec`: a program with a fresh token, which is then its own master.

use std::process::Command;
use std::time::Duration;

use expectrl::Expect;
use rustix::process::{Pid, Signal, kill_process};

use crate::platform::{Endpoint, Fault, Platform};
use crate::support::home::{Home, break_at, run, until};
use crate::support::login;
use crate::support::session::{self, Token};

fn started() -> (Home, Platform, String) {
    let (home, platform) = (Home::with_file_store(), Platform::start());
    let token = login::with_token(&home, &platform, &[]);
    (home, platform, token)
}

#[test]
fn the_command_has_the_token_and_its_exit_status_is_ours() {
    let (home, platform, token) = started();
    let script = r#"echo "$TOWER_ACCESS_TOKEN $SEQERA_ACCESS_TOKEN $TOWER_API_ENDPOINT $1"; cat; exit 42"#;
    for args in [&["exec", "--"][..], &["exec"]] {
        let args = [args, &["sh", "-c", script, "sh", "--job-token"]].concat();
        let run = home.run("seqera", &args, "input").expect(42);
        assert_eq!(run.out(), format!("{token} {token} {} --job-token\ninput", platform.api()));
        assert_eq!(run.err(), "");
    }
}

#[test]
fn without_a_token_nothing_is_run() {
    let (home, platform) = (Home::with_file_store(), Platform::start());
    home.run("seqera", &["exec", "--", "touch", "ran"], "").expect(3);
    home.run("seqera", &["exec", "--job-token", "--", "touch", "ran"], "").expect(3);
    session::logged_in(&home, &platform, Token::Dead);
    platform.fault(Endpoint::Token, Fault::BadGateway);
    home.run("seqera", &["exec", "--", "touch", "ran"], "").expect(5);
    platform.clear_faults();
    platform.revoke_all();
    home.run("seqera", &["exec", "--", "touch", "ran"], "").expect(4);
    assert!(!home.path().join("ran").exists());
    home.run("seqera", &["exec"], "").expect(2);
}

#[test]
fn an_old_token_is_renewed_first() {
    let (home, platform) = (Home::with_file_store(), Platform::start());
    let login = session::logged_in(&home, &platform, Token::Dead);
    let out = home.run("seqera", &["exec", "--", "sh", "-c", "echo $TOWER_ACCESS_TOKEN"], "").ok();
    assert_ne!(out.trim(), login.access);
    assert!(platform.issued_secrets().contains(&out.trim().to_owned()));
}

#[test]
fn a_command_that_is_not_there_is_127() {
    let (home, _platform, _) = started();
    let run = home.run("seqera", &["exec", "--", "no-such-program"], "").expect(127);
    assert!(run.err().contains("no-such-program was not found"), "{run:?}");
    assert_eq!(home.run("seqera", &["exec", "--job-token", "--", "no-such-program"], "").code(), 127);
}

#[test]
fn a_token_from_outside_is_given_under_both_names() {
    let (mut home, _platform, _) = started();
    home.set("TOWER_ACCESS_TOKEN", "outside");
    let print = ["exec", "--", "sh", "-c", "echo $TOWER_ACCESS_TOKEN $SEQERA_ACCESS_TOKEN"];
    assert_eq!(home.run("seqera", &print, "").ok(), "outside outside\n");
    home.set("SEQERA_ACCESS_TOKEN", "other");
    assert_eq!(home.run("seqera", &print, "").ok(), "other other\n", "never two different ones");
    home.set("SEQERA_ACCESS_TOKEN", " ");
    assert_eq!(home.run("seqera", &print, "").ok(), "outside outside\n", "a blank one is none");
    home.set("TOWER_ACCESS_TOKEN", "***");
    let status = home.run("seqera", &["status"], "").ok();
    assert!(status.contains("a mask of asterisks") && !status.contains("differ"), "{status}");
}

#[test]
fn the_command_is_this_very_process_with_signals_as_they_should_be() {
    let (home, platform) = (Home::with_file_store(), Platform::start());
    // A renewal catches signals while it is under way: nothing of that may be left.
    session::logged_in(&home, &platform, Token::Dead);
    let mut command = home.command("seqera");
    let script = "import ctypes, os\n\
        status = dict(line.split(':\\t') for line in open('/proc/self/status').read().splitlines())\n\
        print(os.getppid(), status['SigBlk'], status['SigCgt'], status['SigIgn'], ctypes.CDLL(None).prctl(3))";
    command.args(["exec", "--", "python3", "-S", "-c", script]);
    let out = run(command, "").ok();
    let fields: Vec<&str> = out.split_whitespace().collect();
    assert_eq!(fields[0], std::process::id().to_string(), "no process stands between");
    assert_eq!(fields[1], "0000000000000000", "no signal is blocked");
    let [caught, ignored] = [2, 3].map(|at| u64::from_str_radix(fields[at], 16).unwrap());
    // Python itself catches SIGINT and ignores SIGPIPE and SIGXFSZ.
    let bit = |signal: u32| 1u64 << (signal - 1);
    assert_eq!(caught & !bit(2), 0, "{out}");
    // Signals 32 and 33 are the C library's own.
    let classic = (1 << 31) - 1;
    assert_eq!(ignored & classic & !(bit(13) | bit(25) | ignored_here()), 0, "{out}");
    assert_eq!(fields[4], "1", "it may be debugged and dump core like any other");
}

/// The signals that the tests themselves were started with as ignored.
fn ignored_here() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:\t")).unwrap();
    u64::from_str_radix(mask, 16).unwrap()
}

#[test]
fn a_reader_that_goes_away_ends_the_command() {
    let (home, _platform, _) = started();
    let mut shell = home.command("bash");
    shell.args(["-c", "seqera exec -- yes | head -1; exit ${PIPESTATUS[0]}"]);
    assert_eq!(run(shell, "").expect(141).out(), "y\n");
}

#[test]
fn a_signal_ends_the_command_and_us() {
    let (home, _platform, _) = started();
    let run = home.run("seqera", &["exec", "--", "sh", "-c", "kill -TERM $$"], "");
    assert_eq!(run.code(), 128 + 15);
}

#[test]
fn a_job_has_a_token_of_its_own_which_ends_with_it() {
    let (home, platform, token) = started();
    let script = "echo $TOWER_ACCESS_TOKEN ${SEQERA_TOKEN_EXPIRES_AT-endless}; exit 9";
    let run = home.run("seqera", &["exec", "--job-token", "--", "sh", "-c", script], "").expect(9);
    let (given, end) = run.out().trim().split_once(' ').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    assert_ne!(given, token);
    assert!(platform.issued_secrets().contains(&given));
    assert_eq!(end, "endless");
    assert_eq!(platform.personal_token_ids().len(), 1, "only the login's is left");
    assert_eq!(run.err(), "");
}

#[test]
fn a_job_gets_our_signals_and_its_token_is_deleted_all_the_same() {
    let (home, platform, _) = started();
    for (signal, code) in [(Signal::TERM, 33), (Signal::HUP, 34), (Signal::INT, 35)] {
        let script = "trap 'exit 33' TERM; trap 'exit 34' HUP; trap 'exit 35' INT; \
            echo > started; while :; do sleep 0.05; done";
        let mut command = home.command("seqera");
        let mut job = command.args(["exec", "--job-token", "--", "sh", "-c", script]).spawn().unwrap();
        let begun = home.path().join("started");
        until(Duration::from_secs(20), "the job begins", || begun.exists());
        assert_eq!(platform.personal_token_ids().len(), 2);
        kill_process(Pid::from_child(&job), signal).unwrap();
        assert_eq!(job.wait().unwrap().code(), Some(code));
        assert_eq!(platform.personal_token_ids().len(), 1);
        std::fs::remove_file(begun).unwrap();
    }
}

/// A container that was started in a terminal: the process group in the foreground has no number inside.
#[test]
fn the_terminal_s_own_signal_reaches_a_job_once() {
    let (home, _platform, _) = started();
    let count = "import os, select, signal\n\
        got, put = os.pipe2(os.O_NONBLOCK)\n\
        signal.set_wakeup_fd(put)\n\
        signal.signal(signal.SIGINT, lambda *_: None)\n\
        print('ready', flush=True)\n\
        select.select([got], [], [])\n\
        while select.select([got], [], [], 1.5)[0] and len(os.read(got, 1)): print('one', flush=True)\n\
        print('done', flush=True)";
    let job = ["seqera", "exec", "--job-token", "--", "python3", "-c", count];
    let namespace = ["unshare", "--pid", "--fork", "--kill-child"];
    let inside = [&namespace[..], &["--mount-proc"], &job].concat();
    for words in [&job[..], &inside, &[&namespace[..], &job].concat()] {
        if words[0] == "unshare" && !rustix::process::geteuid().is_root() {
            eprintln!("not tried: it takes root to make a PID namespace");
            continue;
        }
        let mut command = home.command(words[0]);
        command.args(&words[1..]);
        let mut terminal = expectrl::Session::spawn(command).unwrap();
        terminal.set_expect_timeout(Some(Duration::from_secs(20)));
        terminal.expect("ready").unwrap_or_else(|error| panic!("{words:?}: {error}"));
        terminal.send("\u{3}").unwrap();
        let seen = terminal.expect("done").unwrap();
        let seen = String::from_utf8_lossy(seen.before());
        assert_eq!(seen.matches("one").count(), 1, "{words:?}: {seen}");
        terminal.expect(expectrl::Eof).unwrap();
    }
}

#[test]
fn a_job_that_a_signal_ends_is_seen_to_end_so() {
    let (home, platform, _) = started();
    let run = home.run("seqera", &["exec", "--job-token", "--", "sh", "-c", "kill -KILL $$"], "");
    assert_eq!(run.code(), 128 + 9);
    assert_eq!(platform.personal_token_ids().len(), 1);
}

#[test]
fn a_job_s_token_that_stays_is_said() {
    let (home, platform, _) = started();
    let script = format!("touch {}; sleep 0.2", home.path().join("begun").display());
    let args = ["exec", "--job-token", "--", "sh", "-c", &script];
    let run = std::thread::scope(|scope| {
        let job = scope.spawn(|| home.run("seqera", &args, ""));
        until(Duration::from_secs(20), "the job begins", || home.path().join("begun").exists());
        platform.fault(Endpoint::PersonalTokens, Fault::InternalError);
        job.join().unwrap()
    });
    assert!(run.expect(0).err().contains("could not be deleted"));
}

/// A killed process deletes nothing; the next command that goes online does it for it.
#[test]
fn the_token_of_a_job_whose_process_was_killed_is_deleted_by_the_next_command_that_goes_online() {
    let (home, platform, _) = started();
    let begun = home.path().join("started");
    let killed = || {
        let mut command = home.command("seqera");
        let mut job = command
            .args(["exec", "--job-token", "--", "sh", "-c", "echo > started; exec sleep 30"])
            .spawn()
            .unwrap();
        until(Duration::from_secs(20), "the job begins", || begun.exists());
        std::fs::remove_file(&begun).unwrap();
        let name = home.run("seqera", &["token", "list"], "").ok();
        assert!(name.contains("seqera-job-sh-") && !name.contains("left behind"), "{name}");
        assert_eq!(home.run("seqera", &["token", "revoke"], "").expect(0).out(), "");
        assert_eq!(platform.personal_token_ids().len(), 2, "it is in use");
        kill_process(Pid::from_child(&job), Signal::KILL).unwrap();
        job.wait().unwrap();
        assert!(home.run("seqera", &["token", "list"], "").ok().contains("left behind by process"));
    };
    killed();
    home.run("seqera", &["whoami"], "").ok();
    assert_eq!(platform.personal_token_ids().len(), 1);
    assert_eq!(home.run("seqera", &["token", "list"], "").ok(), "");
    killed();
    let listed = home.run("seqera", &["token", "list", "--json"], "").ok();
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed["tokens"][0]["left_behind"], true, "{listed}");
    let name = listed["tokens"][0]["name"].as_str().unwrap();
    home.run("seqera", &["token", "revoke", "another"], "").expect(2);
    platform.fault_next(1, Endpoint::PersonalTokens, Fault::InternalError);
    let run = home.run("seqera", &["token", "revoke", name], "").expect(5);
    assert!(run.err().contains("is not revoked"), "{run:?}");
    assert!(home.run("seqera", &["token", "revoke", name], "").expect(0).err().contains(name));
    assert_eq!(platform.personal_token_ids().len(), 1);
    for secret in platform.issued_secrets() {
        assert!(!listed.to_string().contains(&secret));
    }
}

/// What died between the server's answer and the note of it knows the token's name, and so does the note.
#[test]
fn a_job_s_token_whose_answer_was_never_noted_is_found_by_its_name() {
    let killed_at = |home: &Home, point: &str| {
        let mut job = home.command("seqera");
        job.args(["exec", "--job-token", "--", "touch", "ran"]);
        break_at(&mut job, &format!("{point}=kill"));
        run(job, "").expect(128 + 9);
    };
    let noted = |home: &Home| home.run("seqera", &["token", "list"], "").ok().lines().count();
    let (home, platform, _) = started();
    killed_at(&home, "job-made");
    assert_eq!((platform.personal_token_ids().len(), noted(&home)), (2, 1));
    home.run("seqera", &["whoami"], "").ok();
    assert_eq!((platform.personal_token_ids().len(), noted(&home)), (1, 0));

    // The server made it, and was not heard.
    platform.fault_next(1, Endpoint::PersonalTokens, Fault::HangupAfterwards);
    home.run("seqera", &["exec", "--job-token", "--", "touch", "ran"], "").expect(5);
    assert_eq!((platform.personal_token_ids().len(), noted(&home)), (2, 1));
    home.run("seqera", &["whoami"], "").ok();
    assert_eq!(platform.personal_token_ids().len(), 1);

    // The token that asked for it has ended; another login has one of the same account, and one of another.
    let login = session::logged_in(&home, &platform, Token::Fresh);
    killed_at(&home, "job-made");
    assert_eq!(platform.personal_token_ids().len(), 2);
    platform.world(|world| world.grants.revoke_all());
    platform.sign_in("grace");
    login::with_token(&home, &platform, &["--profile", "other"]);
    home.run("seqera", &["whoami", "--profile", "other"], "").ok();
    assert_eq!(platform.personal_token_ids().len(), 3, "another account sees nothing of it");
    platform.sign_in("ada");
    login::with_token(&home, &platform, &["--profile", "same"]);
    home.run("seqera", &["whoami", "--profile", "same"], "").ok();
    assert_eq!(platform.personal_token_ids().len(), 3);
    drop(login);

    // Never asked for: nothing is found, and nothing is said. The note stays for the minute in which a request may
    // still be on its way.
    let mut home = home;
    home.set("SEQERA_PROFILE", "same");
    killed_at(&home, "job-asked");
    assert_eq!(home.run("seqera", &["whoami"], "").expect(0).err(), "");
    assert_eq!(noted(&home), 1);
    home.run("seqera", &["token", "revoke"], "").expect(0);
    assert_eq!(noted(&home), 0);
    let before = noted(&home);
    platform.fault(Endpoint::PersonalTokens, Fault::Forbidden);
    home.run("seqera", &["exec", "--job-token", "--", "touch", "ran"], "").expect(1);
    assert_eq!(noted(&home), before, "what the server refused to make needs no note");
    assert!(!home.path().join("ran").exists());
}

/// Such a login is renewed by another process for all that; the note goes with what waits from a logout.
#[test]
fn a_renewal_deletes_what_a_killed_job_left() {
    let (home, platform) = (Home::with_file_store(), Platform::start());
    let login = session::logged_in(&home, &platform, Token::Dead);
    let begun = home.path().join("started");
    let mut command = home.command("seqera");
    command.args(["exec", "--job-token", "--", "sh", "-c", "echo > started; exec sleep 30"]);
    let mut job = command.spawn().unwrap();
    until(Duration::from_secs(20), "the job begins", || begun.exists());
    kill_process(Pid::from_child(&job), Signal::KILL).unwrap();
    job.wait().unwrap();
    let mut session = login.stored();
    session.access_expires_at = Some(session::now() - 1);
    login.sessions().begin(&mut login.profile(), session).unwrap();
    home.run("seqera", &["token"], "").ok();
    until(Duration::from_secs(20), "it is deleted", || platform.personal_token_ids().is_empty());
}

/// The handlers of a renewal that this process did itself must not end it afterwards.
#[test]
fn a_signal_after_a_renewal_is_the_job_s() {
    for fault in ["", "spawn=full"] {
        for (signal, code) in [(Signal::TERM, 33), (Signal::HUP, 34)] {
            let (home, platform) = (Home::with_file_store(), Platform::start());
            session::logged_in(&home, &platform, Token::Dead);
            let script =
                "trap 'exit 33' TERM; trap 'exit 34' HUP; echo > started; while :; do sleep 0.05; done";
            let mut command = home.command("seqera");
            break_at(&mut command, fault);
            let mut job = command.args(["exec", "--job-token", "--", "sh", "-c", script]).spawn().unwrap();
            let begun = home.path().join("started");
            until(Duration::from_secs(20), "the job begins", || begun.exists());
            kill_process(Pid::from_child(&job), signal).unwrap();
            assert_eq!(job.wait().unwrap().code(), Some(code), "{fault}");
            assert_eq!(platform.personal_token_ids().len(), 0);
        }
    }
}

#[test]
fn our_own_programs_in_a_job_keep_the_job_s_token() {
    let (home, platform) = (Home::with_file_store(), Platform::start());
    let login = session::logged_in(&home, &platform, Token::Fresh);
    let script = "echo $TOWER_ACCESS_TOKEN; seqera token; seqera exec -- sh -c 'echo $TOWER_ACCESS_TOKEN'";
    let out = home.run("seqera", &["exec", "--job-token", "--", "sh", "-c", script], "").ok();
    let tokens: std::collections::BTreeSet<&str> = out.lines().collect();
    assert!(tokens.len() == 1 && !out.contains(&login.access), "{out}");
}

/// nohup(1) lets a command ignore SIGHUP; a renewal on the way must not take that from it.
#[test]
fn an_ignored_signal_stays_ignored() {
    let (home, platform) = (Home::with_file_store(), Platform::start());
    session::logged_in(&home, &platform, Token::Dead);
    let mut command: Command = home.command("sh");
    command.args(["-c", "trap '' HUP; exec seqera exec -- grep SigIgn /proc/self/status"]);
    let out = run(command, "").ok();
    let ignored = u64::from_str_radix(out.trim().rsplit('\t').next().unwrap(), 16).unwrap();
    assert_eq!(ignored & 1, 1, "{out}");
}

#[test]
fn a_login_s_token_is_not_put_beside_the_address_of_another_server() {
    let (mut home, platform, token) = started();
    home.set("SEQERA_PLATFORM_API_URL", format!("{}/", platform.api()));
    assert_eq!(
        home.run("seqera", &["exec", "--", "sh", "-c", "echo $TOWER_ACCESS_TOKEN"], "").ok().trim(),
        token
    );
    home.set("SEQERA_PLATFORM_API_URL", "https://other.example/api");
    for args in [&["exec", "--"][..], &["exec", "--job-token", "--"], &["--profile", "default", "exec"]] {
        let run = home.run("seqera", &[args, &["touch", "ran"]].concat(), "").expect(7);
        assert!(run.err().contains("SEQERA_PLATFORM_API_URL names another server"), "{run:?}");
    }
    assert!(!home.path().join("ran").exists());
    assert_eq!(platform.personal_token_ids().len(), 1, "no job's token was made");
    assert_eq!(home.run("seqera", &["env", "--json"], "").expect(7).out(), "");
}

/// The current folder may be anybody's repository.
#[test]
fn nothing_is_run_from_the_current_folder() {
    let (home, _platform, _) = started();
    let folder = home.path().join("theirs");
    home.write("theirs/tool", "#!/bin/sh\ntouch \"$HOME/they-ran\"\n");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder.join("tool"), mode).unwrap();
    let machine = std::env::var("PATH").unwrap();
    for start in ["", ".", "./", "../theirs"] {
        for args in [&["exec", "--", "tool"][..], &["exec", "--job-token", "--", "tool"]] {
            let mut command = home.command("seqera");
            let path = format!("{start}:{}:{machine}:", home.bin().display());
            command.args(args).env("PATH", path).current_dir(&folder);
            let run = run(command, "").expect(127);
            assert!(run.err().contains("tool was not found"), "{run:?}");
        }
    }
    assert!(!home.path().join("they-ran").exists());
    // Who names the folder means it.
    let mut command = home.command("seqera");
    command.args(["exec", "--", "./tool"]).current_dir(&folder);
    run(command, "").expect(0);
    assert!(home.path().join("they-ran").exists());
}
