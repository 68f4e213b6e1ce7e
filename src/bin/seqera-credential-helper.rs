//! The door for other programs.

use std::process::{ExitCode, exit};

use seqera_credential_helper::deadline::{Deadline, watchdog};
use seqera_credential_helper::{config, error::Error, process, protocol, trace, ui};

fn main() -> ExitCode {
    process::harden();
    trace::begin();
    let deadline = Deadline::after(config::helper_timeout());
    watchdog(deadline, || {
        let error = Error::timed_out("it took too long").next("see: seqera doctor");
        ui::complain(protocol::PROGRAM, &error);
        #[allow(clippy::disallowed_methods)]
        exit(error.exit_code().into());
    });
    protocol::run(std::env::args_os(), deadline).into()
}
