//! Where a relay listens: a port of loopback, or a socket that only its owner can open.

use std::future::Future;
use std::io;
use std::net::TcpListener;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use super::forward::Forwarder;
use crate::error::{Error, Result};

/// A place to listen at, taken already.
#[derive(Debug)]
pub enum Listener {
    Port(TcpListener),
    #[cfg(unix)]
    Socket(std::os::unix::net::UnixListener, Unlinked),
}

/// Removes the socket's file at the end, if another relay has not put its own there meanwhile.
#[cfg(unix)]
#[derive(Debug)]
pub struct Unlinked {
    path: std::path::PathBuf,
    file: (u64, u64),
}

#[cfg(unix)]
impl Unlinked {
    /// The socket that is at this path now.
    fn of(path: &Path) -> io::Result<Unlinked> {
        Ok(Unlinked { path: path.to_owned(), file: Unlinked::file(path)? })
    }

    /// Device and inode of what is there.
    fn file(path: &Path) -> io::Result<(u64, u64)> {
        use std::os::unix::fs::MetadataExt;
        let found = std::fs::symlink_metadata(path)?;
        Ok((found.dev(), found.ino()))
    }
}

#[cfg(unix)]
impl Drop for Unlinked {
    fn drop(&mut self) {
        if Unlinked::file(&self.path).is_ok_and(|file| file == self.file) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Listener {
    /// A port of 127.0.0.1; a free one for 0.
    pub fn port(port: u16) -> Result<(Listener, u16)> {
        let cannot = |error: io::Error| match port {
            0 => Error::io("cannot listen on 127.0.0.1", &error),
            _ => Error::io(format_args!("cannot listen on 127.0.0.1:{port}"), &error)
                .next("name another port with --port, or leave it out"),
        };
        let listener = TcpListener::bind(("127.0.0.1", port)).map_err(cannot)?;
        let port = listener.local_addr().map_err(cannot)?.port();
        listener.set_nonblocking(true).map_err(cannot)?;
        Ok((Listener::Port(listener), port))
    }

    /// A socket with mode 0600. One that a relay left behind is replaced; one at which somebody listens is not.
    #[cfg(unix)]
    pub fn socket(path: &Path) -> Result<Listener> {
        use std::os::unix::fs::FileTypeExt;
        use std::os::unix::net::{UnixListener, UnixStream};
        let shown = path.display();
        let cannot = |error: io::Error| match error.kind() {
            io::ErrorKind::InvalidInput => Error::failed(format!("{shown} is too long for a socket's path"))
                .next("name a shorter one with --socket, of at most 100 bytes"),
            _ => Error::io(format_args!("cannot listen at {shown}"), &error),
        };
        if let Ok(found) = std::fs::symlink_metadata(path) {
            if !found.file_type().is_socket() {
                return Err(Error::failed(format!("{shown} is there and is not a socket"))
                    .next("name another path with --socket"));
            }
            if UnixStream::connect(path).is_ok() {
                return Err(Error::failed(format!("another program listens at {shown}"))
                    .next("end it, or name another path with --socket"));
            }
            std::fs::remove_file(path).map_err(cannot)?;
        }
        // No other thread of this process makes a file now.
        let before = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o177));
        let bound = UnixListener::bind(path);
        rustix::process::umask(before);
        let listener = bound.map_err(cannot)?;
        listener.set_nonblocking(true).map_err(cannot)?;
        let unlinked = Unlinked::of(path).map_err(cannot)?;
        Ok(Listener::Socket(listener, unlinked))
    }

    /// Not on this system.
    #[cfg(not(unix))]
    pub fn socket(_: &Path) -> Result<Listener> {
        Err(Error::usage("this system has no such sockets").next("leave --socket out: a port is used"))
    }

    /// Serves each connection, until dropped.
    pub async fn serve(self, forwarder: Arc<Forwarder>) {
        match self {
            Listener::Port(listener) => {
                let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
                loop {
                    match listener.accept().await {
                        Ok((stream, _)) => {
                            let _ = stream.set_nodelay(true);
                            tokio::spawn(connection(stream, Arc::clone(&forwarder)));
                        }
                        Err(_) => a_moment().await,
                    }
                }
            }
            #[cfg(unix)]
            Listener::Socket(listener, _unlinked) => {
                let Ok(listener) = tokio::net::UnixListener::from_std(listener) else { return };
                loop {
                    match listener.accept().await {
                        Ok((stream, _)) => {
                            tokio::spawn(connection(stream, Arc::clone(&forwarder)));
                        }
                        Err(_) => a_moment().await,
                    }
                }
            }
        }
    }
}

/// Too many open files, most often: some will be closed.
async fn a_moment() {
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
}

fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    forwarder: Arc<Forwarder>,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    let service = service_fn(move |request| {
        let forwarder = Arc::clone(&forwarder);
        async move { Ok::<_, std::convert::Infallible>(forwarder.answer(request).await) }
    });
    Box::pin(async move {
        let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades();
        if let Err(error) = served.await {
            log::debug!("relay: a connection ended early: {error}");
        }
    })
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn the_socket_of_another_relay_stays() {
        let tmp = tempfile::tempdir().unwrap();
        let path = tmp.path().join("s");
        // Held to the end: so long nothing else gets its inode.
        let _mine = UnixListener::bind(&path).unwrap();
        let mine = Unlinked::of(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let _other = UnixListener::bind(&path).unwrap();
        let other = Unlinked::of(&path).unwrap();
        drop(mine);
        assert!(path.exists());
        drop(other);
        assert!(!path.exists());
    }
}
