//! A home of a test's own, and the programs that run in it.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tempfile::TempDir;

/// Far beyond what any program here needs on a busy machine: who reaches it hangs.
const HANGS: Duration = Duration::from_secs(60);

/// A home that no other test sees, with the programs under test on its `PATH` under every name that a client
/// looks for. It has no session bus, no terminal prompt and nothing of the environment the tests run in.
pub struct Home {
    folder: TempDir,
    env: Vec<(OsString, OsString)>,
}

impl Home {
    pub fn new() -> Home {
        let home =
            Home { folder: tempfile::Builder::new().prefix("seqera-").tempdir().unwrap(), env: Vec::new() };
        for folder in ["bin", "run", "tmp"] {
            fs::DirBuilder::new().mode(0o700).create(home.path().join(folder)).unwrap();
        }
        let helper = crate::support::helper();
        for name in ["seqera-credential-helper", "git-credential-seqera", "docker-credential-seqera"] {
            symlink(helper, home.bin().join(name)).unwrap();
        }
        for name in ["seqera", "sekuire"] {
            symlink(crate::support::seqera(), home.bin().join(name)).unwrap();
        }
        home
    }

    /// A home whose store keeps its key in a file, as if the person had asked for that.
    pub fn with_file_store() -> Home {
        let mut home = Home::new();
        home.set("SEQERA_HELPER_STORE", "file");
        home
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The folder that comes first on `PATH`.
    pub fn bin(&self) -> PathBuf {
        self.path().join("bin")
    }

    /// Sets a variable for every program that is started from here on.
    pub fn set(&mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) {
        self.env.push((name.as_ref().into(), value.as_ref().into()));
    }

    /// Writes a file below the home, with the folders it is in.
    pub fn write(&self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Puts an executable script on the `PATH` of this home.
    pub fn script(&self, name: &str, content: &str) {
        let path = self.write(Path::new("bin").join(name), content);
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
    }

    /// A program in this home: a name is looked up in [`Home::bin`] and then on the machine's `PATH`.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let machine = std::env::var_os("PATH").unwrap();
        let path = std::iter::once(self.bin()).chain(std::env::split_paths(&machine));
        let path = std::env::join_paths(path).unwrap();
        let program = program.as_ref();
        // `Command` looks a name up on the PATH of the tests, not on the one it sets.
        let ours = self.bin().join(program);
        let mut command = Command::new(if ours.exists() { ours.as_os_str() } else { program });
        command.arg0(program).env_clear().env("PATH", path).current_dir(self.path());
        command.env("HOME", self.path()).env("TMPDIR", self.path().join("tmp")).env("LC_ALL", "C.UTF-8");
        for (name, folder) in [
            ("XDG_CONFIG_HOME", ".config"),
            ("XDG_DATA_HOME", ".local/share"),
            ("XDG_STATE_HOME", ".local/state"),
            ("XDG_CACHE_HOME", ".cache"),
            ("XDG_RUNTIME_DIR", "run"),
        ] {
            command.env(name, self.path().join(folder));
        }
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_TERMINAL_PROMPT", "0");
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a program to its end with `stdin` as its input.
    #[track_caller]
    pub fn run(&self, program: &str, args: &[&str], stdin: impl AsRef<[u8]>) -> Run {
        let mut command = self.command(program);
        command.args(args);
        run(command, stdin)
    }
}

/// How a program ended and what it said.
pub struct Run {
    line: String,
    pub status: ExitStatus,
    pub took: Duration,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

impl Run {
    /// The exit code; 128 and the signal where a signal ended it, as a shell says it.
    pub fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| 128 + self.status.signal().unwrap())
    }

    /// stdout as text.
    pub fn out(&self) -> String {
        text(&self.stdout)
    }

    /// stderr as text.
    pub fn err(&self) -> String {
        text(&self.stderr)
    }

    /// Asserts the exit code, and shows everything where it is another.
    #[track_caller]
    pub fn expect(self, code: i32) -> Run {
        assert_eq!(self.code(), code, "{self:?}");
        self
    }

    /// Asserts success and answers stdout.
    #[track_caller]
    pub fn ok(self) -> String {
        self.expect(0).out()
    }
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Run { line, status, took, .. } = self;
        write!(f, "{line}\n{status} after {took:?}\nstdout: {}\nstderr: {}", self.out(), self.err())
    }
}

