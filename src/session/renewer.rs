//! The renewer: a process of its own that does a whole refresh, so that nothing that happens to a caller
//! (a deadline, a signal, the end of its terminal) can lose what the server answers.
//!
//! The caller has taken the gate of the session's lock and hands it over, with the store's key: the renewer asks
//! no keychain and no person. It has a deadline of its own. What it brings is in the store; its reply on a pipe
//! only spares the caller from looking there, and carries what no disk would take.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, PipeReader, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::refresh::Fresh;
use super::{Sessions, Want, revocation, transaction};
use crate::error::{Error, Kind, Result};
use crate::os::deadline::Deadline;
use crate::os::detached;
use crate::os::paths::Paths;
use crate::secret::{Secret, sealed_bytes};
use crate::session::profile::{Profile, ProfileName};
use crate::store::lock::Gate;
use crate::store::sealed::Key;

/// The hidden first argument by which a program is started as the renewer.
const WORD: &str = "__renew";

/// A renewal ends within this. A server that has rotated may take its time to say so.
const TIME: Duration = Duration::from_secs(120);

/// What waits from an earlier logout or job may take so long afterwards.
const SETTLE: Duration = Duration::from_secs(10);

/// A request is small.
const LIMIT: u64 = 64 * 1024;

/// Whether this program can be started as a renewer: its `main` calls [`serve`].
static CAN_SERVE: AtomicBool = AtomicBool::new(false);

/// Does the work of the renewer where this process was started for it, and answers the exit code. Nothing for
/// every other process. The first thing in a `main`.
pub fn serve(args: impl IntoIterator<Item = OsString>) -> Option<u8> {
    CAN_SERVE.store(true, Ordering::Relaxed);
    let mut args = args.into_iter().skip(1);
    if args.next()? != WORD {
        return None;
    }
    detached::detach(WORD, args.next().as_deref()).or_else(|| Some(work()))
}

/// What the renewer needs to know beyond what is in the environment and the files.
#[derive(Serialize, Deserialize)]
struct Request {
    /// A program that was replaced meanwhile may want another request.
    version: String,
    name: ProfileName,
    #[serde(with = "sealed_bytes")]
    key: Secret,
    min_ttl: Option<u64>,
    #[serde(with = "sealed_bytes::option")]
    not: Option<Secret>,
    /// Whom tests break at a point of the renewer's.
    caller: u32,
}

/// What came of it.
#[derive(Serialize, Deserialize)]
enum Reply {
    Fresh {
        profile: Box<Profile>,
        #[serde(with = "sealed_bytes")]
        token: Secret,
        expires_at: Option<u64>,
        notice: Option<String>,
    },
    Failed {
        kind: Kind,
        what: String,
        next: Option<String>,
    },
}

/// What a caller gets who started a renewer.
pub enum Outcome {
    /// It has come to its end.
    Replied(Result<Box<Fresh>>),
    /// It is still at work.
    AtWork,
    /// It has ended without a word.
    Died,
    /// It could not be started; the gate is the caller's again.
    NotStarted(Gate, io::Error),
}

/// Has the login renewed by a process of its own, and waits for it until `until`.
pub fn run(
    sessions: &Sessions<'_>,
    name: &ProfileName,
    want: &Want<'_>,
    gate: Gate,
    until: Deadline,
) -> Result<Outcome> {
    let key = sessions.store.key()?;
    let started = ask(name, want, &key, &gate, until);
    match started {
        Ok(reply) => {
            gate.leave();
            Ok(wait(reply, until))
        }
        Err(error) => Ok(Outcome::NotStarted(gate, error)),
    }
}

fn ask(
    name: &ProfileName,
    want: &Want<'_>,
    key: &Key,
    gate: &Gate,
    until: Deadline,
) -> io::Result<PipeReader> {
    if !CAN_SERVE.load(Ordering::Relaxed) {
        return Err(io::Error::other("this program is not made for it"));
    }
    let request = Request {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        name: name.clone(),
        key: Secret::new(key.expose().to_vec()),
        min_ttl: want.min_ttl,
        not: want.not.cloned(),
        caller: std::process::id(),
    };
    let request = Zeroizing::new(serde_json::to_vec(&request)?);
    let (input, mut to_renewer) = io::pipe()?;
    // Before it is started: a caller that is stopped now keeps nobody waiting. A pipe holds more than this.
    to_renewer.write_all(&request)?;
    drop(to_renewer);
    let (reply, output) = io::pipe()?;
    detached::start(WORD, input, gate.file(), output, until)?;
    Ok(reply)
}

