//! Points at which a test breaks a program. Without the feature `fault-points` all of this is nothing.

/// Does here what `SEQERA_TEST_FAULT` (`POINT=kill|stop|term|int`) orders for this point, the first
/// time the program comes by.
#[inline]
pub fn point(name: &str) {
    #[cfg(all(feature = "fault-points", unix))]
    ordered::act(name);
    let _ = name;
}

/// An I/O error where `SEQERA_TEST_FAULT` orders `POINT=full`, as if the disk were full there.
#[inline]
pub fn disk(name: &str) -> std::io::Result<()> {
    #[cfg(all(feature = "fault-points", unix))]
    if ordered::action(name).as_deref() == Some("full") {
        return Err(rustix::io::Errno::NOSPC.into());
    }
    let _ = name;
    Ok(())
}

#[cfg(all(feature = "fault-points", unix))]
mod ordered {
    use std::sync::atomic::{AtomicBool, Ordering};

    use rustix::process::{Signal, getpid, kill_process};

    static ACTED: AtomicBool = AtomicBool::new(false);

    pub fn action(point: &str) -> Option<String> {
        let orders = crate::os::env::env_text("SEQERA_TEST_FAULT")?;
        orders.split(',').find_map(|order| order.strip_prefix(point)?.strip_prefix('=').map(str::to_owned))
    }

    pub fn act(point: &str) {
        let signal = match action(point).as_deref() {
            Some("kill") => Signal::KILL,
            Some("stop") => Signal::STOP,
            Some("term") => Signal::TERM,
            Some("int") => Signal::INT,
            _ => return,
        };
        if !ACTED.swap(true, Ordering::SeqCst) {
            let _ = kill_process(getpid(), signal);
        }
    }
}
