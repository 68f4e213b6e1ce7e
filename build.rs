//! How the programs are linked.
#![allow(clippy::disallowed_macros, reason = "this is how a build script speaks to cargo")]

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let target = |part: &str| std::env::var(format!("CARGO_CFG_TARGET_{part}")).unwrap_or_default();
    if target("OS") == "linux" && target("ENV") == "gnu" {
        start_fast();
    }
}

/// The programs are started a thousand times a day for an answer that takes microseconds, so what the loader does
/// before `main` is a good part of what they cost.
fn start_fast() {
    // A position-independent program of this size spends a tenth of such a call on thousands of relocations;
    // libraries, heap and stack are placed at random all the same.
    println!("cargo:rustc-link-arg-bins=-no-pie");
    // Loading libgcc_s.so costs another tenth, for a stack trace that only a defect prints: gcc has the same code
    // as an archive. Named before the shared library, which the linker then finds no use for.
    if has_archive("libgcc_eh.a") {
        println!("cargo:rustc-link-lib=static:-bundle=gcc_eh");
    }
}

/// Whether the linker finds `name`: it answers with a path then, and with the bare name if not.
fn has_archive(name: &str) -> bool {
    let linker = std::env::var("RUSTC_LINKER").unwrap_or_else(|_| "cc".to_owned());
    Command::new(linker)
        .arg(format!("-print-file-name={name}"))
        .output()
        .is_ok_and(|found| Path::new(String::from_utf8_lossy(&found.stdout).trim()).is_absolute())
}
