//! `seqera relay`: the relay in the foreground, for a container or another machine that must hold no secret.

use std::path::PathBuf;
use std::process::ExitCode;

use super::lent::{Lent, Limits, ListenAt};
use super::{Context, TIME, answer_shell, child};
use crate::config::Config;
use crate::error::{Kind, Result};
use crate::http::Http;
use crate::provider::seqera::backend;
use crate::relay::Relay;
use crate::shell::{Shell, render};

const OVER_SSH: &str = "\
For a machine behind SSH:
  seqera relay --socket ~/relay.sock --port 8765
  ssh -R 127.0.0.1:8765:$HOME/relay.sock HOST";

/// Lend a live token to programs elsewhere: in a container, or behind SSH
///
/// Runs until it is asked to end (Ctrl-C), and prints what a program needs in its environment: an address on this
/// machine and a random word, good for as long as this runs. Requests with the word go on to the Platform, and to
/// the AI backend, with a token that is fresh at that moment. Requests that make, list or end tokens are refused
/// unless --allow names them.
///
/// With --socket it listens at a socket that only you can open, which SSH can forward and a container can mount.
/// --port is then the port at which it is reached over there.
#[derive(Debug, clap::Args)]
#[command(after_long_help = OVER_SSH)]
pub struct Args {
    /// Listen at a socket with this path instead of a port
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// The port; a free one without it
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// The shell to write for; found out when absent
    #[arg(long, value_enum)]
    shell: Option<Shell>,
    #[command(flatten)]
    limits: Limits,
}

/// Runs the relay until a signal ends it, and ends by that signal.
///
/// # Errors
/// There is no token; the relay cannot be started.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode> {
    let shell = args.shell.map_or_else(Shell::detect, Ok)?;
    let lent = Lent::in_use(context)?;
    let config = Config::load(&context.paths)?;
    let ai = match backend::backend(&Http::new(TIME), &lent.endpoint, &config) {
        Err(error) if error.kind() == Kind::Refused => return Err(error),
        found => found.ok().flatten(),
    };
    let has_ai = ai.is_some();
    let at = ListenAt { socket: args.socket.clone(), port: args.port.filter(|_| args.socket.is_none()) };
    let signals = child::Signals::begin()?;
    let relay = lent.both(ai, &args.limits, at)?;
    let changes = lent.changes(&reached_at(args, &relay), relay.word(), has_ai, &args.limits);
    let out = &mut std::io::stdout();
    answer_shell(shell, out, render::statements(shell, &changes)?.expose())?;
    context.tell(&match &args.socket {
        Some(path) => format!("seqera: relaying at {} until this is ended (Ctrl-C)", path.display()),
        None => format!("seqera: relaying at {} until this is ended (Ctrl-C)", relay.url()),
    });
    let signal = signals.until_asked_to_end();
    // The socket goes first.
    drop(relay);
    Ok(child::by_signal(signal))
}

/// The address as it is on the other side.
fn reached_at(args: &Args, relay: &Relay) -> String {
    match (&args.socket, args.port) {
        (Some(_), Some(port)) => format!("http://127.0.0.1:{port}"),
        _ => relay.url(),
    }
}
