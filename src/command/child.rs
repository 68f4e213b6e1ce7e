//! Programs that we start, with the variables of a login.

use std::ffi::OsString;
use std::process::Command;
use std::process::ExitCode;

use crate::error::{Error, Result};
use crate::os::env::Change;
use crate::secret::Secret;
use crate::ui;

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

/// Runs `command` in the place of this process, which it replaces (execve(2)): its signals, its terminal and
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
    let program = ui::plain(&command.get_program().to_string_lossy());
    match error.kind() {
        std::io::ErrorKind::NotFound => Error::no_program(format!("{program} was not found"))
            .next("check its spelling, and that it is on your PATH"),
        _ => Error::io(format_args!("{program} cannot be run"), error),
    }
}
