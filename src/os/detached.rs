//! A process of our own that goes on whatever happens to the one that started it.
//!
//! It is this very program, started anew in a session of its own: no terminal, no descriptor of the caller, the
//! signals that ask a process to end blocked. It is nobody's child: the first process starts a second one and
//! ends, so a program that takes this one's place (`exec`) finds no child that it did not start.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, PipeReader, PipeWriter};
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use super::deadline::Deadline;
use super::fault;

/// Starts this program anew, with `word` as its only argument. It reads `input`, has `keeps` open as standard
/// output for as long as it lives, and writes to `output`.
///
/// # Errors
/// No process can be started here and now.
pub fn start(
    word: &str,
    input: PipeReader,
    keeps: &File,
    output: PipeWriter,
    deadline: Deadline,
) -> io::Result<()> {
    fault::disk("spawn")?;
    let mut command = this_program()?;
    // What a test orders happens once, and not to the next one that makes up for it.
    #[cfg(feature = "fault-points")]
    if STARTED.swap(true, std::sync::atomic::Ordering::SeqCst) {
        command.env_remove("SEQERA_TEST_FAULT");
    }
    command.arg(word).stdin(input).stderr(output);
    let child = platform::spawn(&mut command, keeps)?;
    // Its end of the pipe must be the only one.
    drop(command);
    match platform::first_process_ended(child, deadline)? {
        Some(status) if !status.success() => Err(io::Error::other(format!("it ended at once ({status})"))),
        _ => Ok(()),
    }
}

#[cfg(feature = "fault-points")]
static STARTED: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

/// This program, although its file may have been replaced or removed since it was started.
fn this_program() -> io::Result<Command> {
    #[cfg(target_os = "linux")]
    {
        let running = std::path::Path::new("/proc/self/exe");
        if std::fs::metadata(running).is_ok() {
            use std::os::unix::process::CommandExt;
            let mut command = Command::new(running);
            if let Some(name) = std::env::args_os().next() {
                command.arg0(name);
            }
            return Ok(command);
        }
    }
    std::env::current_exe().map(Command::new)
}

/// Called first by a program that [`start`] started; `more` is what follows `word` on its command line. Nothing
/// where the work is this process's, else the exit code with which it ends: the work is another's.
pub fn detach(word: &str, more: Option<&OsStr>) -> Option<u8> {
    platform::detach(word, more)
}

/// The file that the caller gave to be kept open.
pub fn kept() -> io::Result<Option<File>> {
    platform::kept()
}

fn wait_briefly(mut child: Child, deadline: Deadline) -> io::Result<Option<ExitStatus>> {
    let deadline = deadline.within(Duration::from_secs(5));
    loop {
        match child.try_wait()? {
            None if !deadline.passed() => std::thread::sleep(Duration::from_micros(300)),
            ended => return Ok(ended),
        }
    }
}

#[cfg(unix)]
mod platform {
    use super::*;

    use std::os::fd::{AsFd, RawFd};
    use std::process::Stdio;

    use nix::sys::signal::{SigSet, SigmaskHow, Signal};

    /// The child inherits what is blocked here, so no signal can end it before it has a session of its own.
    pub fn spawn(command: &mut Command, keeps: &File) -> io::Result<Child> {
        let mut blocked = SigSet::empty();
        for signal in [
            Signal::SIGINT,
            Signal::SIGTERM,
            Signal::SIGHUP,
            Signal::SIGQUIT,
            Signal::SIGTSTP,
            Signal::SIGALRM,
            Signal::SIGPIPE,
        ] {
            blocked.add(signal);
        }
        command.stdout(keeps.try_clone()?).current_dir("/");
        let before = blocked.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        let child = command.spawn();
        let _ = before.thread_set_mask();
        child
    }

    pub fn first_process_ended(child: Child, deadline: Deadline) -> io::Result<Option<ExitStatus>> {
        wait_briefly(child, deadline)
    }

    pub fn detach(word: &str, more: Option<&OsStr>) -> Option<u8> {
        if more.is_some_and(|more| more == SECOND) {
            return None;
        }
        let _ = rustix::process::setsid();
        close_inherited();
        let second = this_program().and_then(|mut command| {
            command.args([word, SECOND]);
            command.stdin(Stdio::inherit()).stdout(Stdio::inherit()).stderr(Stdio::inherit()).spawn()
        });
        Some(u8::from(second.is_err()))
    }

    /// Tells the second process from the first.
    const SECOND: &str = "detached";

    /// Closes what the caller's caller left open: somebody may wait for the end of it.
    fn close_inherited() {
        let named = |entry: io::Result<std::fs::DirEntry>| entry.ok()?.file_name().to_str()?.parse().ok();
        let open: Vec<RawFd> = match std::fs::read_dir("/dev/fd") {
            Ok(entries) => entries.filter_map(named).collect(),
            Err(_) => (3..1024).collect(),
        };
        for fd in open.into_iter().filter(|fd| *fd > 2) {
            let _ = nix::unistd::close(fd);
        }
    }

    pub fn kept() -> io::Result<Option<File>> {
        Ok(Some(File::from(io::stdout().as_fd().try_clone_to_owned()?)))
    }
}

#[cfg(windows)]
mod platform {
    use super::*;

    use std::os::windows::process::CommandExt;
    use std::process::Stdio;

    const DETACHED_PROCESS: u32 = 0x0000_0008;
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;
    const CREATE_BREAKAWAY_FROM_JOB: u32 = 0x0100_0000;
    const ERROR_ACCESS_DENIED: i32 = 5;

    /// A job that is ended takes its processes with it, so the child leaves the job where that is allowed.
    pub fn spawn(command: &mut Command, _: &File) -> io::Result<Child> {
        let apart = DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP;
        command.stdout(Stdio::null());
        match command.creation_flags(apart | CREATE_BREAKAWAY_FROM_JOB).spawn() {
            Err(error) if error.raw_os_error() == Some(ERROR_ACCESS_DENIED) => {
                command.creation_flags(apart).spawn()
            }
            spawned => spawned,
        }
    }

    pub fn first_process_ended(_: Child, _: Deadline) -> io::Result<Option<ExitStatus>> {
        Ok(None)
    }

    pub fn detach(_: &str, _: Option<&OsStr>) -> Option<u8> {
        None
    }

    /// A lock is its process's own here: it cannot be handed over.
    pub fn kept() -> io::Result<Option<File>> {
        Ok(None)
    }
}
