//! A real shell in a real terminal (tmux answers the questions that some shells ask theirs).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use rustix::process::{Pid, Signal, kill_process};
use seqera_credential_helper::command::hook::{HookEnvArgs, run_env};
use seqera_credential_helper::error::Error;
use seqera_credential_helper::os::paths::Paths;
use seqera_credential_helper::provider::{Organization, ProviderId};
use seqera_credential_helper::secret::Secret;
use seqera_credential_helper::session::mark::Mark;
use seqera_credential_helper::session::profile::{Method, Profile, ProfileName};
use seqera_credential_helper::shell::Shell;

use super::{nu, program, write};

pub type Env = BTreeMap<String, Vec<u8>>;

pub fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

/// A person's home: our folders, their shells' start-up files, and a `bin` before everything else on PATH.
pub struct Home {
    pub dir: tempfile::TempDir,
    pub paths: Paths,
}

/// The program that the hooks run is a stand-in here: it writes down how it was called and gives the answer
/// that [`Home::answers`] put ready, which comes from the real `hook-env`.
const SEQERA: &str = r#"#!/bin/sh
while [ -e "$HOME/busy" ]; do sleep 0.05; done
echo "$*" >>"$HOME/calls"
[ ! -e "$HOME/slow" ] || exec sleep 600
cat "$HOME/answer.$2" 2>/dev/null
exit "$(cat "$HOME/code" 2>/dev/null || echo 0)"
"#;

/// Leaves the environment that a program gets in a file.
pub const SNAPSHOT: &str =
    "#!/bin/sh\nenv -0 >\"$HOME/env.$1.part\"\nmv \"$HOME/env.$1.part\" \"$HOME/env.$1\"\n";

#[derive(Parser)]
struct HookEnv {
    #[command(flatten)]
    args: HookEnvArgs,
}

