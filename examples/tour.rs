//! The main job before your eyes: the built programs, a real git, and servers on loopback, in a temporary home
//! that is gone afterwards. `make tour` runs it.
#![allow(clippy::disallowed_macros, clippy::disallowed_methods)]

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

#[path = "../tests/support/git_server.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod git_server;

use git_server::{GitServer, Login};

const PASSWORD: &str = "correct horse battery staple";

fn main() {
    let tour = Tour::begin();
    tour.git();
    println!("\nThat was it: everything happened below {}, which is gone now.", tour.home.path().display());
}

struct Tour {
    home: tempfile::TempDir,
    git: PathBuf,
}

impl Tour {
    /// A home with the built programs on its `PATH`.
    fn begin() -> Tour {
        let built = std::env::current_exe().unwrap();
        let built = built.ancestors().nth(2).unwrap();
        let home = tempfile::Builder::new().prefix("seqera-tour-").tempdir().unwrap();
        for folder in ["bin", "run"] {
            std::fs::create_dir(home.path().join(folder)).unwrap();
        }
        for program in ["seqera", "seqera-credential-helper"] {
            let program_file = built.join(program);
            assert!(
                program_file.exists(),
                "{} is missing: run this with `make tour`",
                program_file.display()
            );
            // A copy, so that `configure` makes its links here and nowhere else.
            std::fs::copy(&program_file, home.path().join("bin").join(program)).unwrap();
        }
        let git = on_path("git").expect("git is not installed");
        symlink(&git, home.path().join("bin/git")).unwrap();
        Tour { home, git }
    }

    /// git asks once, and never again.
    fn git(&self) {
        say("A git server on loopback wants a user and a password.");
        let server =
            GitServer::start(&self.git, &self.home.path().join("server"), &[Login::basic("ada", PASSWORD)]);
        let url = server.create("pipelines.git");

        say(
            "git is told to use the helper. This machine has no keychain for a temporary home, so a file keeps the key.",
        );
        self.run("seqera configure git");
        self.run("seqera configure --list");

        say("The credential is stored once, as git does after a login that worked …");
        let host = server.host();
        let request = format!("protocol=http\nhost={host}\n");
        let login = format!("{request}username=ada\npassword={PASSWORD}\n");
        self.run_with("git credential approve", &login);
        say("… and from then on git gets it by itself: clone, commit, push, fetch.");
        self.run(&format!("git clone --quiet {url} work"));
        std::fs::write(self.home.path().join("work/main.nf"), "workflow { println 'hello' }\n").unwrap();
        self.run("git -C work add main.nf");
        self.run("git -C work -c user.name=Ada -c user.email=ada@example.com commit --quiet -m first");
        self.run("git -C work push --quiet origin HEAD:main");
        self.run("git -C work fetch --quiet");
        self.run("git -C work log --oneline origin/main");
        let pushed = server
            .seen()
            .iter()
            .any(|seen| seen.user.as_deref() == Some("ada") && seen.path.ends_with("git-receive-pack"));
        assert!(pushed, "the push arrived under another name");

        say("What is on disk is sealed: the password is in no file.");
        assert!(!anywhere_below(self.home.path(), PASSWORD.as_bytes()));
        println!("  (looked through every file of this home: not found)");

        say("A program asks for it by the protocol git speaks, and erases it the same way.");
        let answer = self.run_with("seqera-credential-helper get", &request);
        assert!(answer.contains(PASSWORD));
        self.run_with("seqera-credential-helper erase", &request);
        assert!(self.run_with("seqera-credential-helper get", &request).is_empty());

        say("And configure takes back exactly what it did.");
        self.run("seqera configure git --undo");
    }

    fn run(&self, line: &str) -> String {
        self.run_with(line, "")
    }

    /// Shows and runs a line of words. A failure ends the tour.
    fn run_with(&self, line: &str, input: &str) -> String {
        println!("$ {}", line.replace(&*self.home.path().to_string_lossy(), "~"));
        let output = self.output(line, input);
        for stream in [&output.stdout, &output.stderr] {
            for shown in String::from_utf8_lossy(stream).lines() {
                println!("  {}", shown.replace(&*self.home.path().to_string_lossy(), "~"));
            }
        }
        assert!(output.status.success(), "`{line}` failed");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn output(&self, line: &str, input: &str) -> Output {
        let mut words = line.split(' ');
        let home = self.home.path();
        let path = format!("{}:/usr/bin:/bin", home.join("bin").display());
        let mut child = Command::new(home.join("bin").join(words.next().unwrap()))
            .args(words)
            .env_clear()
            .env("HOME", home)
            .env("PATH", path)
            .env("XDG_RUNTIME_DIR", home.join("run"))
            .env("SEQERA_HELPER_STORE", "file")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .current_dir(home)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }
}

fn say(text: &str) {
    println!("\n── {text}");
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|file| file.is_file())
}

fn anywhere_below(folder: &Path, needle: &[u8]) -> bool {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).any(|path| match path.is_dir() {
        true => !path.is_symlink() && anywhere_below(&path, needle),
        false => {
            let content = std::fs::read(&path).unwrap_or_default();
            content.windows(needle.len()).any(|window| window == needle)
        }
    })
}
