//! Points at which a test breaks a program. Without the feature `fault-points` all of this is nothing.

/// Does here what `SEQERA_TEST_FAULT` orders for this point, the first time the program comes by:
/// `POINT=kill|stop|term|int|hup` to the process itself; in a process that works for another one also
/// `POINT=caller-kill` and so on, to that one, and `POINT=group-kill`, to that one's whole process group;
/// `POINT=caller-gone` waits there until that one has ended, and makes the file `SEQERA_TEST_FAULT_REACHED`.
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

/// Says for which process this one works.
#[inline]
pub fn caller_is(pid: u32) {
    #[cfg(all(feature = "fault-points", unix))]
    ordered::CALLER.store(pid, std::sync::atomic::Ordering::SeqCst);
    let _ = pid;
}

#[cfg(all(feature = "fault-points", unix))]
mod ordered {
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

    use rustix::process::{Pid, Signal, getpid, kill_process, kill_process_group, test_kill_process};

    static ACTED: AtomicBool = AtomicBool::new(false);
    pub static CALLER: AtomicU32 = AtomicU32::new(0);

    pub fn action(point: &str) -> Option<String> {
        let orders = crate::os::env::env_text("SEQERA_TEST_FAULT")?;
        orders.split(',').find_map(|order| order.strip_prefix(point)?.strip_prefix('=').map(str::to_owned))
    }

    pub fn act(point: &str) {
        let Some(action) = action(point) else { return };
        let (whom, how) = action.split_once('-').unwrap_or(("self", &action));
        if how == "gone" {
            return wait_for_callers_end();
        }
        let signal = match how {
            "kill" => Signal::KILL,
            "stop" => Signal::STOP,
            "term" => Signal::TERM,
            "int" => Signal::INT,
            "hup" => Signal::HUP,
            _ => return,
        };
        if ACTED.swap(true, Ordering::SeqCst) {
            return;
        }
        let caller = caller();
        let _ = match (whom, caller) {
            ("caller", Some(caller)) => kill_process(caller, signal),
            ("group", Some(caller)) => {
                let group = crate::os::process::groups(caller).and_then(|groups| Pid::from_raw(groups.own));
                group.map_or(Ok(()), |group| kill_process_group(group, signal))
            }
            ("self", _) => kill_process(getpid(), signal),
            _ => return,
        };
    }

    fn caller() -> Option<Pid> {
        Pid::from_raw(CALLER.load(Ordering::SeqCst) as i32)
    }

    fn wait_for_callers_end() {
        let Some(caller) = caller().filter(|_| !ACTED.swap(true, Ordering::SeqCst)) else { return };
        if let Some(reached) = crate::os::env::non_empty("SEQERA_TEST_FAULT_REACHED") {
            let _ = std::fs::File::create(reached);
        }
        while test_kill_process(caller).is_ok() {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
    }
}
