//! `seqera import`: takes over what another program keeps, or a person wrote down. First it is stored here and read
//! back; only then is the plain copy offered to be removed.

mod docker;
mod env;
mod git;
mod nextflow;
mod sekuire;
mod seqera;

use std::process::ExitCode;
use std::time::Duration;

use clap::Subcommand;

use super::Context;
use super::login::keep;
use crate::error::{Error, Result};
use crate::http::Http;
use crate::os::clock::now;
use crate::os::deadline::Deadline;
use crate::secret::Secret;
use crate::session::profile::{Method, Profile, ProfileName};
use crate::session::{Grant, Session, Sessions};
use crate::ui::{self, Keyboard, Typed};

pub(super) use seqera::{Note, Where};

/// Take over a login or token that another program keeps, or that you wrote down
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    from: From,
}

#[derive(Debug, Subcommand)]
enum From {
    Sekuire(sekuire::Args),
    Seqera(seqera::Args),
    Nextflow(nextflow::Args),
    Env(env::Args),
    Git(git::Args),
    Docker(docker::Args),
}

/// What becomes of the plain copy.
#[derive(Debug, Clone, Copy, clap::Args)]
struct Plain {
    /// Remove the plain copy once it is stored here, without asking
    #[arg(long)]
    remove: bool,
    /// Show what would be taken over, and do nothing
    #[arg(long, conflicts_with = "remove")]
    dry_run: bool,
}

/// Runs the command.
///
/// # Errors
/// There is nothing to take over; it is not good; the store.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode> {
    match &args.from {
        From::Sekuire(args) => sekuire::run(args, context),
        From::Seqera(args) => seqera::run(args, context),
        From::Nextflow(args) => nextflow::run(args, context),
        From::Env(args) => env::run(args, context),
        From::Git(args) => git::run(args, context),
        From::Docker(args) => docker::run(args, context),
    }
}

/// For one question to a server.
const EACH: Duration = Duration::from_secs(30);

/// For the store and its keychain.
const TO_STORE: Duration = Duration::from_secs(90);

/// A token that is to be kept, and what stands in its way.
enum Planned {
    /// This very token is here already, as this login.
    Here(Profile),
    /// The profile is free, or has a login that has ended: of the same account it is replaced.
    New { ended: Option<Profile> },
}

/// What will become of a token that is to be kept as `profile`; nothing is asked and nothing changed.
///
/// # Errors
/// The profile is taken by another login; the store.
fn plan(context: &Context, profile: &Profile, token: &Secret) -> Result<Planned> {
    let names = match &context.profile {
        Some(_) => vec![profile.name.clone()],
        None => Profile::list(&context.paths)?,
    };
    let sessions = Sessions::new(&context.paths, Deadline::after(TO_STORE));
    for known in names.iter().filter_map(|name| Profile::load(&context.paths, name).ok().flatten()) {
        let is_there = known.may_send_to(profile.endpoint.origin());
        let lives = known.provider == profile.provider && known.ended_at.is_none();
        let holds = || sessions.load(&known.name).ok().flatten().is_some_and(|kept| kept.access == *token);
        if is_there && lives && holds() {
            return Ok(Planned::Here(known));
        }
    }
    Ok(Planned::New { ended: free(context, &profile.name)? })
}

/// What a dry run says of a token: what the run itself would do.
///
/// # Errors
/// Those that the run would end with.
fn foretell(context: &Context, profile: &Profile, token: &Secret) -> Result<()> {
    match plan(context, profile, token)? {
        Planned::Here(known) => ui::out(&format!("it is here already, as '{}'", known.name)),
        Planned::New { .. } => ui::out(&format!(
            "would store {} for {}, as '{}', if the server accepts it",
            masked(token),
            profile.endpoint,
            profile.name
        )),
    }
}