/// Runs a command to its end with `stdin` as its input. One that does not end is killed, with everything it
/// started, and the test fails. What it says goes to files: a left-over child that keeps a pipe open cannot
/// hang the test.
#[track_caller]
pub fn run(command: Command, stdin: impl AsRef<[u8]>) -> Run {
    start(command, stdin).finish()
}

/// Starts a command with `stdin` as its input.
#[track_caller]
pub fn start(mut command: Command, stdin: impl AsRef<[u8]>) -> Running {
    let line = format!("{:?} {:?}", command.get_program(), command.get_args().collect::<Vec<_>>());
    let (stdout, stderr) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
    command.stdout(stdout.try_clone().unwrap()).stderr(stderr.try_clone().unwrap());
    let started = Instant::now();
    command.stdin(Stdio::piped()).process_group(0);
    let mut child = spawned(&mut command)
        .unwrap_or_else(|error| panic!("{line}: {error}; tests/tools/install.sh installs what is missing"));
    drop(command);
    let mut input = child.stdin.take().unwrap();
    let bytes = stdin.as_ref().to_vec();
    // Who does not read all of its input gets what it wants: a pipe that closes.
    let writer = std::thread::spawn(move || drop(input.write_all(&bytes)));
    Running { line, started, child, writer: Some(writer), stdout, stderr, ended: false }
}

/// Starts it. A program that a test has just written is busy as long as a process that another test starts meanwhile
/// has not yet closed what it inherited.
fn spawned(command: &mut Command) -> std::io::Result<Child> {
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        match command.spawn() {
            Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy && Instant::now() < end => {
                std::thread::sleep(Duration::from_millis(10));
            }
            spawned => return spawned,
        }
    }
}

/// A program that runs; it is killed when dropped.
pub struct Running {
    line: String,
    started: Instant,
    child: Child,
    writer: Option<JoinHandle<()>>,
    stdout: fs::File,
    stderr: fs::File,
    ended: bool,
}

impl Running {
    /// Its number.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Waits until it has been stopped: 3rd field of proc_pid_stat(5).
    #[track_caller]
    pub fn until_stopped(&self) {
        let stat = format!("/proc/{}/stat", self.child.id());
        until(HANGS, &format!("{} stops", self.line), || {
            let stat = fs::read_to_string(&stat).unwrap();
            stat.rsplit_once(')').unwrap().1.trim_start().starts_with('T')
        });
    }

    /// Waits for its end.
    #[track_caller]
    pub fn finish(mut self) -> Run {
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if self.started.elapsed() > HANGS {
                self.kill();
                panic!("{}: does not end\nstderr: {}", self.line, text(&whole(&mut self.stderr)));
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        self.ended = true;
        let took = self.started.elapsed();
        let _ = self.writer.take().unwrap().join();
        let (stdout, stderr) = (whole(&mut self.stdout), whole(&mut self.stderr));
        Run { line: std::mem::take(&mut self.line), status, took, stdout, stderr }
    }

    fn kill(&mut self) {
        let _ = kill_process_group(self.pid(), Signal::KILL);
        let _ = self.child.wait();
        self.ended = true;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            self.kill();
        }
    }
}

/// Makes a program break at a point of `src/fault.rs`, as `POINT=HOW`.
#[track_caller]
pub fn break_at(command: &mut Command, order: &str) {
    if cfg!(not(feature = "fault-points")) {
        panic!("run with: cargo test --features fault-points");
    }
    command.env("SEQERA_TEST_FAULT", order);
}

/// Waits until a condition holds, and fails the test where it does not within `deadline`.
#[track_caller]
pub fn until(deadline: Duration, what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + deadline;
    while !condition() {
        assert!(Instant::now() < end, "{what}: not within {deadline:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Bytes as text.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn whole(file: &mut fs::File) -> Vec<u8> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0)).unwrap();
    file.read_to_end(&mut bytes).unwrap();
    bytes
}

/// The same program, begun only when the terminal echoes as a person's does: it is started without, and told to
/// a moment later, which must not undo what the program does to the echo.
pub fn when_it_echoes(command: &Command) -> Command {
    let wait = r#"until stty -a | grep -q '[; ]echo '; do sleep 0.01; done; exec "$0" "$@""#;
    let mut waiting = Command::new("sh");
    waiting.args(["-c", wait]).arg(command.get_program()).args(command.get_args()).env_clear();
    waiting.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = command.get_current_dir() {
        waiting.current_dir(folder);
    }
    waiting
}
