//! The relay: lends a live token to a program that must not hold it. The program gets an address on this machine
//! and a random [`Word`]; every request that carries the word goes on to the one server of its path, with a token
//! that lives at that moment, and comes back as it comes.
//!
//! hyper does the HTTP on the program's side and reqwest on the server's; here is what makes it a relay: who may
//! ask (the word, `Door`), what may pass ([`Rules`]), which headers go through (`headers`), which token is lent
//! (`Lease`). The room knows where tokens come from only as a [`TokenSource`].
//!
//! It is not a sandbox. A program of the same user can ask us for a token as any other can; what the relay takes away
//! is the token in the environment, which every program below reads, prints and logs.

mod body;
mod carried;
mod door;
mod forward;
mod headers;
mod lease;
mod listen;
mod log;
mod path;
mod refusal;
mod route;
mod rules;
mod word;
mod workspace;

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::oneshot;
use url::Url;

use crate::error::{Error, Result};
use crate::http::{Place, Streaming};
use crate::secret::Secret;
use crate::target::Target;

pub use lease::{Token, TokenSource};
pub use route::Route;
pub use rules::{Allow, Rules};
pub use word::Word;
pub use workspace::Workspace;

use door::Door;
use forward::Forwarder;
use lease::Lease;
use listen::Listener;
use log::Log;

/// What a relay serves.
#[derive(Debug)]
pub struct Settings {
    /// The servers, the longer prefix first.
    pub routes: Vec<Route>,
    /// What may pass.
    pub rules: Rules,
    /// One line a request is added here.
    pub log: Option<PathBuf>,
    /// The socket to listen at; a port of loopback without one.
    pub socket: Option<PathBuf>,
    /// The port of loopback; any free one without it.
    pub port: Option<u16>,
}

/// A relay that runs, until dropped.
#[derive(Debug)]
pub struct Relay {
    word: Word,
    port: Option<u16>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Relay {
    /// Starts a relay, in a thread of its own.
    ///
    /// # Errors
    /// A server is neither https nor on this machine; the socket or the log cannot be made.
    pub fn start(settings: Settings, tokens: impl TokenSource) -> Result<Relay> {
        let Settings { routes, rules, log, socket, port } = settings;
        let servers = routes.into_iter().map(|route| {
            must_be_private(&route.base)?;
            let client = Streaming::to(&route.base)?;
            Ok((route, client))
        });
        let servers = servers.collect::<Result<Vec<_>>>()?;
        let word = Word::random()?;
        let (listener, port) = match &socket {
            Some(path) => (Listener::socket(path)?, None),
            None => {
                let (listener, port) = Listener::port(port.unwrap_or_default())?;
                (listener, Some(port))
            }
        };
        let forwarder = Arc::new(Forwarder {
            door: port.map_or(Door::Socket, Door::Port),
            word: word.clone(),
            servers,
            rules,
            lease: Lease::new(Arc::new(tokens)),
            log: Log::open(log.as_deref())?,
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Error::io("cannot start the relay", &error))?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                let serving = tokio::spawn(listener.serve(forwarder));
                let _ = stopped.await;
                serving.abort();
                let _ = serving.await;
            });
            // A renewal under way is not waited for: it goes on in a process of its own, or is begun again.
            runtime.shutdown_background();
        });
        Ok(Relay { word, port, stop: Some(stop), thread: Some(thread) })
    }

    /// The address, without a slash at the end; of a socket, the one that requests must name as their host.
    pub fn url(&self) -> String {
        self.port.map_or_else(|| "http://localhost".to_owned(), |port| format!("http://127.0.0.1:{port}"))
    }

    /// The word that requests must carry.
    pub fn word(&self) -> &Secret {
        self.word.secret()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn must_be_private(base: &Url) -> Result<()> {
    let target = Target::from_url(base.as_str());
    if target.is_some_and(|target| target.is_private_enough()) && base.query().is_none() {
        return Ok(());
    }
    Err(Error::refused(format!("no token is sent to {}, which is not https", Place::of(base)))
        .next("name an https address"))
}
