//! The main job before your eyes: the built programs, a real git, and servers on loopback, in a temporary home
//! that is gone afterwards. `make tour` runs it; an argument is the folder of other programs to do it with.
#![allow(clippy::disallowed_macros, clippy::disallowed_methods)]

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

#[path = "../tests/support/git_server.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod git_server;
#[path = "../tests/platform/mod.rs"]
#[allow(unused_imports, reason = "the tests use the rest")]
mod platform;

use platform::Platform;

use git_server::{GitServer, Login};

const PASSWORD: &str = "correct horse battery staple";

fn main() {
    let tour = Tour::begin();
    tour.git();
    tour.seqera();
    println!("\nThat was it: everything happened below {}, which is gone now.", tour.home.path().display());
}

struct Tour {
    home: tempfile::TempDir,
    git: PathBuf,
}

impl Tour {
    /// A home with the built programs on its `PATH`.
    fn begin() -> Tour {
        let beside = || std::env::current_exe().unwrap().ancestors().nth(2).unwrap().to_owned();
        let built = std::env::args_os().nth(1).map_or_else(beside, PathBuf::from);
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

    /// One login, and everybody gets what they need.
    fn seqera(&self) {
        say("Now Seqera: its Platform, on loopback, with a person who clicks \"Allow\" in the browser.");
        let platform = Platform::start();
        platform.sign_in("grace");
        platform.world(|world| world.settings.access_lifetime = Duration::from_secs(4));
        let opened = self.home.path().join("opened");
        self.browser(&opened);
        let endpoint = platform.api();
        std::thread::scope(|scope| {
            let person = scope.spawn(|| {
                for _ in 0..300 {
                    if let Ok(address) = std::fs::read_to_string(&opened) {
                        let back = platform.approve(address.trim());
                        return platform::http::get(&back, &[]).is_ok_and(|page| page.status == 200);
                    }
                    std::thread::sleep(Duration::from_millis(100));
                }
                false
            });
            self.run(&format!("seqera login --endpoint {endpoint} --timeout 30"));
            assert!(person.join().unwrap(), "the browser was not told that the login worked");
        });
        self.run("seqera status");

        say(
            "A program asks the helper for the Platform's host, and gets a token; another host gets nothing.",
        );
        let request = format!("protocol=http\nhost={}\n", platform.url().trim_start_matches("http://"));
        let answer = self.hidden("seqera-credential-helper get", &request);
        assert!(answer.contains("username=@token") && answer.contains("password_expiry_utc="));
        let elsewhere = self.hidden("seqera-credential-helper get", "protocol=http\nhost=127.0.0.1:1\n");
        assert!(elsewhere.is_empty());

        say(
            "The access token ends. Twenty programs ask at once: the server is asked once, and all get the new one.",
        );
        let first = self.hidden("seqera token", "");
        platform.world(|world| world.settings.access_lifetime = Duration::from_secs(3600));
        std::thread::sleep(Duration::from_secs(5));
        let before = platform.count_grant("refresh_token");
        let tokens: Vec<String> = std::thread::scope(|scope| {
            let askers: Vec<_> =
                (0..20).map(|_| scope.spawn(|| text(&self.output("seqera token", "").stdout))).collect();
            askers.into_iter().map(|asker| asker.join().unwrap()).collect()
        });
        assert!(tokens.iter().all(|token| *token == tokens[0] && *token != first && !token.is_empty()));
        println!("  20 equal answers, {} refresh", platform.count_grant("refresh_token") - before);
        assert_eq!(platform.count_grant("refresh_token") - before, 1);

        say("A shell takes it from eval \"$(seqera env)\".");
        let exports = self.hidden("seqera env --shell bash", "");
        for name in ["SEQERA_ACCESS_TOKEN", "TOWER_ACCESS_TOKEN", "TOWER_API_ENDPOINT"] {
            assert!(exports.contains(name), "{name} is not exported");
        }

        say("Logging out gives the tokens back to the server; nothing of them is left here.");
        self.run("seqera logout");
        assert_eq!(platform.standings(), [platform::Standing::Revoked]);
        let left =
            platform.issued_secrets().into_iter().filter(|s| anywhere_below(self.home.path(), s.as_bytes()));
        assert_eq!(left.count(), 0);
        println!("  (looked for every token the server ever issued: not found)");
    }

    /// A browser that writes down where it was sent.
    fn browser(&self, opened: &Path) {
        use std::os::unix::fs::PermissionsExt;
        let script = self.home.path().join("bin/browser");
        let text = format!("#!/bin/sh\nprintf '%s\\n' \"$1\" >{0}.new && mv {0}.new {0}\n", opened.display());
        std::fs::write(&script, text).unwrap();
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
    }

    /// Runs a line whose output is a secret, and does not show that.
    fn hidden(&self, line: &str, input: &str) -> String {
        println!("$ {line}");
        let output = self.output(line, input);
        assert!(output.status.success(), "`{line}` failed");
        println!("  ({} bytes, not shown)", output.stdout.len());
        text(&output.stdout)
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
        text(&output.stdout)
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
            .env("BROWSER", home.join("bin/browser"))
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

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
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
