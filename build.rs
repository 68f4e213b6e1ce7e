//! How the programs are linked.

#[allow(clippy::disallowed_macros, reason = "this is how a build script speaks to cargo")]
fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // They are started a thousand times a day for an answer that takes microseconds. A position-independent
    // program of their size spends a tenth of such a call on thousands of relocations; libraries, heap and
    // stack are placed at random all the same.
    let target = |part: &str| std::env::var(format!("CARGO_CFG_TARGET_{part}")).unwrap_or_default();
    if target("OS") == "linux" && target("ENV") == "gnu" {
        println!("cargo:rustc-link-arg-bins=-no-pie");
    }
}
