//! A gnome-keyring of a test's own, on a session bus of its own.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::home::{Home, until};

/// A session bus with gnome-keyring on it and nothing else: nothing is started on demand, so there is nobody
/// who could prompt. Both end when this is dropped.
pub struct Keyring {
    daemon: Child,
    bus: Bus,
}

impl Keyring {
    /// A keyring whose default collection is unlocked.
    pub fn unlocked() -> Keyring {
        let bus = Bus::start();
        let mut daemon = bus
            .command("gnome-keyring-daemon")
            .args(["--foreground", "--unlock", "--components=secrets"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("gnome-keyring-daemon starts; tests/tools/install.sh installs it");
        daemon.stdin.take().unwrap().write_all(PASSWORD).unwrap();
        let keyring = Keyring { daemon, bus };
        keyring.until_unlocked();
        keyring
    }

    fn until_unlocked(&self) {
        until(Duration::from_secs(20), "gnome-keyring is on the bus, unlocked", || {
            let locked = self.bus.call(&[
                COLLECTION,
                "org.freedesktop.DBus.Properties.Get",
                "string:org.freedesktop.Secret.Collection",
                "string:Locked",
            ]);
            String::from_utf8_lossy(&locked.stdout).contains("boolean false")
        });
    }

    /// A keyring that nobody ever set up: it has no default collection.
    pub fn without_collection() -> Keyring {
        let bus = Bus::start();
        let daemon = bus
            .command("gnome-keyring-daemon")
            .args(["--foreground", "--components=secrets"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("gnome-keyring-daemon starts; tests/tools/install.sh installs it");
        let keyring = Keyring { daemon, bus };
        until(Duration::from_secs(20), "gnome-keyring is on the bus", || {
            let alias = keyring.bus.call(&[
                "/org/freedesktop/secrets",
                "org.freedesktop.Secret.Service.ReadAlias",
                "string:default",
            ]);
            alias.status.success()
        });
        keyring
    }

    /// The folder its bus is in.
    pub fn folder(&self) -> &Path {
        self.bus.folder.path()
    }

    /// Locks the default collection. Nobody is there to unlock it again.
    pub fn lock(&self) {
        let method = "org.freedesktop.Secret.Service.Lock";
        let collection = format!("array:objpath:{COLLECTION}");
        let locked = self.bus.call(&["/org/freedesktop/secrets", method, &collection]);
        assert!(String::from_utf8_lossy(&locked.stdout).contains(COLLECTION), "{locked:?}");
    }

    /// Stops the daemon without ending it: whoever asks now never gets an answer.
    pub fn stop(&self) {
        kill_process(Pid::from_child(&self.daemon), Signal::STOP).unwrap();
    }

    /// Lets it go on.
    pub fn resume(&self) {
        kill_process(Pid::from_child(&self.daemon), Signal::CONT).unwrap();
    }

    /// Lets the programs of a home see this bus.
    pub fn join(&self, home: &mut Home) {
        self.bus.join(home);
    }
}

impl Drop for Keyring {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

const PASSWORD: &[u8] = b"the keyring's password";

/// The collection that `--unlock` makes, which is the default one.
const COLLECTION: &str = "/org/freedesktop/secrets/collection/login";

/// A session bus that starts nothing by itself. It ends when it is dropped.
pub struct Bus {
    daemon: Child,
    address: String,
    folder: TempDir,
}

impl Bus {
    pub fn start() -> Bus {
        let folder = tempfile::Builder::new().prefix("seqera-bus-").tempdir().unwrap();
        std::fs::DirBuilder::new().mode(0o700).create(folder.path().join("run")).unwrap();
        let config = folder.path().join("bus.conf");
        // No `servicedir`: a bus that can start services would start a prompter.
        let content = format!(
            "<busconfig><type>session</type><listen>unix:path={}</listen>\
             <policy context='default'><allow send_destination='*' eavesdrop='true'/><allow eavesdrop='true'/><allow own='*'/></policy></busconfig>",
            folder.path().join("bus").display()
        );
        std::fs::write(&config, content).unwrap();
        let mut daemon = Command::new("dbus-daemon")
            .arg("--config-file")
            .arg(&config)
            .args(["--nofork", "--print-address=1"])
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("dbus-daemon starts; tests/tools/install.sh installs it");
        let mut address = String::new();
        BufReader::new(daemon.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Bus { daemon, address: address.trim().into(), folder }
    }

    /// Lets the programs of a home see this bus.
    pub fn join(&self, home: &mut Home) {
        home.set("DBUS_SESSION_BUS_ADDRESS", &self.address);
    }

    /// The folder that is the home of what runs on it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A program on this bus.
    pub fn command(&self, program: &str) -> Command {
        let folder: &Path = self.folder.path();
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", folder)
            .env("XDG_RUNTIME_DIR", folder.join("run"))
            .env("DBUS_SESSION_BUS_ADDRESS", &self.address);
        command
    }

    /// Calls a method of the secret service: its object, its name, its arguments.
    pub fn call(&self, what: &[&str]) -> Output {
        self.send("org.freedesktop.secrets", what)
    }

    /// The same for another service.
    pub fn send(&self, service: &str, what: &[&str]) -> Output {
        let mut dbus_send = self.command("dbus-send");
        dbus_send.args(["--session", "--print-reply", "--reply-timeout=5000", &format!("--dest={service}")]);
        dbus_send.args(what).output().expect("dbus-send starts; tests/tools/install.sh installs it")
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}
