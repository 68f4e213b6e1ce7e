//! This process, as the system sees it.

use std::fs;

use serde::{Deserialize, Serialize};

use super::deadline;

/// Keeps secrets in memory out of core dumps and from other processes of the same user (prctl(2),
/// `PR_SET_DUMPABLE`); programs that we start are as before. Where the system has no such thing, nothing. And
/// sees to it that a limit on the size of files is an error like any other.
pub fn harden() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    // A file that may not grow (`ulimit -f`) is a full disk to us; by default the system ends the process.
    #[cfg(unix)]
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, std::sync::Arc::default());
}

/// While this lives, neither a signal that asks the process to end (SIGINT, SIGTERM, SIGHUP, SIGQUIT) nor the
/// [`watchdog`](deadline::watchdog) ends it; a signal that came meanwhile ends it afterwards.
pub struct Uninterrupted {
    #[cfg(unix)]
    signals: signals::Deferred,
    _watchdog: deadline::Uninterrupted,
}

impl Uninterrupted {
    /// Begins.
    pub fn begin() -> Uninterrupted {
        Uninterrupted {
            #[cfg(unix)]
            signals: signals::Deferred::begin(),
            _watchdog: deadline::Uninterrupted::begin(),
        }
    }
}

#[cfg(unix)]
pub use signals::{SignalsTaken, is_ignored};

#[cfg(unix)]
impl Drop for Uninterrupted {
    fn drop(&mut self) {
        self.signals.end();
    }
}

#[cfg(unix)]
mod signals {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::sync::{Arc, LazyLock};

    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    use signal_hook::{SigId, flag, low_level};

    const SIGNALS: [i32; 4] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT];

    /// Whether a signal may end the process. The library never gives a signal's own effect back, so it is asked
    /// for it, once, and this decides.
    static MAY_END: LazyLock<Arc<AtomicBool>> = LazyLock::new(|| {
        let may_end = Arc::new(AtomicBool::new(false));
        for signal in ours() {
            let _ = flag::register_conditional_default(signal, Arc::clone(&may_end));
        }
        may_end
    });

    /// How many parts of the program handle signals in their own way just now.
    static TAKERS: AtomicUsize = AtomicUsize::new(0);

    /// While this lives no signal ends the process: its holder handles them, also after an
    /// [`Uninterrupted`](super::Uninterrupted) time has ended.
    #[derive(Debug)]
    pub struct SignalsTaken(());

    impl SignalsTaken {
        /// Begins.
        pub fn begin() -> SignalsTaken {
            TAKERS.fetch_add(1, Ordering::SeqCst);
            MAY_END.store(false, Ordering::SeqCst);
            SignalsTaken(())
        }
    }

    impl Drop for SignalsTaken {
        fn drop(&mut self) {
            if TAKERS.fetch_sub(1, Ordering::SeqCst) == 1 {
                MAY_END.store(true, Ordering::SeqCst);
            }
        }
    }

    fn ours() -> impl Iterator<Item = i32> {
        SIGNALS.into_iter().filter(|signal| !is_ignored(*signal))
    }

    pub struct Deferred {
        came: Arc<AtomicUsize>,
        ids: Vec<SigId>,
    }

    /// Whether our parent wants us, and what we become, to ignore the signal (nohup(1)).
    pub fn is_ignored(signal: i32) -> bool {
        // There is no safe way to ask sigaction(2); proc(5) tells on Linux, and elsewhere nothing does.
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
        mask & (1 << (signal - 1)) != 0
    }

    impl Deferred {
        pub fn begin() -> Deferred {
            let came = Arc::new(AtomicUsize::new(0));
            MAY_END.store(false, Ordering::SeqCst);
            let note = |signal| flag::register_usize(signal, Arc::clone(&came), signal as usize).ok();
            let ids = ours().filter_map(note).collect();
            Deferred { came, ids }
        }

        pub fn end(&mut self) {
            let is_taken = TAKERS.load(Ordering::SeqCst) > 0;
            MAY_END.store(!is_taken, Ordering::SeqCst);
            let came = self.came.load(Ordering::SeqCst);
            for id in self.ids.drain(..) {
                low_level::unregister(id);
            }
            if came != 0 && !is_taken {
                let _ = low_level::emulate_default_handler(came as i32);
            }
        }
    }
}

/// A process: enough to prove, on the same host, that it is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The host's name; empty where it is not known.
    pub host: String,
    /// What tells the host from another of that name: machine-id(5).
    #[serde(default)]
    pub machine: String,
    /// Changes with every start of the host; empty where it is not known.
    pub boot: String,
    /// Where its number counts: containers on one host number their processes each for itself.
    #[serde(default)]
    pub pid_namespace: String,
    /// The process.
    pub pid: u32,
    /// When the process began, in the kernel's own unit: a number may be given to another process.
    pub began: u64,
}

impl Identity {
    /// This process.
    pub fn here() -> Identity {
        let pid = std::process::id();
        Identity {
            host: host_name(),
            machine: machine_id(),
            boot: boot_id(),
            pid_namespace: pid_namespace(),
            pid,
            began: stat(pid).and_then(|stat| began(&stat)).unwrap_or(0),
        }
    }

    /// Whether that process certainly no longer runs. Of another host nothing is certain, and neither is it of
    /// another container on this one.
    pub fn is_gone(&self) -> bool {
        let here = Identity::here();
        if self.boot.is_empty() || here.boot.is_empty() {
            return false;
        }
        match self.boot == here.boot {
            true => {
                let can_see_it = !here.pid_namespace.is_empty() && self.pid_namespace == here.pid_namespace;
                can_see_it && self.has_ended()
            }
            // Cloned machines may share a name or a number, and hardly both.
            false => self.host == here.host && self.machine == here.machine,
        }
    }