/// Keeps a token that a person had made, in a profile of its own, and reads it back. `profile` says where it is good.
/// Answers the login, and whether it is new here.
///
/// # Errors
/// The server does not accept it; the profile is taken; the store.
fn keep_token(context: &Context, mut profile: Profile, token: &Secret) -> Result<(Profile, bool)> {
    let ended = match plan(context, &profile, token)? {
        Planned::Here(known) => {
            context.tell(&format!("The token is here already, as '{}'", known.name));
            return Ok((known, false));
        }
        Planned::New { ended } => ended,
    };
    let http = Http::new(EACH);
    let account = profile.provider.whoami(&http, &profile.endpoint, token, None)?;
    (profile.account, profile.account_id) = (account.name, account.id);
    if ended.is_some_and(|ended| ended.account_id != profile.account_id) {
        return Err(taken(&profile.name));
    }
    let access_expires_at = crate::oauth::jwt::times(token).and_then(|times| times.expires_at);
    let grant = Grant::Brought;
    let session = Session {
        generation: 0,
        access: token.clone(),
        issued_at: now(),
        access_expires_at,
        grant,
        bound: None,
    };
    profile.method = Method::Token;
    keep(context, &http, &mut profile, &session)?;
    must_be_kept(context, &profile.name, token)?;
    let who = profile.account.as_deref().unwrap_or("an account without a name");
    context.tell(&format!("Stored: the token of {who} at {}, as '{}'", profile.endpoint, profile.name));
    Ok((profile, true))
}

/// No login that works is replaced. Answers the one that has ended, where there is one.
///
/// # Errors
/// There is one that works.
fn free(context: &Context, name: &ProfileName) -> Result<Option<Profile>> {
    match Profile::load(&context.paths, name)? {
        Some(profile) if profile.ended_at.is_none() => Err(taken(name)),
        other => Ok(other),
    }
}

fn taken(name: &ProfileName) -> Error {
    Error::usage(format!("there is another login '{name}' already, and it is not replaced"))
        .next("name another for this one with --profile NAME, or log out first")
}

/// How an import ends that left out what would have replaced another secret.
fn ended(others: usize) -> Result<ExitCode> {
    match others {
        0 => Ok(ExitCode::SUCCESS),
        _ => Err(Error::usage("another password is here already, and it is not replaced")
            .next("keep the right one: remove it there, or let git or docker forget the one that is here")),
    }
}

/// Names what could not be read, so that nobody takes it for taken over.
fn say_what_is_left(unread: &[String]) {
    for one in unread {
        ui::say(&format!("not taken over: {one}"));
    }
    match unread.len() {
        0 => {}
        1 => ui::say("1 entry could not be read, and stays as it is"),
        many => ui::say(&format!("{many} entries could not be read, and stay as they are")),
    }
}

/// Reads a token back that was stored.
fn must_be_kept(context: &Context, name: &ProfileName, token: &Secret) -> Result<()> {
    let sessions = Sessions::new(&context.paths, Deadline::after(TO_STORE));
    match sessions.load(name)? {
        Some(session) if session.access == *token => Ok(()),
        _ => Err(Error::store("what was stored does not come back")
            .next("the plain copy is as it was; see: seqera doctor")),
    }
}

/// As much of a secret as may be shown.
pub(super) fn masked(secret: &Secret) -> String {
    let text = secret.expose_str().unwrap_or_default();
    let ends = (text.get(..4), text.get(text.len().saturating_sub(3)..));
    match ends {
        (Some(first), Some(last)) if text.len() >= 20 && text.is_ascii() => format!("{first}...{last}"),
        _ => "********".to_owned(),
    }
}

/// How long a question waits for its answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether a person says yes. Nobody there, and no answer, is no.
fn agrees(question: &str) -> bool {
    let Some(keyboard) = Keyboard::open() else { return false };
    ui::prompt(&format!("{question} [y/N] "));
    match keyboard.typed(PATIENCE) {
        Typed::Line(line) => matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes"),
        Typed::Nothing | Typed::Closed => {
            ui::say("");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_of_a_secret_is_shown() {
        assert_eq!(masked(&"eyJ0aWQiOiAxMjN9LjAx".into()), "eyJ0...jAx");
        for short in ["", "hunter2", "pässwörtchen-das-länger-ist"] {
            assert_eq!(masked(&short.into()), "********");
        }
    }
}
