//! Other programs: found on `PATH` but never in the folder we happen to be in, run for no longer than we wait.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::deadline::Deadline;

/// The folders of `PATH` that count. One that is not absolute (`.`, or an empty entry) is wherever we happen to be,
/// in a repository of somebody else's for example: nothing is ever run from there.
pub fn folders() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).filter(|folder| folder.is_absolute()).collect()
}

/// `PATH` with only the [`folders`] that count, for programs that we start and that look for others.
pub fn path() -> OsString {
    env::join_paths(folders()).unwrap_or_default()
}

/// The first program called `name` in the [`folders`] that count.
pub fn find(name: &str) -> Option<PathBuf> {
    let name = format!("{name}{}", env::consts::EXE_SUFFIX);
    folders().into_iter().map(|folder| folder.join(&name)).find(|file| is_executable(file))
}

/// A program as a shell finds it, so long as that is not in the current folder: one with a slash in it is where it
/// says, any other is looked for in the [`folders`] that count.
pub fn resolve(program: &std::ffi::OsStr) -> Option<PathBuf> {
    let path = Path::new(program);
    if path.components().count() != 1 || program.as_encoded_bytes().contains(&b'/') {
        return Some(path.to_path_buf());
    }
    if cfg!(windows) && path.extension().is_some() {
        return folders().into_iter().map(|folder| folder.join(path)).find(|file| is_executable(file));
    }
    find(program.to_str()?)
}

/// The names of the programs in the [`folders`] that count which begin so.
pub fn named(beginning: &str) -> Vec<String> {
    let entries =
        folders().into_iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
    let named = entries.filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path())));
    let begins: BTreeMap<String, PathBuf> = named.filter(|(name, _)| name.starts_with(beginning)).collect();
    begins.into_iter().filter(|(_, path)| is_executable(path)).map(|(name, _)| name).collect()
}

/// Whether the file can be run.
#[cfg(unix)]
pub fn is_executable(path: &Path) -> bool {
    path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

/// Whether the file can be run.
#[cfg(not(unix))]
pub fn is_executable(path: &Path) -> bool {
    path.is_file()
}

/// Whether somebody else than this user and root can put another program at `path`, or at what it leads to: the
/// file, or a folder on the way, belongs to another user or may be written by others. A folder with the sticky bit
/// (`/tmp`) lets nobody replace what is not theirs.
#[cfg(unix)]
pub fn is_replaceable_by_others(path: &Path) -> bool {
    let Ok(real) = std::fs::canonicalize(path) else { return true };
    let Ok(named) = std::path::absolute(path) else { return true };
    real.ancestors().chain(named.ancestors()).any(others_may_change)
}

/// Elsewhere the system's own lists decide, which we do not read.
#[cfg(not(unix))]
pub fn is_replaceable_by_others(_: &Path) -> bool {
    false
}

#[cfg(unix)]
fn others_may_change(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let Ok(found) = std::fs::metadata(path) else { return true };
    let me = rustix::process::geteuid().as_raw();
    if found.uid() != 0 && found.uid() != me {
        return true;
    }
    // What root lets a group write (Debian's /usr/local) root answers for; the user's own group is often theirs alone.
    let group_may =
        found.mode() & 0o020 != 0 && found.uid() != 0 && found.gid() != rustix::process::getegid().as_raw();
    let anybody_may = found.mode() & 0o002 != 0;
    let is_sticky = found.is_dir() && found.mode() & 0o1000 != 0;
    (group_may || anybody_may) && !is_sticky
}

/// Runs `command` to its end with `input` as its standard input. One that has not ended by `deadline` is ended,
/// with everything it started in its process group.
///
/// # Errors
/// It cannot be started, or [`io::ErrorKind::TimedOut`].
pub fn output(mut command: Command, input: &[u8], deadline: Deadline) -> io::Result<Output> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        let input = input.to_vec();
        // A program that does not read its input closes the pipe.
        thread::spawn(move || drop(stdin.write_all(&input)));
    }
    let name =
        Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let _waiting = super::waiting::begin(|| format!("Waiting for {name} ..."));
    let (stdout, stderr) = (Collected::of(child.stdout.take()), Collected::of(child.stderr.take()));
    let mut pause = Duration::from_millis(1);
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if deadline.passed() {
            end(&mut child);
            return Err(io::ErrorKind::TimedOut.into());
        }
        thread::sleep(pause.min(deadline.left()));
        pause = (pause * 2).min(Duration::from_millis(20));
    };
    Ok(Output { status, stdout: stdout.take(deadline), stderr: stderr.take(deadline) })
}

fn end(child: &mut Child) {
    #[cfg(unix)]
    let _ = rustix::process::kill_process_group(
        rustix::process::Pid::from_child(child),
        rustix::process::Signal::KILL,
    );
    #[cfg(not(unix))]
    let _ = child.kill();
    let _ = child.wait();
}

/// What comes out of a pipe. A daemon that the program left behind may hold it open for ever.
struct Collected {
    bytes: Arc<Mutex<Vec<u8>>>,
    ended: Receiver<()>,
}

impl Collected {
    fn of(pipe: Option<impl Read + Send + 'static>) -> Collected {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let (tell, ended) = mpsc::channel();
        if let Some(mut pipe) = pipe {
            let into = Arc::clone(&bytes);
            thread::spawn(move || {
                let mut piece = [0; 4096];
                while let Ok(length @ 1..) = pipe.read(&mut piece) {
                    into.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&piece[..length]);
                }
                let _ = tell.send(());
            });
        }
        Collected { bytes, ended }
    }

    fn take(self, deadline: Deadline) -> Vec<u8> {
        let _ = self.ended.recv_timeout(deadline.left().min(Duration::from_secs(1)));
        std::mem::take(&mut self.bytes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    fn sh(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_program_is_heard_to_its_end_and_not_beyond() {
        let heard = output(sh("cat; echo no >&2; exit 3"), b"yes", Deadline::after(Duration::from_secs(30)));
        let heard = heard.unwrap();
        assert_eq!(
            (heard.status.code(), &heard.stdout[..], &heard.stderr[..]),
            (Some(3), &b"yes"[..], &b"no\n"[..])
        );
        let began = std::time::Instant::now();
        let late = output(sh("sleep 600 & sleep 600"), b"", Deadline::after(Duration::from_millis(50)));
        assert_eq!(late.unwrap_err().kind(), io::ErrorKind::TimedOut);
        // What it left behind holds the pipe open.
        let left = output(sh("echo yes; sleep 20 &"), b"", Deadline::after(Duration::from_millis(200)));
        assert_eq!(left.unwrap().stdout, b"yes\n");
        assert!(began.elapsed() < Duration::from_secs(15));
    }

    #[test]
    fn who_else_may_replace_a_program_is_seen() {
        let tmp = tempfile::tempdir().unwrap();
        let (folder, file) = (tmp.path().join("bin"), tmp.path().join("bin/seqera"));
        fs::create_dir(&folder).unwrap();
        fs::write(&file, "").unwrap();
        let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        for (folder_mode, file_mode, replaceable) in
            [(0o755, 0o755, false), (0o777, 0o755, true), (0o755, 0o757, true), (0o1777, 0o755, false)]
        {
            mode(&folder, folder_mode);
            mode(&file, file_mode);
            assert_eq!(is_replaceable_by_others(&file), replaceable, "{folder_mode:o} {file_mode:o}");
        }
        mode(&folder, 0o777);
        let link = tmp.path().join("link");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert!(is_replaceable_by_others(&link));
        assert!(is_replaceable_by_others(&tmp.path().join("missing")));
    }
}
