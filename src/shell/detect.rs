//! Which shell started us?

use crate::os::env::env_text;

use super::Shell;

/// The nearest ancestor that is a shell. A few are asked and not only the parent, since `sudo`, `env` or a
/// script in another language may stand between.
#[cfg(unix)]
pub(super) fn ancestor() -> Option<Shell> {
    const GENERATIONS: usize = 8;
    let mut pid = std::os::unix::process::parent_id();
    for _ in 0..GENERATIONS {
        if pid <= 1 {
            return None;
        }
        let process = Process::of(pid)?;
        if let Some(shell) = process.names.iter().find_map(|name| Shell::of_program(name)) {
            return Some(shell);
        }
        pid = process.parent;
    }
    None
}

/// Windows has no cheap way to ask for the parent, and one shell that can evaluate anything.
#[cfg(not(unix))]
pub(super) fn ancestor() -> Option<Shell> {
    env_text("SHELL").is_none().then_some(Shell::PowerShell)
}

/// The person's login shell. It is not always the shell that runs us, hence the last resort.
pub(super) fn login_shell() -> Option<Shell> {
    Shell::of_program(&env_text("SHELL")?)
}

#[cfg(unix)]
struct Process {
    parent: u32,
    /// What may name the program, the most telling first.
    names: Vec<String>,
}

#[cfg(target_os = "linux")]
impl Process {
    /// proc(5): `stat` is `pid (comm) state ppid …`, and comm may itself hold spaces and parentheses. For an
    /// interpreted shell such as xonsh, comm is the script's name where `exe` is the interpreter's.
    fn of(pid: u32) -> Option<Process> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (front, back) = stat.rsplit_once(") ")?;
        let comm = front.split_once('(')?.1.to_owned();
        let exe = std::fs::read_link(format!("/proc/{pid}/exe"));
        let exe = exe.ok().and_then(|path| path.into_os_string().into_string().ok());
        let parent = back.split(' ').nth(1)?.parse().ok()?;
        Some(Process { parent, names: [Some(comm), exe].into_iter().flatten().collect() })
    }
}

#[cfg(all(unix, not(target_os = "linux")))]
impl Process {
    /// ps(1) in the form POSIX fixes: the parent's number and the command's name.
    fn of(pid: u32) -> Option<Process> {
        let output = std::process::Command::new("/bin/ps")
            .args(["-o", "ppid=", "-o", "comm=", "-p", &pid.to_string()])
            .stdin(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .output()
            .ok()?;
        let line = String::from_utf8(output.stdout).ok()?;
        let (parent, name) = line.trim().split_once(' ')?;
        Some(Process { parent: parent.parse().ok()?, names: vec![name.trim().to_owned()] })
    }
}
