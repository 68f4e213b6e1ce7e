//! A hermetic home for each test, and what starts the real parts.

pub mod git_server;
pub mod gits;
pub mod home;
pub mod keyring;
pub mod login;
pub mod oci_image;
pub mod registry;
pub mod session;
pub mod token_registry;
pub mod wallets;

use std::path::Path;
use std::sync::LazyLock;

/// The `seqera` under test.
pub fn seqera() -> &'static str {
    static PROGRAM: LazyLock<String> = LazyLock::new(|| under_test(env!("CARGO_BIN_EXE_seqera")));
    &PROGRAM
}

/// The `seqera-credential-helper` under test.
pub fn helper() -> &'static str {
    static PROGRAM: LazyLock<String> =
        LazyLock::new(|| under_test(env!("CARGO_BIN_EXE_seqera-credential-helper")));
    &PROGRAM
}

/// What cargo has built beside the tests, or its like in the folder that holds another form of the programs.
fn under_test(built: &str) -> String {
    let Ok(folder) = std::env::var("SEQERA_TEST_BIN_DIR") else { return built.to_owned() };
    let name = Path::new(built).file_name().unwrap();
    let program = Path::new(&folder).join(name);
    assert!(program.is_absolute() && program.is_file(), "{} is not a program's full path", program.display());
    program.to_str().unwrap().to_owned()
}
