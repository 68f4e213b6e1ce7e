//! The door for people and their shells.

use std::process::ExitCode;

use seqera_credential_helper::{command, process};

fn main() -> ExitCode {
    process::harden();
    command::run(std::env::args_os()).into()
}
