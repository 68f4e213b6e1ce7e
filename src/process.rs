//! This process, as the system sees it.

/// Keeps secrets in memory out of core dumps and from other processes of the same user (prctl(2),
/// `PR_SET_DUMPABLE`); programs that we start are as before. Where the system has no such thing, nothing.
pub fn harden() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}
