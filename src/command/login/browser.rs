//! Login in a browser that comes back to this machine, or whose last address the person pastes.

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use super::opener;
use super::paste::{Paste, Pasted, Source};
use super::settings::Settings;
use crate::error::{Error, Kind, Result};
use crate::http::Http;
use crate::oauth::Tokens;
use crate::oauth::authorize::Pending;
use crate::oauth::discovery::Server;
use crate::oauth::loopback::{Arrival, Browser, Loopback, Serving};
use crate::oauth::page::Page;
use crate::oauth::token::{self, Exchanged};
use crate::ui::{self, Spinner};

/// What stands on the pages that the browser shows.
const PRODUCT: &str = "Seqera";

/// How often we look for what was typed.
const GLANCE: Duration = Duration::from_millis(50);

/// How long the listener stays after its page was shown: a browser, or what looks at pages before it does, may
/// come for it once more.
const LINGER: Duration = Duration::from_secs(1);

/// A browser that came back and waits to be told how it went.
pub struct Waiting {
    browser: Browser,
    serving: Serving,
}

/// A browser that has been told. The page stays to be had for a moment; dropping this waits for its end.
pub struct Told {
    _serving: Serving,
    at: Instant,
}

impl Drop for Told {
    fn drop(&mut self) {
        thread::sleep(LINGER.saturating_sub(self.at.elapsed()));
    }
}

impl Waiting {
    /// Shows the page for the outcome: who is logged in, or what went wrong.
    pub fn tell(self, outcome: &Result<Option<String>>) -> Told {
        self.show(match outcome {
            Ok(who) => {
                let who = who.as_deref().map(|who| format!("As {who}."));
                let text = [who.as_deref().unwrap_or_default(), "You can close this page."];
                Page::success(PRODUCT, "You are logged in", &text)
            }
            Err(error) => {
                let text = [&*sentence(error.what()), "See the terminal."];
                Page::failure(PRODUCT, "The login did not work", &text)
            }
        })
    }

    /// Shows that the terminal asks something.
    pub fn ask(self, what: &str) -> Told {
        let text = [&*sentence(what), "The terminal asks what to do."];
        self.show(Page::question(PRODUCT, "Look at the terminal", &text))
    }

    fn show(self, page: Page) -> Told {
        self.browser.show(page);
        Told { _serving: self.serving, at: Instant::now() }
    }
}

fn sentence(what: &str) -> String {
    let mut letters = what.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}

/// Logs in. With the tokens comes the browser that brought them; where the person pasted, there is none.
///
/// # Errors
/// Nobody can finish it, or nobody does; the person or the server refuses; network and ports.
pub fn login(
    http: &Http,
    server: &Server,
    settings: &Settings,
    source: Option<Source<'_>>,
) -> Result<(Tokens, Option<Waiting>)> {
    let deadline = Instant::now() + settings.patience;
    let loopback = Loopback::bind(settings.ports, "/callback").map_err(name_the_option)?;
    let port = loopback.port();
    let pending = Arc::new(Pending::begin(server, &settings.client, loopback.redirect()));
    let (deliver, arrivals) = mpsc::channel();
    let serving = loopback.serve(Arc::clone(&pending), PRODUCT, deadline, move |arrival| {
        // Nobody listens any more: the person was faster with a paste.
        let _ = deliver.send(arrival);
    })?;
    opener::invite(&pending, serving.entrance(), settings, port, source.as_ref(), server.device.is_some())?;
    let redeem = |code: &_| token::redeem(http, server, &settings.client, &pending, code);
    let exchange = |code: &_| token::exchange(http, server, &settings.client, &pending, code);
    let paste = source.map(|source| Paste::new(source, &pending));
    match wait(paste, &arrivals, &serving, redeem, deadline).map_err(|stop| stop.error(settings, port))? {
        Came::Tokens(tokens) => Ok((tokens, None)),
        Came::Browser(Arrival { outcome, browser }) => {
            let tokens = outcome.map_err(Error::from).and_then(|code| exchange(&code));
            let waiting = Waiting { browser, serving };
            match tokens {
                Ok(tokens) => Ok((tokens, Some(waiting))),
                Err(error) => {
                    let _told = waiting.tell(&Err(error.clone()));
                    Err(error)
                }
            }
        }
    }
}

enum Came {
    Browser(Arrival),
    Tokens(Tokens),
}

/// Why the wait ended without either.
enum Stop {
    TimedOut { turned_out: u64 },
    Failed(Error),
}

impl Stop {
    fn error(self, settings: &Settings, port: u16) -> Error {
        let turned_out = match self {
            Stop::Failed(error) => return error,
            Stop::TimedOut { turned_out } => turned_out,
        };
        let what =
            format!("nobody finished the login in the browser within {} s", settings.patience.as_secs());
        if turned_out > 0 {
            return Error::timed_out(format!("{what}; {}", crowd(turned_out, port)))
                .next("find the program that connects to that port, or log in with another --port");
        }
        Error::timed_out(what).next("log in again; --timeout SECONDS gives more time")
    }
}

fn crowd(turned_out: u64, port: u16) -> String {
    format!("{turned_out} connections to port {port} of this machine sent nothing and were closed")
}

/// Waits for the browser and for what is pasted, whichever brings the answer first.
fn wait(
    mut paste: Option<Paste<'_>>,
    arrivals: &mpsc::Receiver<Arrival>,
    serving: &Serving,
    redeem: impl Fn(&crate::oauth::authorize::Code) -> Exchanged,
    deadline: Instant,
) -> Result<Came, Stop> {
    let line = match &paste {
        Some(paste) if paste.is_at_terminal() => {
            "Waiting for the browser; or paste the address it ended at, and Enter: "
        }
        _ => "Waiting for the browser ...",
    };
    let mut spinner = Some(Spinner::turn(line));
    let mut say = |words: &str| {
        spinner = None;
        ui::say(words);
        spinner = Some(Spinner::turn(line));
    };
    let mut told_of_crowd = false;
    loop {
        if let Ok(arrival) = arrivals.recv_timeout(GLANCE) {
            return Ok(Came::Browser(arrival));
        }
        let turned_out = serving.turned_out();
        if Instant::now() >= deadline {
            return Err(Stop::TimedOut { turned_out });
        }
        if turned_out > 0 && !told_of_crowd {
            told_of_crowd = true;
            say(
                "Another program on this machine opens many connections to this login and sends nothing; they are closed to let the browser in.",
            );
        }
        match paste.as_mut().map(Paste::look) {
            Some(Pasted::Answer(Ok(code))) => match redeem(&code) {
                Exchanged::Tokens(tokens) => return Ok(Came::Tokens(tokens)),
                Exchanged::Failed(error) => return Err(Stop::Failed(error)),
                Exchanged::NotAccepted => say(
                    "The server does not accept this address: a part of it may be missing, or it was used before. \
                     Paste the whole address once more, or end this with Ctrl-C and log in again.",
                ),
            },
            Some(Pasted::Answer(Err(error))) => return Err(Stop::Failed(error.into())),
            Some(Pasted::NotYet(error)) => say(&error.to_string()),
            Some(Pasted::Closed) => paste = None,
            Some(Pasted::Nothing) | None => {}
        }
    }
}

fn name_the_option(error: Error) -> Error {
    match (error.kind(), error.hint()) {
        (Kind::Failed, Some(hint)) if hint.contains("port") => {
            let hint = format!("{hint} with --port");
            Error::failed(error.what()).next(hint)
        }
        _ => error,
    }
}
