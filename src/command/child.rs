//! Programs that we start, with the variables of a login.

use std::ffi::{OsStr, OsString};
use std::process::{Command, ExitCode, ExitStatus};

use crate::error::{Error, Result};
use crate::os::env::Change;
use crate::os::programs;
use crate::secret::Secret;
use crate::ui;

/// The command that runs `program`, as a shell would find it, but for the current folder: what stands there may be
/// anybody's, and it is about to get a token.
///
/// # Errors
/// There is no such program.
pub fn command(program: &OsStr) -> Result<Command> {
    let found = programs::resolve(program).ok_or_else(|| not_found(program))?;
    let mut command = Command::new(found);
    #[cfg(unix)]
    std::os::unix::process::CommandExt::arg0(&mut command, program);
    Ok(command)
}

/// Makes the changes in the environment that `command` will have.
pub fn apply(command: &mut Command, changes: &[Change]) -> Result<()> {
    for change in changes {
        match change {
            Change::Set(name, value) => command.env(name, os_value(value)?),
            Change::Unset(name) => command.env_remove(name),
        };
    }
    Ok(())
}

#[cfg(unix)]
fn os_value(value: &Secret) -> Result<OsString> {
    use std::os::unix::ffi::OsStringExt;
    match value.expose().contains(&0) {
        true => Err(no_variable()),
        false => Ok(OsString::from_vec(value.expose().to_vec())),
    }
}

#[cfg(not(unix))]
fn os_value(value: &Secret) -> Result<OsString> {
    value.expose_str().filter(|text| !text.contains('\0')).map(OsString::from).ok_or_else(no_variable)
}

fn no_variable() -> Error {
    Error::failed("the token cannot stand in a variable of the environment").next("log in again")
}

/// Replaces this process by `command` (execve(2)): its signals, its terminal and
/// its exit status are then its own. Where the system has no such thing, it is run and waited for.
///
/// # Errors
/// It cannot be run.
pub fn become_program(mut command: Command) -> Result<ExitCode> {
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        let error = command.exec();
        Err(cannot_run(&command, &error))
    }
    #[cfg(not(unix))]
    {
        let status = command.status().map_err(|error| cannot_run(&command, &error))?;
        Ok(ExitCode::from(status.code().map_or(1, |code| code as u8)))
    }
}

/// The error for a program that did not start.
pub fn cannot_run(command: &Command, error: &std::io::Error) -> Error {
    let program = command.get_program();
    match error.kind() {
        std::io::ErrorKind::NotFound => not_found(program),
        _ => Error::io(format_args!("{} cannot be run", ui::plain(&program.to_string_lossy())), error),
    }
}

fn not_found(program: &OsStr) -> Error {
    Error::no_program(format!("{} was not found", ui::plain(&program.to_string_lossy())))
        .next("check its spelling, and that it is on your PATH")
}

/// Ends as the command did: what started us sees the same signal.
pub fn like(status: ExitStatus) -> ExitCode {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return by_signal(signal);
    }
    ExitCode::from(status.code().map_or(1, |code| code as u8))
}

/// Ends by a signal, as if nobody had caught it.
pub fn by_signal(signal: i32) -> ExitCode {
    #[cfg(unix)]
    let _ = signal_hook::low_level::emulate_default_handler(signal);
    ExitCode::from(128u8.wrapping_add(signal as u8))
}

#[cfg(unix)]
pub use signals::Signals;

#[cfg(unix)]
mod signals {
    use std::process::{Command, ExitStatus};

    use rustix::process::{Pid, Signal, kill_process};
    use signal_hook::consts::{
        SIGCHLD, SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH,
    };

    use super::cannot_run;
    use crate::error::{Error, Result};
    use crate::os::process::SignalsTaken;

    /// Takes signals instead of a command that is waited for, and hands them on.
    pub struct Signals(signal_hook::iterator::Signals, SignalsTaken);

    impl Signals {
        /// Begins to take them.
        pub fn begin() -> Result<Signals> {
            let all = [SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH];
            let ours = all.into_iter().filter(|signal| !crate::os::process::is_ignored(*signal));
            signal_hook::iterator::Signals::new(ours.chain([SIGCHLD]))
                .map(|signals| Signals(signals, SignalsTaken::begin()))
                .map_err(|error| Error::io("the system does not let us catch signals", &error))
        }

        /// Runs the command to its end.
        pub fn run(mut self, command: &mut Command) -> Result<ExitStatus> {
            let mut child = command.spawn().map_err(|error| cannot_run(command, &error))?;
            loop {
                match child.try_wait() {
                    Ok(Some(status)) => return Ok(status),
                    Ok(None) => {}
                    Err(error) => return Err(Error::io("the command cannot be waited for", &error)),
                }
                // Its end is a signal, too, and one that came since is kept.
                for signal in self.0.wait() {
                    let is_ours_alone = !matches!(signal, SIGINT | SIGQUIT | SIGWINCH) || !in_foreground();
                    if let (true, Some(signal)) =
                        (signal != SIGCHLD && is_ours_alone, Signal::from_named_raw(signal))
                    {
                        let _ = kill_process(Pid::from_child(&child), signal);
                    }
                }
            }
        }

        /// Waits until this process is asked to end. Answers by which signal.
        pub fn until_asked_to_end(mut self) -> i32 {
            loop {
                let mut signals = self.0.wait();
                if let Some(signal) = signals.find(|it| matches!(*it, SIGHUP | SIGINT | SIGQUIT | SIGTERM)) {
                    return signal;
                }
            }
        }
    }

    /// Whether the terminal sends its signals to us and the command alike: twice would mean "at once" to many.
    fn in_foreground() -> bool {
        crate::os::terminal::in_foreground() == Some(true)
    }
}

/// Where the system has no signals to hand on, a command is just waited for.
#[cfg(not(unix))]
pub struct Signals;

#[cfg(not(unix))]
impl Signals {
    /// Begins.
    pub fn begin() -> Result<Signals> {
        Ok(Signals)
    }

    /// Runs the command to its end.
    pub fn run(self, command: &mut Command) -> Result<ExitStatus> {
        command.status().map_err(|error| cannot_run(command, &error))
    }

    /// Waits until this process is ended.
    pub fn until_asked_to_end(self) -> i32 {
        loop {
            std::thread::park();
        }
    }
}
