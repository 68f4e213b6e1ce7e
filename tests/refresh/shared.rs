//! A home that two hosts share through sshfs, on which the kernel's locks of one are not seen by the other although
//! both succeed. Two mounts of one folder on this machine are as far apart as two hosts.

use std::collections::BTreeSet;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use super::*;
use crate::support::home::{Run, Running, until};
use crate::support::session::{Login, Token, logged_in};

/// An SSH server on loopback and two mounts of one of its folders; taken down when dropped.
struct Shared {
    folder: tempfile::TempDir,
    server: Child,
    mounts: Vec<PathBuf>,
}

impl Shared {
    /// Mounts one folder as `.local` in both homes; nothing where this machine cannot, with the reason on standard
    /// error.
    fn between(homes: [&Home; 2]) -> Option<Shared> {
        for program in ["/usr/bin/sshfs", "/usr/sbin/sshd"] {
            if !Path::new(program).exists() {
                eprintln!("skipped: there is no {program}; tests/tools/install.sh installs it");
                return None;
            }
        }
        if fs::File::options().read(true).write(true).open("/dev/fuse").is_err() {
            eprintln!("skipped: /dev/fuse cannot be used here");
            return None;
        }
        let folder = tempfile::Builder::new().prefix("seqera-sshfs-").tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for key in ["host", "user"] {
            let mut keygen = Command::new("ssh-keygen");
            keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path(key));
            assert!(keygen.status().unwrap().success());
        }
        fs::create_dir(path("shared")).unwrap();
        // Where the server puts itself while it knows nobody yet.
        let _ = fs::create_dir("/run/sshd");
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\n\
             PasswordAuthentication no\nPidFile none\nSubsystem sftp internal-sftp\n",
            path("host").display(),
            path("user.pub").display()
        );
        fs::write(path("config"), config).unwrap();
        let mut server = Command::new("/usr/sbin/sshd");
        server.arg("-D").arg("-e").arg("-f").arg(path("config"));
        let server = server.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut shared = Shared { folder, server, mounts: Vec::new() };
        until(Duration::from_secs(20), "the SSH server listens", || {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        for home in homes {
            let mount = home.path().join(".local");
            fs::create_dir_all(&mount).unwrap();
            let options = format!(
                "port={port},IdentityFile={},StrictHostKeyChecking=no,UserKnownHostsFile=/dev/null,LogLevel=ERROR",
                shared.folder.path().join("user").display()
            );
            let mut sshfs = Command::new("/usr/bin/sshfs");
            sshfs
                .args(["-o", &options])
                .arg(format!("127.0.0.1:{}", shared.folder.path().join("shared").display()));
            let mounted = run(sshfs_with(sshfs, &mount), "");
            if mounted.code() != 0 {
                eprintln!("skipped: sshfs cannot mount here: {}", mounted.err());
                return None;
            }
            shared.mounts.push(mount);
        }
        Some(shared)
    }
}

fn sshfs_with(mut sshfs: Command, mount: &Path) -> Command {
    sshfs.arg(mount);
    sshfs
}

impl Drop for Shared {
    fn drop(&mut self) {
        for mount in &self.mounts {
            let _ = Command::new("fusermount3").arg("-uz").arg(mount).status();
        }
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Two homes that share what is below `.local`, and a server.
fn two_hosts() -> Option<([Home; 2], Platform, Shared)> {
    let homes = [Home::with_file_store(), Home::with_file_store()];
    let shared = Shared::between([&homes[0], &homes[1]])?;
    Some((homes, Platform::start(), shared))
}

/// A command of one of two hosts, as far as names tell.
fn named(mut command: Command, host: usize) -> Command {
    let name = ["here", "there"][host];
    command.env("SEQERA_TEST_HOST", name).env("SEQERA_TEST_BOOT_ID", format!("boot of {name}"));
    command
}

fn make_dead(login: &Login) {
    let mut session = login.stored();
    session.issued_at -= 3700;
    session.access_expires_at = session.access_expires_at.map(|end| end - 3700);
    login.sessions().begin(&mut login.profile(), session).unwrap();
}

#[test]
fn two_hosts_through_two_mounts_refresh_once() {
    let Some((homes, platform, _shared)) = two_hosts() else { return };
    let login = logged_in(&homes[0], &platform, Token::Dead);
    let lock = |home: &Home| {
        let path = home.path().join(".local/share/seqera-credential-helper/store/test.lock");
        let file = fs::File::options().create(true).truncate(false).write(true).open(path).unwrap();
        file.lock().unwrap();
        file
    };
    // What this is about: both have it.
    drop([lock(&homes[0]), lock(&homes[1])]);
    for round in 1..=6 {
        let callers: Vec<Running> = (0..12)
            .map(|number| {
                let mut command = token(&homes[number % 2]);
                if round % 2 == 0 {
                    command = named(command, number % 2);
                }
                start(command, "")
            })
            .collect();
        let runs: Vec<Run> = callers.into_iter().map(Running::finish).collect();
        assert_eq!((refreshes(&platform), platform.family_burnt()), (round, false), "{runs:?}");
        let answers: BTreeSet<String> = runs.into_iter().map(|run| run.ok().trim().to_owned()).collect();
        assert_eq!(answers.into_iter().collect::<Vec<_>>(), [login.stored_access()], "round {round}");
        make_dead(&login);
    }
}

#[test]
fn what_one_host_stores_the_other_reads_at_once() {
    let Some((homes, platform, _shared)) = two_hosts() else { return };
    let login = logged_in(&homes[0], &platform, Token::Dead);
    for round in 0..10 {
        let name = "x".repeat(1 + 97 * round % 400);
        login.sessions().change(&login.profile().name, |profile| profile.account = Some(name)).unwrap();
        let [one, other] = [round % 2, (round + 1) % 2].map(|at| ask(&homes[at]).ok());
        assert_eq!(one, other, "round {round}");
        make_dead(&login);
    }
    assert!(!platform.family_burnt());
    assert_eq!(refreshes(&platform), 10);
}

/// What one of them did and did not write down could not be taken back.
#[test]
fn two_hosts_that_configure_at_once_lose_nothing_of_what_they_did() {
    let Some((homes, _platform, _shared)) = two_hosts() else { return };
    let names: Vec<String> = (0..8).map(|number| format!("r{number}.example")).collect();
    for round in 0..3 {
        let running: Vec<Running> = names
            .iter()
            .enumerate()
            .map(|(number, name)| {
                let mut command = homes[number % 2].command("seqera");
                command.args(["configure", "docker", "--registry", name]);
                start(if round % 2 == 0 { named(command, number % 2) } else { command }, "")
            })
            .collect();
        running.into_iter().for_each(|run| drop(run.finish().expect(0)));
        for home in &homes {
            let list = home.run("seqera", &["configure", "--list"], "").ok();
            for name in &names {
                assert_eq!(list.matches(name.as_str()).count(), 1, "{name}, round {round}: {list}");
            }
        }
        homes[round % 2].run("seqera", &["configure", "--undo-all"], "").ok();
        let list = homes[(round + 1) % 2].run("seqera", &["configure", "--list"], "").ok();
        assert!(!list.contains("r0.example"), "{list}");
    }
}
