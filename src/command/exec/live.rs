//! `--live`: for a program that runs for longer than an access token lives, or that must not hold one.

use std::path::Path;
use std::process::{Command, ExitCode};

use crate::command::lent::{Lent, Limits, ListenAt};
use crate::command::{Context, child};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::http::Http;
use crate::provider::seqera::backend;

/// Runs `command` with a relay that ends with it.
///
/// # Errors
/// There is no token; the relay cannot be started; the command cannot be run.
pub fn run(mut command: Command, limits: &Limits, context: &Context) -> Result<ExitCode> {
    must_not_pass_its_token_on(&command)?;
    hint_for_tw(&command, context);
    let lent = Lent::in_use(context)?;
    lent.must_not_be_in(&command)?;
    // Without a backend the API is served all the same; a wrong one is said.
    let config = Config::load(&context.paths)?;
    let ai = match backend::backend(&Http::new(super::super::TIME), &lent.endpoint, &config) {
        Err(error) if error.kind() != crate::error::Kind::Refused => {
            log::info!("no AI backend: {error}");
            None
        }
        found => found?,
    };
    let has_ai = ai.is_some();
    // Until here Ctrl-C ends this; from here on it is the command's.
    let signals = child::Signals::begin()?;
    let relay = lent.both(ai, limits, ListenAt::default())?;
    for name in lent.holders() {
        command.env_remove(name);
    }
    child::apply(&mut command, &lent.changes(&relay.url(), relay.word(), has_ai, limits))?;
    let ended = signals.run(&mut command)?;
    drop(relay);
    Ok(child::like(ended))
}

/// Wave takes the token itself, to use it from where it runs: there, this machine's address means nothing.
fn must_not_pass_its_token_on(command: &Command) -> Result<()> {
    let words: Vec<_> = std::iter::once(command.get_program()).chain(command.get_args()).take(2).collect();
    let program = Path::new(words[0]).file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    let passes_on =
        program == "wave" || (program == "seqera" && words.get(1).is_some_and(|word| *word == "containers"));
    match passes_on {
        true => Err(Error::usage(
            "this command gives its token to Wave, which cannot use a relay on this machine",
        )
        .next("use --job-token instead of --live")),
        false => Ok(()),
    }
}

/// tw takes an address without encryption only where it is told to.
fn hint_for_tw(command: &Command, context: &Context) {
    let is_tw = Path::new(command.get_program()).file_stem().is_some_and(|name| name == "tw");
    if is_tw && command.get_args().all(|word| word != "--insecure") {
        context.tell(
            "seqera: tw refuses the relay's address without --insecure; for short commands leave --live out",
        );
    }
}
