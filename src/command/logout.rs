//! `seqera logout`: gives the tokens back and removes every trace of a login.

use crate::os::env::non_empty;
use std::process::ExitCode;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::{Context, sekuire, vendor};
use crate::endpoint::Endpoint;
use crate::error::{Error, Result};
use crate::http::Http;
use crate::os::deadline::Deadline;
use crate::provider::ProviderId;
use crate::session::exports::Ours;
use crate::session::profile::{Profile, ProfileName};
use crate::session::revocation::{self, Outcome, Revocability};
use crate::session::{Session, Sessions};
use crate::store::key;
use crate::ui;

/// Log out: revoke the tokens on the server and remove them here
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Every profile, and forget the cached key of the store
    #[arg(long, conflicts_with = "profile")]
    all: bool,
    /// Also the login that Seqera's own program keeps
    #[arg(long)]
    everywhere: bool,
}

/// For one question to a server that may not be there.
pub(super) const EACH: Duration = Duration::from_secs(10);

const TIME: Duration = Duration::from_secs(90);

/// Runs the command. A person who is not logged in is told so, and that is not a failure: what was asked for holds.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode> {
    let mut servers = Servers::default();
    if !args.all {
        logout(context, &mut servers, &context.name()?)?;
    } else {
        let names = Profile::list(&context.paths)?;
        if names.is_empty() {
            context.tell("You are not logged in.");
        }
        // One login that cannot be removed must not keep the others.
        let outcomes: Vec<_> = names.iter().map(|name| logout(context, &mut servers, name)).collect();
        let forgotten = key::forget(&context.paths);
        outcomes.into_iter().collect::<Result<Vec<()>>>()?;
        forgotten?;
    }
    match (args.everywhere, context.called) {
        (true, _) => vendor::login::end(context)?,
        (false, called) if called == ProviderId::SEQERA => vendor::login::say_what_stays(),
        (false, _) => {}
    }
    // A server that is away was asked just now: what waits for it waits on.
    if servers.silent.is_empty() {
        revocation::settle(&context.paths, Deadline::after(Duration::from_secs(5)));
    }
    if let Ok(Some((variable, _))) = context.outside_token() {
        ui::say(&format!("{variable} is set in this shell and stays; take it away with: unset {variable}"));
    } else if exports_what_is_gone(context) {
        context.tell(
            "This shell still has what was exported; without the hook, take it away with: eval \"$(seqera env --unset)\"",
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether the environment has exports of a login that is no more. A token that was brought lives on.
fn exports_what_is_gone(context: &Context) -> bool {
    let name = Ours::in_env(&non_empty).and_then(|ours| ours.profile()?.parse().ok());
    name.is_some_and(|name: ProfileName| {
        Profile::load(&context.paths, &name).is_ok_and(|login| login.is_none())
    })
}

/// The servers that are asked, each as long as it answers: one that is away keeps a person once, however many
/// logins are at it.
#[derive(Debug, Default)]
pub(super) struct Servers {
    silent: Vec<Endpoint>,
}

impl Servers {
    /// A connection to the server of a login.
    fn connection(&self, endpoint: Option<&Endpoint>) -> Http {
        match endpoint.is_some_and(|endpoint| self.silent.contains(endpoint)) {
            true => Http::new(EACH).until(Instant::now()),
            false => Http::new(EACH),
        }
    }

    fn note_silence(&mut self, endpoint: Option<&Endpoint>) {
        if let Some(endpoint) = endpoint.filter(|endpoint| !self.silent.contains(endpoint)) {
            self.silent.push(endpoint.clone());
        }
    }
}

/// Says what is waited for, where it takes longer than a moment, until dropped.
struct Notice(#[allow(dead_code, reason = "dropping it tells the thread")] mpsc::Sender<()>);

impl Notice {
    fn after_a_moment(words: String) -> Notice {
        let (over, is_over) = mpsc::channel();
        thread::spawn(move || {
            if is_over.recv_timeout(Duration::from_secs(2)) == Err(RecvTimeoutError::Timeout) {
                ui::say(&words);
            }
        });
        Notice(over)
    }
}

/// First the server, then this machine: an interruption in between leaves a session that the
/// server has ended, not with tokens that live and that nobody knows of.
pub(super) fn logout(context: &Context, servers: &mut Servers, name: &ProfileName) -> Result<()> {
    let sessions = Sessions::new(&context.paths, Deadline::after(TIME));
    let profile = Profile::load(&context.paths, name);
    let session = sessions.load(name);
    if matches!(profile, Ok(None)) {
        if !matches!(session, Ok(None)) {
            // What a renaming left that was cut off: the tokens live on under the other name.
            sessions.end(name)?;
        }
        context.tell(&match name == &ProfileName::default_name() {
            true => "You are not logged in.".to_owned(),
            false => format!("You are not logged in as {name}."),
        });
        return Ok(());
    }
    let mut profile = profile.ok().flatten();
    if let (Some(shown), Ok(Some(session))) = (&profile, &session)
        && let Some((sealed, notice)) = sessions.as_sealed(shown, session)
    {
        ui::say(&notice);
        profile = Some(sealed);
    }
    let as_sekuire = profile.as_ref().is_some_and(|profile| sekuire::speaks(context, profile.provider));
    if as_sekuire {
        context.tell(sekuire::logging_out());
    }
    let words = match &session {
        Ok(Some(session)) => given_back(context, servers, session, profile.as_ref()),
        Ok(None) => None,
        Err(error) => Some(format!("The tokens cannot be revoked: {error}.")),
    };
    let waiting = Notice::after_a_moment(format!(
        "Waiting for another process that is working on the login '{name}' (for {} s at most; Ctrl-C ends the wait) ...",
        TIME.as_secs()
    ));
    let ended = sessions.end(name)?;
    drop(waiting);
    // Another process may have renewed the login while the server was asked.
    if let (Some(ended), Ok(Some(session))) = (&ended, &session)
        && ended.access != session.access
    {
        given_back(context, servers, ended, profile.as_ref());
    }
    let who =
        profile.as_ref().and_then(|profile| profile.account.clone()).unwrap_or_else(|| name.to_string());
    let token = session.as_ref().ok().and_then(|session| session.as_ref()).map(|session| &session.access);
    let cleaned = profile
        .as_ref()
        .map(|profile| profile.provider.clean_up(profile.details(), token))
        .transpose()
        .map(Option::flatten);
    if as_sekuire {
        let removed = cleaned.as_ref().ok().and_then(Option::as_ref);
        let file = removed.and_then(|words| words.strip_prefix("Removed: "));
        for line in sekuire::logged_out(context, file) {
            context.tell(&line);
        }
    }
    context.tell(&format!("Logged out: {who}"));
    if let Some(words) = words {
        ui::say(&words);
    }
    if let Some(words) = cleaned?.filter(|words| !(as_sekuire && words.starts_with("Removed: "))) {
        context.tell(&words);
    }
    Ok(())
}

/// Gives the tokens of a session back. Answers what the person should hear beyond that it went well.
fn given_back(
    context: &Context,
    servers: &mut Servers,
    session: &Session,
    profile: Option<&Profile>,
) -> Option<String> {
    let endpoint = profile.map(|profile| &profile.endpoint);
    let revocation = match Revocability::of(session) {
        Revocability::Revocable(revocation) => revocation,
        Revocability::Unsupported => {
            return Some("The server cannot revoke tokens: they live until they expire.".into());
        }
        Revocability::NotIssuedByUs => {
            return Some(format!(
                "The {} itself is still good; if nothing else uses it, delete it at {}",
                profile?.provider.login_way().secret(),
                profile?.provider.tokens_page(endpoint?)
            ));
        }
    };
    let why = |failure| Error::from(failure).what().to_owned();
    let http = servers.connection(endpoint);
    let server = endpoint.map_or("the server", Endpoint::as_str);
    let waiting = Notice::after_a_moment(format!("Waiting for {server} to revoke the tokens ..."));
    let outcome = revocation.carry_out_or_queue(&http, &context.paths, Deadline::after(TIME));
    drop(waiting);
    if let Outcome::Queued(failure) | Outcome::Lost(failure) = &outcome
        && failure.status().is_none()
    {
        servers.note_silence(endpoint);
    }
    match outcome {
        Outcome::Done => None,
        Outcome::Refused(failure) => {
            Some(format!("The tokens are not revoked and live until they expire: {}.", why(failure)))
        }
        Outcome::Queued(failure) => Some(format!(
            "The tokens are not revoked yet: {}. They will be with the next command that goes online.",
            why(failure)
        )),
        Outcome::Lost(failure) => Some(format!(
            "The tokens are not revoked and live until they expire: {}. It could not be noted for later either.",
            why(failure)
        )),
    }
}
