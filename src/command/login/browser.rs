//! Login in a browser that comes back to this machine, or whose last address the person pastes.

use crate::os::env::non_empty;
use std::process::{Command, Stdio};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use super::settings::Settings;
use super::surroundings::Surroundings;
use crate::error::{Error, Kind, Result};
use crate::http::Http;
use crate::oauth::Tokens;
use crate::oauth::authorize::{Code, Pending};
use crate::oauth::discovery::Server;
use crate::oauth::loopback::{Arrival, Browser, Loopback, Serving};
use crate::oauth::page::Page;
use crate::oauth::token;
use crate::os::env::env_text;
use crate::ui::{self, Keyboard, Spinner, Typed};

/// What stands on the pages that the browser shows.
const PRODUCT: &str = "Seqera";

/// How often we look for what was typed.
const GLANCE: Duration = Duration::from_millis(50);

/// A browser that came back and waits to be told how it went.
pub struct Waiting {
    browser: Browser,
    _serving: Serving,
}

impl Waiting {
    /// Shows the page for the outcome: who is logged in, or what went wrong.
    pub fn tell(self, outcome: &Result<Option<String>>) {
        self.browser.show(match outcome {
            Ok(who) => {
                let who = who.as_deref().map(|who| format!("As {who}."));
                let text = [who.as_deref().unwrap_or_default(), "You can close this page."];
                Page::success(PRODUCT, "You are logged in", &text)
            }
            Err(error) => failure(error),
        });
    }
}

fn failure(error: &Error) -> Page {
    Page::failure(PRODUCT, "The login did not work", &[&sentence(error.what()), "See the terminal."])
}

fn sentence(what: &str) -> String {
    let mut letters = what.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}

/// Logs in. With the tokens comes the browser that brought them; where the person pasted, there is none.
pub fn login(
    http: &Http,
    server: &Server,
    settings: &Settings,
    keyboard: Option<&Keyboard>,
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

    invite(&pending, settings, port, keyboard.is_some(), server.device.is_some());
    let exchange = |code: &Code| token::exchange(http, server, &settings.client, &pending, code);
    match wait(&pending, &arrivals, keyboard, deadline, settings.patience)? {
        Came::Browser(Arrival { outcome, browser }) => {
            let tokens = outcome.map_err(Error::from).and_then(|code| exchange(&code));
            let waiting = Waiting { browser, _serving: serving };
            match tokens {
                Ok(tokens) => Ok((tokens, Some(waiting))),
                Err(error) => {
                    waiting.browser.show(failure(&error));
                    Err(error)
                }
            }
        }
        Came::Paste(code) => Ok((exchange(&code)?, None)),
    }
}

enum Came {
    Browser(Arrival),
    Paste(Code),
}

/// Waits for the browser and for the keyboard, whichever brings the answer first.
fn wait(
    pending: &Pending,
    arrivals: &mpsc::Receiver<Arrival>,
    keyboard: Option<&Keyboard>,
    deadline: Instant,
    patience: Duration,
) -> Result<Came> {
    let line = match keyboard {
        Some(_) => "Waiting for the browser; or paste the address it ended at, and Enter: ",
        None => "Waiting for the browser ...",
    };
    let mut keyboard = keyboard;
    let mut spinner = Spinner::turn(line);
    loop {
        if let Ok(arrival) = arrivals.recv_timeout(GLANCE) {
            return Ok(Came::Browser(arrival));
        }
        if Instant::now() >= deadline {
            let what = format!("nobody finished the login in the browser within {} s", patience.as_secs());
            return Err(Error::timed_out(what).next("log in again; --timeout SECONDS gives more time"));
        }
        match keyboard.map(|keyboard| keyboard.typed(Duration::ZERO)) {
            Some(Typed::Line(text)) if !text.trim().is_empty() => match pending.check(&text) {
                Ok(code) => return Ok(Came::Paste(code)),
                Err(error) if error.is_final() => return Err(error.into()),
                Err(error) => {
                    drop(spinner);
                    ui::say(&Error::from(error).to_string());
                    spinner = Spinner::turn(line);
                }
            },
            Some(Typed::Closed) => keyboard = None,
            _ => {}
        }
    }
}

/// Opens the browser, or tells the person where to go and how the browser finds its way back.
fn invite(pending: &Pending, settings: &Settings, port: u16, can_paste: bool, has_device: bool) {
    let around = Surroundings::look(non_empty, ui::has_display());
    let url = pending.url().as_str();
    if port != settings.port && settings.port != 0 {
        ui::say(&format!("Port {} is taken; the browser comes back to port {port}.", settings.port));
    }
    let chosen = env_text("BROWSER");
    let opened = settings.may_open
        && match (&chosen, around.obstacle) {
            (Some(chosen), _) => chosen.split(':').any(|browser| start(browser, url)),
            (None, None) => open::that_detached(url).is_ok(),
            (None, Some(_)) => false,
        };
    match (opened, around.obstacle) {
        (true, _) => ui::say("Your browser opens. If it does not, go to:"),
        (false, Some(obstacle)) if settings.may_open => {
            ui::say(&format!("No browser is opened, since {obstacle}. On your own computer, go to:"));
        }
        (false, _) => ui::say("In your browser, go to:"),
    }
    ui::say("");
    ui::say(&format!("  {url}"));
    ui::say("");
    if let Some(forward) = around.forward {
        ui::say("The browser can come back here if you type this on your own computer first:");
        ui::say("");
        ui::say(&format!("  {}", forward.line(port)));
        ui::say("");
    }
    if !opened && around.obstacle.is_some() {
        if can_paste {
            ui::say("If its last page cannot be reached, paste the address of that page here.");
        }
        if has_device {
            ui::say("Or end this with Ctrl-C and log in with a code: the same command with --device");
        }
    }
}

/// Starts one command of `BROWSER` with the address as its last argument, or where it says `%s`. No shell reads
/// it, and it gets none of our input and output.
fn start(browser: &str, url: &str) -> bool {
    let whole = std::path::Path::new(browser).is_file();
    let mut words = if whole { vec![browser] } else { browser.split_whitespace().collect() };
    if words.is_empty() {
        return false;
    }
    let program = words.remove(0);
    let takes_it = words.iter().any(|word| word.contains("%s"));
    let mut command = Command::new(program);
    command.args(words.iter().map(|word| word.replace("%s", url)));
    if !takes_it {
        command.arg(url);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // Ctrl-C here is not meant for the browser.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.spawn().is_ok()
}

fn name_the_option(error: Error) -> Error {
    match error.kind() {
        Kind::Failed => {
            let what = error.what().to_owned();
            Error::failed(what).next("finish the other login, or choose another port with --port")
        }
        _ => error,
    }
}
