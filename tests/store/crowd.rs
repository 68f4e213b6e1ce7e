//! Many at once.

use std::time::Duration;

use seqera_credential_helper::deadline::Deadline;
use seqera_credential_helper::store::lock::Lock;

use super::*;
use crate::support::home::{Running, start};

const EACH: usize = 64;

#[test]
fn sixty_four_writers_and_as_many_readers_lose_nothing() {
    let home = Home::with_file_store();
    keep(&home, "read.example", "u", "known");
    let stored =
        |n: usize| format!("{{\"ServerURL\":\"r{n}.example\",\"Username\":\"u\",\"Secret\":\"p{n}\"}}");
    let call = |program: &str, operation: &str, input: String| {
        let mut command = home.command(program);
        command.arg(operation).env("SEQERA_HELPER_TIMEOUT_MS", "30000");
        start(command, input)
    };
    let mut running: Vec<(bool, Running)> = Vec::new();
    for n in 0..EACH {
        running.push((
            false,
            match n % 2 {
                0 => call(
                    "git-credential-seqera",
                    "store",
                    format!("{}{}", at("one.example"), answer(&format!("u{n}"), &format!("p{n}"))),
                ),
                _ => call("docker-credential-seqera", "store", stored(n)),
            },
        ));
        running.push((true, call("git-credential-seqera", "get", at("read.example"))));
    }
    for (reads, running) in running {
        let out = running.finish().ok();
        assert_eq!(out, if reads { answer("u", "known") } else { String::new() });
    }
    for n in 0..EACH {
        let out = match n % 2 {
            0 => git(&home, "get", format!("{}username=u{n}\n", at("one.example"))).ok(),
            _ => docker(&home, "get", format!("r{n}.example")).ok(),
        };
        assert!(out.contains(&format!("p{n}")), "{n}: {out}");
    }
}

#[test]
fn a_reader_never_waits_for_a_writer() {
    let home = Home::with_file_store();
    keep(&home, "h.example", "u", "p");
    let lock = Lock::acquire(&store_of(&home).join("lock"), Deadline::after(Duration::from_secs(5))).unwrap();
    let read = git(&home, "get", at("h.example"));
    assert!(read.took < Duration::from_secs(1), "{read:?}");
    assert_eq!(read.ok(), answer("u", "p"));
    assert_eq!(git(&home, "get", at("other.example")).ok(), "");
    let erased = git(&home, "erase", at("other.example"));
    assert!(erased.took < Duration::from_secs(1), "{erased:?}");

    let mut writer = home.command("git-credential-seqera");
    writer.arg("store").env("SEQERA_HELPER_TIMEOUT_MS", "300");
    let writer = run(writer, format!("{}{}", at("h.example"), answer("u", "new"))).expect(8);
    assert!(writer.stdout.is_empty() && writer.took < Duration::from_secs(2), "{writer:?}");
    drop(lock);
    assert_eq!(git(&home, "get", at("h.example")).ok(), answer("u", "p"));
}
