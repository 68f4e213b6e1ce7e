//! What docker sends to a registry, found out from docker itself and without a network: it is told that its engine is
//! behind a socket of ours, and to pull an image. It looks the registry up at its helper and sends the engine what it
//! got; no engine gets that, and nothing is pulled.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::ask;
use crate::error::{Error, Result};
use crate::os::deadline::Deadline;
use crate::os::programs;
use crate::protocol::docker::wire::HUB;
use crate::secret::Secret;

/// What docker would send.
#[derive(Debug)]
pub struct Answer {
    /// The user.
    pub user: String,
    /// The password, or the token.
    pub secret: Secret,
}

/// Asks docker what it sends to a registry; `key` is what docker looks it up under. `None` is nothing at all.
///
/// # Errors
/// docker is not there, cannot be asked, or does not answer in time.
#[cfg(unix)]
pub fn ask(key: &str, deadline: Deadline) -> Result<Option<Answer>> {
    let program = || ask::program("docker").ok_or_else(|| Error::no_program("docker is not installed"));
    // podman under docker's name has no engine: it would go to the registry.
    let mut version = program()?;
    version.arg("--version");
    let run = |command| programs::output(command, b"", deadline).map_err(|error| unheard(&error));
    if !run(version)?.stdout.starts_with(b"Docker version") {
        return Err(Error::failed("what is installed as docker is another program"));
    }
    let folder = ask::empty_folder()?;
    let socket = folder.path().join("engine");
    let engine = engine::Engine::start(&socket, deadline)
        .map_err(|error| Error::io("cannot play docker's engine", &error))?;
    let host = if key.contains(HUB) { "docker.io/library" } else { key };
    let mut docker = program()?;
    docker.args(["pull", "--quiet", &format!("{host}/seqera-probe")]);
    docker.env("DOCKER_HOST", format!("unix://{}", socket.display())).current_dir(folder.path());
    for name in
        ["DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_TLS", "DOCKER_API_VERSION", "DOCKER_CONTENT_TRUST"]
    {
        docker.env_remove(name);
    }
    if let Some(folder) = super::docker_config_file()?.parent() {
        docker.env("DOCKER_CONFIG", folder);
    }
    let said = run(docker)?;
    match engine.header() {
        Some(header) => Ok(read(&header)),
        None => {
            let said = String::from_utf8_lossy(&said.stderr).into_owned();
            let said = said.lines().next().unwrap_or("it asked for nothing").to_owned();
            Err(Error::failed(format!("docker could not be asked: {}", crate::ui::plain(&said))))
        }
    }
}

/// docker's engine has no such socket here.
///
/// # Errors
/// Always.
#[cfg(not(unix))]
pub fn ask(_: &str, _: Deadline) -> Result<Option<Answer>> {
    Err(Error::failed("docker cannot be asked on this system"))
}

#[cfg(unix)]
fn unheard(error: &std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::TimedOut => Error::timed_out("docker did not answer in time"),
        _ => Error::io("docker cannot be run", error),
    }
}

/// What the engine's API calls `AuthConfig`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct AuthConfig {
    username: String,
    password: Zeroizing<String>,
    identitytoken: Zeroizing<String>,
    registrytoken: Zeroizing<String>,
}

/// Reads the header `X-Registry-Auth`.
fn read(header: &str) -> Option<Answer> {
    let header = header.trim();
    let decoded = [URL_SAFE, STANDARD, URL_SAFE_NO_PAD, STANDARD_NO_PAD]
        .iter()
        .find_map(|form| form.decode(header).ok());
    let json = Zeroizing::new(decoded?);
    let auth: AuthConfig = serde_json::from_slice(&json).ok()?;
    let secrets = [&auth.password, &auth.identitytoken, &auth.registrytoken];
    let secret = secrets.into_iter().find(|secret| !secret.is_empty())?;
    Some(Answer { user: auth.username.clone(), secret: Secret::from(secret.as_str()) })
}

/// As much of docker's engine as it takes to be asked for an image.
#[cfg(unix)]
mod engine {
    use std::io::{self, Read, Write};
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::path::Path;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread::{self, JoinHandle};
    use std::time::Duration;

    use zeroize::Zeroizing;

    use crate::os::deadline::Deadline;

    /// More than the head of any request that docker sends.
    const HEAD: usize = 64 * 1024;

    /// Serves until it is dropped.
    pub struct Engine {
        done: Arc<AtomicBool>,
        serving: JoinHandle<Option<Zeroizing<String>>>,
    }

    impl Engine {
        /// Listens at `socket`, which is in a folder of this user's alone.
        pub fn start(socket: &Path, deadline: Deadline) -> io::Result<Engine> {
            let listener = UnixListener::bind(socket)?;
            listener.set_nonblocking(true)?;
            let done = Arc::new(AtomicBool::new(false));
            let is_done = Arc::clone(&done);
            let serving = thread::spawn(move || {
                while !is_done.load(Ordering::Relaxed) && !deadline.passed() {
                    match listener.accept() {
                        Ok((client, _)) => {
                            if let Some(header) = serve(client, deadline).ok().flatten() {
                                return Some(header);
                            }
                        }
                        Err(_) => thread::sleep(Duration::from_millis(5)),
                    }
                }
                None
            });
            Ok(Engine { done, serving })
        }

        /// What it was told about the registry, if it was asked for an image.
        pub fn header(self) -> Option<Zeroizing<String>> {
            self.done.store(true, Ordering::Relaxed);
            self.serving.join().ok().flatten()
        }
    }

    /// Answers one request: yes to whether it is there, no to everything else.
    fn serve(mut client: UnixStream, deadline: Deadline) -> io::Result<Option<Zeroizing<String>>> {
        client.set_nonblocking(false)?;
        client.set_read_timeout(Some(deadline.left().max(Duration::from_millis(1))))?;
        let mut head = Zeroizing::new(Vec::with_capacity(HEAD));
        let mut piece = Zeroizing::new([0; 4096]);
        while !head.windows(4).any(|end| end == b"\r\n\r\n") && head.len() < HEAD - piece.len() {
            match client.read(&mut *piece)? {
                0 => break,
                length => head.extend_from_slice(&piece[..length]),
            }
        }
        let head = Zeroizing::new(String::from_utf8_lossy(&head).into_owned());
        let is_for_image = head.starts_with("POST ") && head.contains("/images/create?");
        let status = if is_for_image { "404 Not Found" } else { "200 OK" };
        let body = if is_for_image { r#"{"message":"this is a question by seqera doctor"}"# } else { "{}" };
        let body = if head.starts_with("HEAD ") { "" } else { body };
        write!(
            client,
            "HTTP/1.1 {status}\r\nApi-Version: 1.41\r\nContent-Type: application/json\r\nConnection: close\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let header = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("x-registry-auth").then(|| Zeroizing::new(value.trim().to_owned()))
        });
        Ok(is_for_image.then(|| header.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_read_in_every_form() {
        let json = r#"{"username":"alice","password":"s3cret?>","serveraddress":"r.example"}"#;
        for form in [URL_SAFE, STANDARD, URL_SAFE_NO_PAD, STANDARD_NO_PAD] {
            let answer = read(&form.encode(json)).unwrap();
            assert_eq!((answer.user.as_str(), answer.secret.expose_str()), ("alice", Some("s3cret?>")));
        }
        assert_eq!(
            read(&URL_SAFE.encode(r#"{"identitytoken":"t"}"#)).unwrap().secret.expose_str(),
            Some("t")
        );
        for nothing in ["", "e30=", "bnVsbA==", "%%"] {
            assert!(read(nothing).is_none(), "{nothing}");
        }
    }
}
