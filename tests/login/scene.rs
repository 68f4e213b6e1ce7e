//! A person, their home, a Platform, and a browser that does what a test says.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use expectrl::process::unix::WaitStatus;
use expectrl::{Eof, Expect, Regex};

use seqera_credential_helper::os::deadline::Deadline;
use seqera_credential_helper::os::paths::Paths;
use seqera_credential_helper::session::profile::ProfileName;
use seqera_credential_helper::session::{Session, Sessions};

use crate::platform::Platform;
use crate::platform::http;
use crate::support::home::{Home, Run, run, until};

/// Longer than anything here takes on a busy machine.
pub const SOON: Duration = Duration::from_secs(20);

pub struct Scene {
    pub platform: Platform,
    pub home: Home,
    /// Everything that any program said.
    said: Mutex<Vec<u8>>,
}

impl Scene {
    pub fn new() -> Scene {
        let platform = Platform::start();
        let mut home = Home::with_file_store();
        home.set("SEQERA_PLATFORM_API_URL", platform.api());
        home.set("SEQERA_AUTH_REDIRECT_PORT", "0");
        // Whatever is proved here is proved with all tongues loosened.
        home.set("SEQERA_HELPER_LOG", "trace");
        home.script(
            "browser",
            "#!/bin/sh\nprintf %s \"$1\" > \"$HOME/url.new\" && mv \"$HOME/url.new\" \"$HOME/url\"\n",
        );
        home.set("BROWSER", home.bin().join("browser"));
        Scene { platform, home, said: Mutex::default() }
    }

    /// Runs `seqera` to its end.
    #[track_caller]
    pub fn seqera(&self, args: &[&str], stdin: &str) -> Run {
        self.keep(run(self.command(args), stdin))
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.home.command("seqera");
        command.args(args);
        command
    }

    pub fn keep(&self, run: Run) -> Run {
        self.said.lock().unwrap().extend([&run.stdout[..], &run.stderr].concat());
        run
    }

    /// Runs `seqera login` while `person` sits at the browser: they get the address it was opened with. With the
    /// run comes what they answered.
    #[track_caller]
    pub fn login<T: Send>(&self, args: &[&str], person: impl FnOnce(&str) -> T + Send) -> (Run, T) {
        let url = self.home.path().join("url");
        let _ = fs::remove_file(&url);
        let command = self.command(&[&["login"], args].concat());
        let (run, answer) = std::thread::scope(|scope| {
            let person = scope.spawn(move || person(&appears(&url)));
            (run(command, ""), person.join().unwrap())
        });
        (self.keep(run), answer)
    }

    /// The same with somebody who allows it. With the run comes the page that they see in the end.
    #[track_caller]
    pub fn login_and_allow(&self, args: &[&str]) -> (Run, http::Answer) {
        self.login(args, |url| http::get(&self.platform.approve(url), &[]).unwrap())
    }

    /// Starts `seqera` in a terminal of its own.
    pub fn terminal(&self, args: &[&str]) -> Terminal<'_> {
        self.terminal_of(self.command(args))
    }

    /// The same for any command.
    pub fn terminal_of(&self, command: Command) -> Terminal<'_> {
        Terminal::start(self, command)
    }

    /// The address that the browser was opened with, as it stands in its arguments.
    pub fn argument(&self) -> String {
        let file = self.home.path().join("url");
        until(SOON, "the browser is opened", || file.exists());
        fs::read_to_string(file).unwrap()
    }

    /// The address of the login to which that leads.
    pub fn opened(&self) -> String {
        appears(&self.home.path().join("url"))
    }

    /// Fails where a secret that the Platform ever issued is in a file of the home or in what was said.
    #[track_caller]
    pub fn assert_nothing_leaked(&self) {
        let secrets = self.platform.issued_secrets();
        let mut files = Vec::new();
        walk(self.home.path(), &mut files);
        assert!(files.iter().any(|(name, _)| name.contains("store")), "the store is looked through, too");
        files.push(("what was said".into(), self.said.lock().unwrap().clone()));
        for (name, content) in &files {
            for secret in &secrets {
                let found = content.windows(secret.len()).any(|window| window == secret.as_bytes());
                assert!(!found, "a secret is in {name}");
            }
        }
    }

    /// The folders of this home, as the library sees them.
    pub fn paths(&self) -> Paths {
        crate::support::session::paths(&self.home)
    }

    /// What is in the session's box, as the library opens it.
    #[track_caller]
    pub fn session(&self) -> Session {
        let paths = self.paths();
        let sessions = Sessions::new(&paths, Deadline::after(SOON));
        sessions.load(&ProfileName::default_name()).unwrap().expect("a session")
    }

    /// The profile's file.
    #[track_caller]
    pub fn profile(&self, name: &str) -> Option<serde_json::Value> {
        let file =
            self.home.path().join(format!(".local/state/seqera-credential-helper/profiles/{name}.json"));
        fs::read(file).ok().map(|bytes| serde_json::from_slice(&bytes).unwrap())
    }

    /// Whether nothing at all of a login is left or was ever begun.
    pub fn is_logged_out(&self) -> bool {
        let mut files = Vec::new();
        walk(&self.home.path().join(".local/share/seqera-credential-helper/store"), &mut files);
        self.profile("default").is_none() && !files.iter().any(|(name, _)| name.contains("session+default/"))
    }
}

