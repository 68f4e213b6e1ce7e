//! The door for people and their shells.

use std::process::ExitCode;

use seqera_credential_helper::command;
use seqera_credential_helper::os::process;
use seqera_credential_helper::session::renewer;
use seqera_credential_helper::ui::trace;

fn main() -> ExitCode {
    process::harden();
    trace::begin();
    if let Some(code) = renewer::serve(std::env::args_os()) {
        return code.into();
    }
    command::run(std::env::args_os())
}
