//! The person's way to the browser: it is opened, or they are told where to go and how it finds its way back.

use std::process::{Command, Stdio};

use url::Url;

use super::paste::Source;
use super::settings::Settings;
use super::surroundings::Surroundings;
use crate::error::{Error, Result};
use crate::oauth::authorize::Pending;
use crate::os::env::{env_text, non_empty};
use crate::os::programs;
use crate::provider;
use crate::ui;

/// Opens the browser at `entrance`, which sends it on: the address of the login itself stands in no argument list,
/// where every user of this machine could read it. It is shown to the person.
///
/// # Errors
/// There is neither a browser to open nor a person who could be told.
pub fn invite(
    pending: &Pending,
    entrance: &Url,
    settings: &Settings,
    port: u16,
    source: Option<&Source<'_>>,
    has_device: bool,
) -> Result<()> {
    let around = Surroundings::look(non_empty, ui::has_display());
    let chosen = env_text("BROWSER");
    let opened = settings.may_open
        && match (&chosen, around.obstacle) {
            (Some(chosen), _) => chosen.split(':').any(|browser| start(browser, entrance.as_str())),
            // Windows itself opens it; what it quotes cannot be told from a command.
            (None, None) if cfg!(windows) => open::that_detached(entrance.as_str()).is_ok(),
            (None, None) => open::commands(entrance.as_str()).iter().any(run),
            (None, Some(_)) => false,
        };
    if settings.may_open && !opened && source.is_none() && !ui::attended() {
        return Err(nobody(around.obstacle, has_device));
    }
    if port != settings.port && settings.port != 0 {
        ui::say(&format!("Port {} is taken; the browser comes back to port {port}.", settings.port));
    }
    match (opened, around.obstacle) {
        (true, _) => ui::say("Your browser opens. If it does not, or cannot reach the page, go to:"),
        (false, Some(obstacle)) if settings.may_open => {
            ui::say(&format!("No browser is opened, since {obstacle}. On your own computer, go to:"));
        }
        (false, _) => ui::say("In your browser, go to:"),
    }
    ui::say("");
    ui::say(&format!("  {}", pending.url()));
    ui::say("");
    if let Some(forward) = around.forward {
        ui::say("The browser can come back here if you type this on your own computer first:");
        ui::say("");
        ui::say(&format!("  {}", forward.line(port)));
        ui::say("");
    }
    if !opened && around.obstacle.is_some() {
        if source.is_some() {
            ui::say("If its last page cannot be reached, paste the address of that page here.");
        }
        if has_device {
            ui::say("Or end this with Ctrl-C and log in with a code: the same command with --device");
        }
    }
    Ok(())
}

fn nobody(obstacle: Option<&str>, has_device: bool) -> Error {
    let why = obstacle.unwrap_or("none could be started");
    let device = if has_device { "with a code on another device (--device), " } else { "" };
    Error::failed(format!("no browser can be opened here ({why}), and there is no terminal to show its address on"))
        .next(format!(
            "log in {device}with a token (--with-token < token.txt), from a terminal, or with --no-browser, which writes the address to standard error"
        ))
}

/// Starts one command of `BROWSER` with the address as its last argument, or where it says `%s`. No shell reads
/// it, and it gets none of our input and output.
fn start(browser: &str, url: &str) -> bool {
    let whole = std::path::Path::new(browser).is_file();
    let mut words = if whole { vec![browser] } else { browser.split_whitespace().collect() };
    if words.is_empty() {
        return false;
    }
    let takes_it = words.iter().skip(1).any(|word| word.contains("%s"));
    let mut command = Command::new(words.remove(0));
    command.args(words.iter().map(|word| word.replace("%s", url)));
    if !takes_it {
        command.arg(url);
    }
    run(&command)
}

/// Starts a browser: never one that stands in the current folder, which may be anybody's, and without the tokens in our
/// environment, which it has no use for.
fn run(browser: &Command) -> bool {
    let Some(program) = programs::resolve(browser.get_program()) else { return false };
    let mut command = Command::new(program);
    command.args(browser.get_args()).env("PATH", programs::path());
    for variable in provider::ALL.iter().flat_map(|platform| platform.variables().secrets()) {
        command.env_remove(variable);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // Ctrl-C here is not meant for the browser.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.spawn().is_ok()
}