impl Home {
    pub fn new() -> Home {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::below(&dir.path().join("helper"));
        let home = Home { dir, paths };
        std::fs::create_dir(home.path("bin")).unwrap();
        home.executable("seqera", SEQERA);
        home.executable("snapshot", SNAPSHOT);
        home
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn executable(&self, name: &str, text: &str) {
        use std::os::unix::fs::PermissionsExt;
        let file = self.path("bin").join(name);
        write(&file, text.as_bytes());
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Puts a program before the system's of the same name.
    pub fn prefers(&self, program: &Path) {
        std::os::unix::fs::symlink(program, self.path("bin").join(program.file_name().unwrap())).unwrap();
    }

    /// A login as the session room writes it: profile and mark.
    pub fn log_in(&self, generation: u64, organization: &str) -> Profile {
        let profile = Profile {
            name: ProfileName::default_name(),
            provider: ProviderId::SEQERA,
            endpoint: "https://api.cloud.seqera.io".parse().unwrap(),
            method: Method::Browser,
            api_key: None,
            registry: None,
            backend: None,
            account: Some("someone@example.com".into()),
            account_id: Some("1".into()),
            organization: Some(Organization { id: "7".into(), name: organization.into() }),
            organizations: Vec::new(),
            workspace: None,
            workspaces: Vec::new(),
            generation,
            session_generation: 0,
            logged_in_at: now(),
            access_expires_at: Some(now() + 3600),
            session_expires_at: Some(now() + 30 * 86_400),
            renews: true,
            ended_at: None,
        };
        self.put(&profile);
        profile
    }

    pub fn put(&self, profile: &Profile) {
        profile.save(&self.paths).unwrap();
        Mark::write(&self.paths, profile, true).unwrap();
    }

    pub fn log_out(&self) {
        let name = ProfileName::default_name();
        Profile::remove(&self.paths, &name).unwrap();
        Mark::write_logged_out(&self.paths, &name, true).unwrap();
    }

    /// Changes several things at once, as far as the stand-in can see: the real program reads one state.
    pub fn at_once<T>(&self, change: impl FnOnce() -> T) -> T {
        write(&self.path("busy"), b"");
        let answer = change();
        std::fs::remove_file(self.path("busy")).unwrap();
        answer
    }

    /// Puts ready what the real `hook-env` answers to this shell with this environment, where the session
    /// has `token`, or none.
    pub fn answers(&self, shell: Shell, env: &Env, token: Option<&[u8]>) {
        use std::os::unix::ffi::OsStringExt;
        let look = |name: &str| {
            env.get(name).filter(|value| !value.is_empty()).cloned().map(std::ffi::OsString::from_vec)
        };
        let fresh = |profile: &Profile, _| match token {
            Some(token) => Ok((profile.clone(), Secret::new(token))),
            None => Err(Error::unreachable("the Platform does not answer").next("it will be tried again")),
        };
        let args = HookEnv::parse_from(["hook-env", &shell.to_string()]).args;
        let mut out = Vec::new();
        let code =
            run_env(&args, &self.paths, Some(&ProfileName::default_name()), &look, fresh, "seqera", &mut out)
                .unwrap();
        write(&self.path(&format!("answer.{shell}")), &out);
        write(&self.path("code"), code.to_string().as_bytes());
    }

    /// How often the program was run, by what it was asked.
    pub fn calls(&self) -> Vec<String> {
        let calls = std::fs::read_to_string(self.path("calls")).unwrap_or_default();
        calls.lines().map(String::from).collect()
    }

    /// A command that runs in this home with nothing of ours in its environment.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        let path = std::env::var_os("PATH").unwrap();
        let ours = [self.path("bin")].into_iter().chain(std::env::split_paths(&path));
        command
            .env_clear()
            .env("PATH", std::env::join_paths(ours).unwrap())
            .env("HOME", self.dir.path())
            .env("LC_ALL", "C.UTF-8")
            .env("TERM", "xterm-256color")
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_DATA_HOME", self.path("data"))
            .env("SEQERA_HELPER_HOME", self.path("helper"))
            .stdin(Stdio::null());
        command
    }

    /// The hook as the real program prints it.
    pub fn hook(&self, shell: Shell, options: &[&str]) -> String {
        let output = self
            .command(crate::support::seqera())
            .args(["hook", &shell.to_string()])
            .args(options)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// What takes the hook out of a shell that has this environment, as the real program prints it, in `$HOME/off`.
    pub fn off(&self, shell: Shell, env: &Env) {
        let variables = env.iter().map(|(name, value)| (name, String::from_utf8_lossy(value).into_owned()));
        let output = self
            .command(crate::support::seqera())
            .envs(variables)
            .args(["hook", &shell.to_string(), "--off"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        write(&self.path("off"), &output.stdout);
    }

    /// A start-up file that loads the hook, between what a person may have before and after it.
    pub fn rc(&self, shell: Shell, options: &[&str], before: &str, after: &str) -> PathBuf {
        let hook = self.path("hook");
        write(&hook, self.hook(shell, options).as_bytes());
        let hook = hook.display();
        let load = match shell {
            Shell::Bash | Shell::Zsh | Shell::Posix => format!("\\eval \"$(cat {hook})\""),
            Shell::Fish => format!("cat {hook} | source"),
            Shell::Elvish => format!("eval (slurp < {hook})"),
            // With its threads, xonsh 0.13 now and then waits for ever for a program that has ended.
            Shell::Xonsh => format!("$THREAD_SUBPROCS = False; execx(open('{hook}').read())"),
            Shell::Tcsh => format!("eval \"`cat {hook}`\""),
            Shell::Nu => format!("source {hook}"),
            Shell::PowerShell => panic!("no PowerShell here"),
        };
        let quiet = if shell == Shell::Nu { "$env.config.show_banner = false" } else { "" };
        let name = match shell {
            Shell::Zsh => ".zshrc",
            Shell::Tcsh => ".tcshrc",
            _ => "rc",
        };
        let rc = self.path(name);
        write(&rc, format!("{quiet}\n{before}\n{load}\n{after}\n").as_bytes());
        rc
    }
}

/// Where a terminal is opened.
pub trait Place {
    fn dir(&self) -> &Path;
    /// A program as a person who lives here starts it.
    fn command(&self, program: &Path) -> Command;
}

impl Place for Home {
    fn dir(&self) -> &Path {
        self.dir.path()
    }

    fn command(&self, program: &Path) -> Command {
        Home::command(self, program)
    }
}

impl Place for crate::support::home::Home {
    fn dir(&self) -> &Path {
        self.path()
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = crate::support::home::Home::command(self, program);
        command.stdin(Stdio::null());
        command
    }
}

static SERVERS: AtomicUsize = AtomicUsize::new(0);

/// A terminal with a shell in it.
pub struct Terminal<'a> {
    home: &'a dyn Place,
    socket: String,
    snapshots: usize,
    /// Nushell loses what is typed while it asks its terminal where the cursor is.
    is_forgetful: bool,
}

impl<'a> Terminal<'a> {
    /// Starts the shell with this start-up file and these variables besides.
    pub fn open(home: &'a dyn Place, shell: Shell, rc: &Path, env: &[(&str, &str)]) -> Terminal<'a> {
        let mut terminal = Terminal::run(home, &command_line(shell, rc), env);
        terminal.is_forgetful = matches!(shell, Shell::Nu | Shell::Xonsh);
        wait_for(|| !terminal.screen().trim().is_empty(), || format!("{shell} has no prompt"));
        terminal
    }

    /// Starts a program.
    pub fn run(home: &'a dyn Place, line: &[String], env: &[(&str, &str)]) -> Terminal<'a> {
        let number = SERVERS.fetch_add(1, Ordering::Relaxed);
        let socket = format!("seqera-{}-{number}", std::process::id());
        let terminal = Terminal { home, socket, snapshots: 0, is_forgetful: false };
        let mut tmux = terminal.command();
        tmux.envs(env.iter().copied());
        tmux.args(["-f", "/dev/null", "new-session", "-d", "-x", "180", "-y", "50"]).args(line);
        let output = tmux.output().unwrap();
        assert!(output.status.success(), "tmux: {}", String::from_utf8_lossy(&output.stderr));
        terminal
    }

    fn command(&self) -> Command {
        let mut tmux = self.home.command(&program("tmux"));
        tmux.env("TMUX_TMPDIR", self.home.dir()).args(["-L", &self.socket]);
        tmux
    }

    fn tmux(&self, args: &[&str]) -> Output {
        self.command().args(args).output().unwrap()
    }

    /// Types a line and Enter.
    pub fn type_line(&self, line: &str) {
        if self.is_forgetful {
            std::thread::sleep(Duration::from_millis(300));
        }
        if !line.is_empty() {
            self.tmux(&["send-keys", "-l", line]);
        }
        self.tmux(&["send-keys", "Enter"]);
    }

    /// Presses Enter many times.
    pub fn press_enter(&self, times: usize) {
        self.tmux(&["send-keys", "-N", &times.to_string(), "Enter"]);
    }

    /// Types without Enter.
    pub fn types(&self, text: &str) {
        self.tmux(&["send-keys", "-l", text]);
    }

    /// Presses a key by tmux's name for it.
    pub fn press(&self, key: &str) {
        self.tmux(&["send-keys", key]);
    }

    /// From now on, writes down every byte that is sent to the terminal.
    pub fn record(&self, file: &Path) {
        self.tmux(&["pipe-pane", &format!("exec cat >'{}'", file.display())]);
        wait_for(|| file.exists(), || "nothing is recorded".into());
    }

    /// What is on the screen.
    pub fn screen(&self) -> String {
        let output = self.tmux(&["capture-pane", "-p", "-J", "-S", "-200"]);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Waits until the screen shows `text`.
    pub fn sees(&self, text: &str) {
        wait_for(|| self.screen().contains(text), || format!("no {text:?} on\n{}", self.screen()));
    }

    /// The environment that a program started from here gets.
    pub fn env(&mut self) -> Env {
        self.snapshots += 1;
        let file = self.home.dir().join(format!("env.{}.{}", self.socket, self.snapshots));
        let line = format!("snapshot {}.{}", self.socket, self.snapshots);
        self.type_line(&line);
        // A shell that drops what is typed before its prompt is ready may have dropped this, too.
        for _ in 0..3 {
            let patience = Instant::now() + Duration::from_secs(8);
            while self.is_forgetful && !file.exists() && Instant::now() < patience {
                std::thread::sleep(Duration::from_millis(25));
            }
            if self.is_forgetful && !file.exists() {
                self.type_line(&line);
            }
        }
        wait_for(|| file.exists(), || format!("no snapshot of\n{}\n{}", self.screen(), self.runs()));
        let bytes = std::fs::read(file).unwrap();
        let entries = bytes.split(|byte| *byte == 0).filter(|entry| !entry.is_empty());
        entries
            .map(|entry| {
                let at = entry.iter().position(|byte| *byte == b'=').unwrap();
                (String::from_utf8_lossy(&entry[..at]).into_owned(), entry[at + 1..].to_vec())
            })
            .collect()
    }

    /// What the terminal runs, for a message.
    fn runs(&self) -> String {
        let output = self.tmux(&["list-panes", "-F", "#{pane_tty} #{pane_pid} #{pane_current_command}"]);
        let line = String::from_utf8_lossy(&output.stdout).into_owned();
        let tty = line.split(' ').next().unwrap_or_default().trim_start_matches("/dev/").to_owned();
        let ps = Command::new("ps").args(["-o", "pid,stat,wchan,args", "-t", &tty]).output().unwrap();
        format!("{line}{}", String::from_utf8_lossy(&ps.stdout))
    }

    /// Waits until a command typed here has left this file, and reads it.
    pub fn reads(&self, name: &str) -> String {
        let file = self.home.dir().join(name);
        let read = || std::fs::read_to_string(&file).ok().filter(|text| text.ends_with('\n'));
        wait_for(|| read().is_some(), || format!("no {name} after\n{}", self.screen()));
        read().unwrap()
    }
}

impl Drop for Terminal<'_> {
    fn drop(&mut self) {
        let shell = self.tmux(&["display-message", "-p", "#{pane_pid}"]).stdout;
        let shell = String::from_utf8_lossy(&shell).trim().parse().ok().and_then(Pid::from_raw);
        self.tmux(&["kill-server"]);
        // xonsh outlives its terminal at times, and never rests then.
        if let Some(shell) = shell {
            let _ = kill_process(shell, Signal::KILL);
        }
    }
}

pub fn wait_for(condition: impl Fn() -> bool, otherwise: impl Fn() -> String) {
    let end = Instant::now() + Duration::from_secs(40);
    while !condition() {
        assert!(Instant::now() < end, "{}", otherwise());
        std::thread::sleep(Duration::from_millis(25));
    }
}

/// How a person's shell starts when its only start-up file is `rc`.
pub fn command_line(shell: Shell, rc: &Path) -> Vec<String> {
    let rc = rc.to_str().unwrap();
    let home = Path::new(rc).parent().unwrap().to_str().unwrap();
    let line: Vec<String> = match shell {
        Shell::Bash => vec!["bash".into(), "--noprofile".into(), "--rcfile".into(), rc.into(), "-i".into()],
        Shell::Zsh => vec!["env".into(), format!("ZDOTDIR={home}"), "zsh".into(), "-d".into(), "-i".into()],
        Shell::Fish => {
            vec!["fish".into(), "--no-config".into(), "-i".into(), "-C".into(), format!("source {rc}")]
        }
        Shell::Posix => vec!["env".into(), format!("ENV={rc}"), "dash".into(), "-i".into()],
        Shell::Elvish => vec!["elvish".into(), "-rc".into(), rc.into()],
        Shell::Xonsh => vec!["xonsh".into(), "--rc".into(), rc.into(), "-i".into()],
        Shell::Tcsh => vec!["tcsh".into()],
        Shell::Nu => vec![
            nu().display().to_string(),
            "--config".into(),
            rc.into(),
            "--env-config".into(),
            "/dev/null".into(),
        ],
        Shell::PowerShell => panic!("no PowerShell here"),
    };
    line
}

/// What a snapshot has under a name, as text.
pub fn text<'a>(env: &'a Env, name: &str) -> Option<&'a str> {
    std::str::from_utf8(env.get(name)?).ok()
}
