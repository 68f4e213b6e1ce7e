//! A home, a backend, and somebody with a key.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use expectrl::process::unix::WaitStatus;
use expectrl::{Eof, Expect};

use crate::platform::Platform;
use crate::support::home::{Home, Run};

/// On a busy machine.
const SOON: Duration = Duration::from_secs(30);

pub struct Scene {
    pub home: Home,
    pub platform: Platform,
}

impl Scene {
    pub fn new() -> Scene {
        Scene { home: Home::with_file_store(), platform: Platform::start() }
    }

    /// Logs in with a new key and answers it.
    #[track_caller]
    pub fn log_in(&self) -> (String, Run) {
        self.log_in_with(&[])
    }

    /// The same with more arguments.
    #[track_caller]
    pub fn log_in_with(&self, more: &[&str]) -> (String, Run) {
        let key = self.platform.sekuire_key();
        let run = self.login_with(&key, more).expect(0);
        (key, run)
    }

    /// `sekuire login` at the backend with this for a key.
    #[track_caller]
    pub fn login_with(&self, key: &str, more: &[&str]) -> Run {
        let backend = self.platform.sekuire();
        self.home.run("sekuire", &[&["login", "--backend", &backend], more].concat(), format!("{key}\n"))
    }

    #[track_caller]
    pub fn sekuire(&self, args: &[&str]) -> Run {
        self.home.run("sekuire", args, "")
    }

    /// The file of Sekuire's own program.
    pub fn auth_file(&self) -> PathBuf {
        self.home.path().join(".sekuire/auth.json")
    }

    pub fn profile_file(&self, name: &str) -> PathBuf {
        self.home.path().join(format!(".local/state/seqera-credential-helper/profiles/{name}.json"))
    }

    /// Fails where a secret that the backend ever issued is in a file of the home or in what was said.
    #[track_caller]
    pub fn assert_nothing_leaked(&self, said: &[&str]) {
        let mut files = Vec::new();
        walk(self.home.path(), &mut files);
        assert!(files.iter().any(|(name, _)| name.contains("store/")), "the store is looked through, too");
        files.extend(said.iter().map(|said| ("what was said".to_owned(), said.as_bytes().to_vec())));
        for (name, content) in &files {
            for secret in self.platform.issued_secrets() {
                let found = content.windows(secret.len()).any(|window| window == secret.as_bytes());
                assert!(!found, "a secret is in {name}");
            }
        }
    }

    /// Starts a program in a terminal of its own.
    pub fn terminal(&self, program: &str, args: &[&str]) -> Terminal {
        let mut command = self.home.command(program);
        command.args(args).env("TERM", "xterm");
        Terminal::start(command)
    }
}

fn walk(folder: &Path, files: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => walk(&path, files),
            kind if kind.is_file() => files.push((path.display().to_string(), fs::read(&path).unwrap())),
            _ => {}
        }
    }
}

/// A program in a terminal.
pub struct Terminal {
    session: expectrl::session::OsSession,
    shown: Vec<u8>,
}

impl Terminal {
    fn start(command: Command) -> Terminal {
        let mut session = expectrl::Session::spawn(crate::support::home::when_it_echoes(&command)).unwrap();
        session.set_expect_timeout(Some(SOON));
        session.get_process_mut().set_window_size(200, 50).unwrap();
        session.get_process_mut().set_echo(true, None).unwrap();
        Terminal { session, shown: Vec::new() }
    }

    /// Waits until the screen shows `text`.
    #[track_caller]
    pub fn sees(&mut self, text: &str) {
        let found = self.session.expect(text).unwrap_or_else(|error| {
            panic!("{text}: {error}; so far: {}", String::from_utf8_lossy(&self.shown))
        });
        self.shown.extend_from_slice(found.as_bytes());
    }

    pub fn types(&mut self, line: &str) {
        self.session.send_line(line).unwrap();
    }

    /// Presses Enter as a terminal in raw mode sends it.
    pub fn presses_enter_after(&mut self, text: &str) {
        self.session.send(format!("{text}\r")).unwrap();
    }

    /// Waits for the end. Answers the exit code and all that was shown.
    #[track_caller]
    pub fn ends(mut self) -> (i32, String) {
        let rest = self.session.expect(Eof).unwrap();
        self.shown.extend_from_slice(rest.as_bytes());
        let code = match self.session.get_process().wait().unwrap() {
            WaitStatus::Exited(_, code) => code,
            other => panic!("{other:?}"),
        };
        (code, String::from_utf8_lossy(&self.shown).into_owned())
    }
}
