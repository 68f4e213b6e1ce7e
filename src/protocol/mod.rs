//! The programs' door: which protocol is spoken, what comes in, what goes out.
//!
//! Standard output carries an answer, whole, or nothing. Every way out has an exit code; words for a person go
//! to standard error, one line, and only where the person can do something.

pub mod docker;
pub mod git;

use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::os::deadline::Deadline;
use crate::ui;

/// The program's name, as it introduces itself.
pub const PROGRAM: &str = "seqera-credential-helper";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The most we read of a request.
const INPUT: usize = 1024 * 1024;

/// How the program is called.
pub const USAGE: &str = "\
Hands credentials to other programs. They call it; you set it up with: seqera configure git

Usage: seqera-credential-helper [PROTOCOL] OPERATION

  PROTOCOL   git or docker; found out from the input, or from the name the
             program was called by (git-credential-seqera, docker-credential-seqera)
  OPERATION  get, store, erase; git also: capability; docker also: list, version
";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Git,
    Docker,
}

impl Protocol {
    fn from_word(word: &str) -> Option<Protocol> {
        match word {
            "git" => Some(Protocol::Git),
            "docker" => Some(Protocol::Docker),
            _ => None,
        }
    }

    /// By the name the program was called under: git calls by path, docker by bare name.
    fn from_called(name: &OsStr) -> Option<Protocol> {
        let name = Path::new(name).file_name()?.to_str()?.to_ascii_lowercase();
        match () {
            () if name.starts_with("git-credential-") => Some(Protocol::Git),
            () if name.starts_with("docker-credential-") => Some(Protocol::Docker),
            () => None,
        }
    }

    /// By the input of an operation that both have: git sends `key=value` lines, docker a bare server or JSON.
    fn from_input(input: &[u8]) -> Protocol {
        let line = input.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let key = line.split(|byte| *byte == b'=').next().unwrap_or_default();
        let is_key =
            !key.is_empty() && key.iter().all(|b| b.is_ascii_lowercase() || matches!(b, b'_' | b'[' | b']'));
        match input.trim_ascii().is_empty() || (is_key && key.len() < line.len()) {
            true => Protocol::Git,
            false => Protocol::Docker,
        }
    }
}

/// Answers one call. `args` are the program's, its own name first. Returns the exit code.
pub fn run(args: impl IntoIterator<Item = OsString>, deadline: Deadline) -> u8 {
    let mut args = args.into_iter();
    let called = args.next().and_then(|name| Protocol::from_called(&name));
    let mut words: Vec<String> = args.map(|arg| arg.to_string_lossy().into_owned()).collect();
    let named = words.first().and_then(|word| Protocol::from_word(word));
    if named.is_some() {
        words.remove(0);
    }
    match (named.or(called), words.as_slice()) {
        (Some(Protocol::Git), words) => git::door(words, deadline),
        (Some(Protocol::Docker), words) => docker::door(words, deadline),
        (None, [word]) => match word.as_str() {
            "get" | "store" | "erase" => match read_input(deadline) {
                Err(error) => fail(&error),
                Ok(input) => match Protocol::from_input(&input) {
                    Protocol::Git => git::answer(word, &input, deadline),
                    Protocol::Docker => docker::answer(word, &input, deadline),
                },
            },
            "list" | "version" | "--version" | "-V" => docker::door(&words_of(word), deadline),
            "capability" => git::door(&words_of(word), deadline),
            "help" | "--help" | "-h" => reply(USAGE.as_bytes()),
            _ => usage(),
        },
        (None, _) => usage(),
    }
}

fn words_of(word: &str) -> [String; 1] {
    [if word == "-V" { "version".into() } else { word.into() }]
}

fn usage() -> u8 {
    fail(&Error::usage("this is not a way to call it").next(format!("see: {PROGRAM} --help")))
}

/// Reads the request. A client that never ends it gets words, and not only the watchdog.
fn read_input(deadline: Deadline) -> Result<Zeroizing<Vec<u8>>> {
    // Grown by hand, so that no copy of a secret stays behind unwiped.
    let mut input = Zeroizing::new(vec![0; 8 * 1024]);
    let mut length = 0;
    let mut stdin = io::stdin().lock();
    loop {
        wait_for_input(deadline)?;
        match stdin.read(&mut input[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::io("the request cannot be read", &error)),
        }
        if length > INPUT {
            return Err(Error::failed("the request is larger than any honest client sends"));
        }
        if length == input.len() {
            let mut larger = Zeroizing::new(vec![0; 2 * length]);
            larger[..length].copy_from_slice(&input);
            input = larger;
        }
    }
    input.truncate(length);
    Ok(input)
}

#[cfg(unix)]
fn wait_for_input(deadline: Deadline) -> Result<()> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let stdin = io::stdin();
    loop {
        let left = deadline.left();
        let timeout = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() };
        match poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&timeout)) {
            Ok(0) => return Err(Error::timed_out("the client did not finish its request in time")),
            // What is wrong with standard input, reading it will say.
            Ok(_) => return Ok(()),
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return Ok(()),
        }
    }
}

#[cfg(not(unix))]
fn wait_for_input(_: Deadline) -> Result<()> {
    Ok(())
}

fn reply(bytes: &[u8]) -> u8 {
    match ui::write_out(bytes) {
        Ok(()) => 0,
        Err(error) => fail(&Error::io("the answer cannot be written", &error)),
    }
}

fn fail(error: &Error) -> u8 {
    ui::complain(PROGRAM, error);
    error.exit_code()
}

/// Says what the person should hear of a store that was made just now.
fn tell(notice: Option<String>) {
    if let Some(notice) = notice {
        ui::say(&format!("{PROGRAM}: {notice}"));
    }
}