    /// Whether it ran under the kernel that runs here, since it was last started.
    pub fn is_of_this_boot(&self) -> bool {
        !self.boot.is_empty() && self.boot == boot_id()
    }

    /// Whether its number means something here: containers number their processes each for itself.
    pub fn is_visible_here(&self) -> bool {
        !self.pid_namespace.is_empty() && self.pid_namespace == pid_namespace()
    }

    fn has_ended(&self) -> bool {
        match stat(self.pid) {
            Some(stat) => began(&stat) != Some(self.began),
            // It may be hidden (`hidepid`, proc(5)): we dump no core, which hides us even from each other.
            None => !is_there(self.pid),
        }
    }
}

/// The name of this host.
pub fn host_name() -> String {
    #[cfg(feature = "fault-points")]
    if let Some(host) = super::env::env_text("SEQERA_TEST_HOST") {
        return host;
    }
    #[cfg(unix)]
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    #[cfg(not(unix))]
    let name = std::env::var("COMPUTERNAME").unwrap_or_default();
    name
}

fn boot_id() -> String {
    #[cfg(feature = "fault-points")]
    if let Some(boot) = super::env::env_text("SEQERA_TEST_BOOT_ID") {
        return boot;
    }
    match fs::read_to_string("/proc/sys/kernel/random/boot_id") {
        Ok(boot) => boot.trim().to_owned(),
        Err(_) => String::new(),
    }
}

/// machine-id(5).
fn machine_id() -> String {
    fs::read_to_string("/etc/machine-id").map(|id| id.trim().to_owned()).unwrap_or_default()
}

/// namespaces(7); empty where there are none.
fn pid_namespace() -> String {
    fs::read_link("/proc/self/ns/pid").map(|link| link.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Whether a process has this number, as kill(2) knows.
#[cfg(unix)]
fn is_there(pid: u32) -> bool {
    use rustix::process::{Pid, test_kill_process};
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

#[cfg(not(unix))]
fn is_there(_: u32) -> bool {
    true
}

fn stat(pid: u32) -> Option<String> {
    #[cfg(feature = "fault-points")]
    if pid != std::process::id() && super::env::env_text("SEQERA_TEST_HIDEPID").is_some() {
        return None;
    }
    stat_of(pid)
}

/// proc_pid_stat(5) of a number or of `self`.
fn stat_of(pid: impl std::fmt::Display) -> Option<String> {
    fs::read_to_string(format!("/proc/{pid}/stat")).ok()
}

/// Two process groups. One that began outside the PID namespace is 0 (pid_namespaces(7)).
#[cfg(unix)]
#[derive(Debug, PartialEq)]
pub struct Groups {
    /// That of the process itself.
    pub own: i32,
    /// The one in the foreground of its terminal; -1 where it has none.
    pub foreground: i32,
}

/// The groups of a process, a number or `self`. Never by getpgrp(2), whose 0 rustix takes for impossible.
#[cfg(target_os = "linux")]
pub fn groups(pid: impl std::fmt::Display) -> Option<Groups> {
    groups_in(&stat_of(pid)?)
}

/// The groups of this process; the other systems have no such namespaces.
#[cfg(all(unix, not(target_os = "linux")))]
pub fn groups(_: impl std::fmt::Display) -> Option<Groups> {
    let foreground = rustix::termios::tcgetpgrp(std::io::stdin()).map_or(-1, |group| group.as_raw_pid());
    Some(Groups { own: rustix::process::getpgrp().as_raw_pid(), foreground })
}

/// Fields 5 and 8 of proc_pid_stat(5).
#[cfg(target_os = "linux")]
fn groups_in(stat: &str) -> Option<Groups> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(2);
    Some(Groups { own: fields.next()?.parse().ok()?, foreground: fields.nth(2)?.parse().ok()? })
}

/// Field 22 of proc_pid_stat(5); the second field may hold anything, parentheses included. Nothing for a
/// process that has ended, also while nobody has waited for it.
fn began(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    match fields.next()? {
        "Z" | "X" => None,
        _ => fields.nth(18)?.parse().ok(),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use rustix::process::{Signal, getpid, kill_process};

    const CHILD: &str = "SEQERA_TEST_SIGNALS";

    /// Sends itself SIGTERM in the second of two such times; only its end may obey.
    #[test]
    fn child() {
        if std::env::var_os(CHILD).is_none() {
            return;
        }
        drop(Uninterrupted::begin());
        let second = Uninterrupted::begin();
        kill_process(getpid(), Signal::TERM).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(50));
        println!("still here");
        drop(second);
        println!("not here");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn groups_are_read_past_any_name() {
        let groups = |stat| groups_in(stat).map(|groups| (groups.own, groups.foreground));
        assert_eq!(groups("7 (a) b) S 1 0 0 34816 0 4194304 1"), Some((0, 0)));
        assert_eq!(groups("7 (sh) S 1 21 21 0 -1 4194304 1"), Some((21, -1)));
        assert_eq!(groups("7 (sh) S 1 21"), None);
        assert!(super::groups("self").is_some());
    }

    #[test]
    fn a_signal_waits_the_second_time_as_well() {
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "os::process::tests::child", "--nocapture"])
            .env(CHILD, "1")
            .output()
            .unwrap();
        let out = String::from_utf8_lossy(&child.stdout).into_owned();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&child.status), Some(15), "{out}");
        assert!(out.contains("still here") && !out.contains("not here"), "{out}");
    }
}
