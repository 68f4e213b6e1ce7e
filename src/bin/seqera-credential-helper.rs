//! The door for other programs.

use std::process::ExitCode;

use seqera_credential_helper::os::deadline::{Deadline, watchdog};
use seqera_credential_helper::os::process;
use seqera_credential_helper::session::renewer;
use seqera_credential_helper::ui::trace;
use seqera_credential_helper::{config, protocol};

fn main() -> ExitCode {
    process::harden();
    trace::begin();
    if let Some(code) = renewer::serve(std::env::args_os()) {
        return code.into();
    }
    let deadline = Deadline::after(config::helper_timeout());
    watchdog(deadline);
    protocol::run(std::env::args_os(), deadline).into()
}
