//! Debian's `docker-registry` on loopback, behind a password file.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running registry. It ends when it is dropped.
pub struct Registry {
    process: Child,
    host: String,
    _folder: tempfile::TempDir,
}

impl Registry {
    /// Starts an empty registry that lets these users in.
    pub fn start(users: &[(&str, &str)]) -> Registry {
        let folder = tempfile::Builder::new().prefix("seqera-registry-").tempdir().unwrap();
        let (config, passwords) = (folder.path().join("registry.yml"), folder.path().join("htpasswd"));
        for (user, password) in users {
            htpasswd(&passwords, user, password);
        }
        let content = format!(
            "version: 0.1\n\
             log: {{level: info}}\n\
             storage: {{filesystem: {{rootdirectory: {root}}}, delete: {{enabled: true}}}}\n\
             http: {{addr: '127.0.0.1:0', secret: loopback}}\n\
             auth: {{htpasswd: {{realm: loopback, path: {passwords}}}}}\n",
            root = folder.path().join("data").display(),
            passwords = passwords.display(),
        );
        std::fs::write(&config, content).unwrap();
        let mut process = Command::new("docker-registry")
            .arg("serve")
            .arg(&config)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("docker-registry starts; tests/tools/install.sh installs it");
        let mut log = BufReader::new(process.stderr.take().unwrap()).lines();
        let host = log
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| Some(line.split_once("listening on ")?.1.split('"').next()?.to_owned()))
            .expect("docker-registry says where it listens");
        // Read on, or the registry stops when the pipe is full.
        std::thread::spawn(move || log.map_while(Result::ok).for_each(drop));
        Registry { process, host, _folder: folder }
    }

    /// `127.0.0.1:PORT`
    pub fn host(&self) -> &str {
        &self.host
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Adds a user to a password file, with the cheapest bcrypt there is.
fn htpasswd(file: &Path, user: &str, password: &str) {
    let create = if file.exists() { "-iB" } else { "-icB" };
    let mut process = Command::new("htpasswd")
        .args([create, "-C", "4"])
        .arg(file)
        .arg(user)
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("htpasswd starts; tests/tools/install.sh installs it");
    process.stdin.take().unwrap().write_all(password.as_bytes()).unwrap();
    assert!(process.wait().unwrap().success(), "htpasswd");
}