/// Waits for the reply, and shows what the renewer says of its work where the person wants a trace.
fn wait(reply: PipeReader, until: Deadline) -> Outcome {
    let (tell, told) = channel();
    let listener = std::thread::Builder::new().name("renewal".into()).spawn(move || {
        for line in BufReader::new(reply.take(LIMIT)).split(b'\n').map_while(io::Result::ok) {
            let line = Zeroizing::new(line);
            match serde_json::from_slice::<Reply>(&line) {
                Ok(reply) => drop(tell.send(reply)),
                Err(_) => log::debug!("{}", String::from_utf8_lossy(&line)),
            }
        }
    });
    if listener.is_err() {
        return Outcome::AtWork;
    }
    let _waiting = crate::os::waiting::begin(|| "Waiting for the login to be renewed ...".to_owned());
    match told.recv_timeout(until.left()) {
        Ok(Reply::Fresh { profile, token, expires_at, notice }) => {
            Outcome::Replied(Ok(Box::new(Fresh { profile: *profile, token, expires_at, notice })))
        }
        Ok(Reply::Failed { kind, what, next }) => {
            let error = Error::new(kind, what);
            Outcome::Replied(Err(match next {
                Some(next) => error.next(next),
                None => error,
            }))
        }
        Err(RecvTimeoutError::Timeout) => Outcome::AtWork,
        Err(RecvTimeoutError::Disconnected) => Outcome::Died,
    }
}

fn work() -> u8 {
    let mut request = Zeroizing::new(Vec::new());
    let read = io::stdin().lock().take(LIMIT).read_to_end(&mut request);
    let Ok(request) = read.map_err(drop).and_then(|_| serde_json::from_slice(&request).map_err(drop)) else {
        return 2;
    };
    let Request { version, name, key, min_ttl, not, caller } = request;
    let (Some(key), true) = (Key::from_bytes(key.expose()), version == env!("CARGO_PKG_VERSION")) else {
        return 2;
    };
    crate::os::fault::caller_is(caller);
    let outcome = Paths::from_env().map(|paths| {
        let want = Want { min_ttl, not: not.as_ref() };
        let sessions = Sessions::new(&paths, Deadline::after(time())).with_key(key.clone());
        let fresh =
            take_gate(&sessions, &name).and_then(|gate| transaction::begin(&sessions, &name, &want, gate));
        (paths, fresh)
    });
    let (paths, reply) = match outcome {
        Ok((paths, fresh)) => (Some(paths), Reply::of(fresh)),
        Err(error) => (None, Reply::of(Err(error))),
    };
    // The caller may have gone.
    let line = serde_json::to_vec(&reply).map(Zeroizing::new).unwrap_or_default();
    let _ = io::stderr().lock().write_all(&[&line[..], b"\n"].concat());
    crate::os::fault::point("replied");
    if let (Some(paths), Reply::Fresh { .. }) = (paths, &reply) {
        // This process goes online for all the others: what waits for that is done now.
        revocation::settle_in(
            &super::store(&paths, Deadline::after(SETTLE)).with_key(key),
            Deadline::after(SETTLE),
        );
    }
    0
}

/// The gate that the caller took. Where it cannot be handed over it is taken anew.
fn take_gate(sessions: &Sessions<'_>, name: &ProfileName) -> Result<Gate> {
    let path = sessions.lock_path(name);
    let kept = detached::kept().map_err(|error| Error::io("the lock was not handed over", &error))?;
    match kept {
        Some(file) => Ok(Gate::handed_over(&path, file)),
        None => Gate::take(&path, sessions.deadline),
    }
}

fn time() -> Duration {
    #[cfg(feature = "fault-points")]
    if let Some(millis) = crate::os::env::env_text("SEQERA_TEST_RENEWER_MS").and_then(|ms| ms.parse().ok()) {
        return Duration::from_millis(millis);
    }
    TIME
}

impl Reply {
    fn of(fresh: Result<Fresh>) -> Reply {
        match fresh {
            Ok(Fresh { profile, token, expires_at, notice }) => {
                Reply::Fresh { profile: Box::new(profile), token, expires_at, notice }
            }
            Err(error) => Reply::Failed {
                kind: error.kind(),
                what: error.what().to_owned(),
                next: error.hint().map(str::to_owned),
            },
        }
    }
}