/// The address that the browser was opened with leads to that of the login, once; the file then holds the latter.
fn appears(file: &Path) -> String {
    until(SOON, "the browser is opened", || file.exists());
    let address = fs::read_to_string(file).unwrap();
    if address.contains("authorize?") {
        return address;
    }
    let sent_on = http::get(&address, &[]).unwrap();
    assert_eq!(sent_on.status, 302, "{address}");
    let address = sent_on.header("location").unwrap().to_owned();
    fs::write(file, &address).unwrap();
    address
}

fn walk(folder: &Path, files: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => walk(&path, files),
            kind if kind.is_file() => files.push((path.display().to_string(), fs::read(&path).unwrap())),
            _ => {}
        }
    }
}

/// A program in a terminal.
pub struct Terminal<'a> {
    scene: &'a Scene,
    session: expectrl::session::OsSession,
    shown: Vec<u8>,
}

impl<'a> Terminal<'a> {
    fn start(scene: &'a Scene, command: Command) -> Terminal<'a> {
        let mut session = expectrl::Session::spawn(crate::support::home::when_it_echoes(&command)).unwrap();
        session.set_expect_timeout(Some(SOON));
        session.get_process_mut().set_window_size(100, 50).unwrap();
        session.get_process_mut().set_echo(true, None).unwrap();
        Terminal { scene, session, shown: Vec::new() }
    }

    /// Waits until the screen shows `pattern`, a regular expression.
    #[track_caller]
    pub fn sees(&mut self, pattern: &str) {
        let found = self.session.expect(Regex(pattern)).unwrap_or_else(|error| {
            panic!("{pattern}: {error}; so far: {}", String::from_utf8_lossy(&self.shown))
        });
        self.shown.extend_from_slice(found.as_bytes());
    }

    /// All that was shown so far.
    pub fn shown(&self) -> String {
        String::from_utf8_lossy(&self.shown).into_owned()
    }

    pub fn types(&mut self, line: &str) {
        self.session.send_line(line).unwrap();
    }

    /// Ctrl-C.
    pub fn interrupts(&mut self) {
        self.session.send("\u{3}").unwrap();
    }

    pub fn echoes(&self) -> bool {
        self.session.get_process().get_echo().unwrap()
    }

    /// Waits for the end. Answers the exit code (128 and the signal where one ended it) and all that was shown.
    #[track_caller]
    pub fn ends(mut self) -> (i32, String) {
        let rest = self.session.expect(Eof).unwrap();
        self.shown.extend_from_slice(rest.as_bytes());
        let status = self.session.get_process().wait().unwrap();
        let code = match status {
            WaitStatus::Exited(_, code) => code,
            WaitStatus::Signaled(_, signal, _) => 128 + signal as i32,
            other => panic!("{other:?}"),
        };
        self.scene.said.lock().unwrap().extend_from_slice(&self.shown);
        (code, String::from_utf8_lossy(&self.shown).into_owned())
    }
}

/// Waits until `condition` holds.
pub fn wait_for(what: &str, condition: impl FnMut() -> bool) {
    until(SOON, what, condition);
}

/// How long `work` took.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let begun = Instant::now();
    (work(), begun.elapsed())
}
