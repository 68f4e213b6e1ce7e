//! `seqera import seqera`: the login of Seqera's own program moves here.
//!
//! A refresh token is good once, so it must not be in two places that use it. The order: a note of what is about to be
//! done, the token into our store, one renewal by the transaction that every renewal is, the result read back, and only
//! then is theirs removed. Cut off before the renewal, theirs works; after it, ours does; and the next
//! `import seqera` finds the note and goes on from there.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{EACH, TO_STORE, agrees, free, masked, taken};
use crate::command::Context;
use crate::command::login::keep;
use crate::endpoint::Endpoint;
use crate::error::{Error, Kind, Result};
use crate::http::Http;
use crate::oauth::discovery;
use crate::os::clock::now;
use crate::os::deadline::Deadline;
use crate::os::fault;
use crate::os::files;
use crate::os::hex::hex;
use crate::os::paths::Paths;
use crate::provider::seqera::vendor::login::{self, Kept};
use crate::provider::seqera::vendor::{self, Remembered};
use crate::provider::seqera::{self, CLOUD, CLOUD_API_BESIDE_WEB, normalized};
use crate::provider::{Account, Organization, ProviderId, is_origin};
use crate::secret::Secret;
use crate::session::profile::{Method, Profile, ProfileName};
use crate::session::{Grant, Session, Sessions, Want};
use crate::store::lock::turn;
use crate::ui;

/// The login of Seqera's own program, from its keychain item, the kernel's keyring or its file
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The API of the installation that it is a login of; found out where nothing is said
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// Where that account is logged in here already: end its login over there, without asking
    #[arg(long)]
    remove: bool,
    /// Show what would be moved, and do nothing
    #[arg(long, conflicts_with = "remove")]
    dry_run: bool,
}

/// A keychain may ask the person first.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs the command.
///
/// # Errors
/// There is nothing to move; its server does not take it; the store; theirs cannot be removed.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode> {
    // Two at once would renew one token twice, which ends the login: the second waits, and reads what is left then.
    let _turn = if args.dry_run {
        None
    } else {
        Some(turn(&context.paths, "import.lock", Deadline::after(TO_STORE))?)
    };
    let kept = login::everywhere(PATIENCE)?;
    if !kept.is_empty() {
        must_not_be_in_use()?;
    }
    if let Some(note) = Note::read(&context.paths) {
        if args.dry_run {
            ui::out(&format!("would finish moving the login into the profile '{}'", note.profile))?;
            return Ok(ExitCode::SUCCESS);
        }
        let profile = Profile::load(&context.paths, &note.profile)?;
        if profile.is_some_and(|profile| profile.logged_in_at == note.began) {
            return complete(context, &note, &kept);
        }
        Note::remove(&context.paths);
    }
    let first = kept.first().ok_or_else(|| {
        Error::not_logged_in("Seqera's own program keeps no login here").next("log in with: seqera login")
    })?;
    let place = Where::find(args.endpoint.as_deref())?;
    let name = context.name_for(ProviderId::SEQERA)?;
    let remembered = Remembered::read().unwrap_or_default();
    let who = remembered.account();
    let whose = who.as_deref().unwrap_or("somebody");
    let what = format!(
        "the login of {whose} at {} ({}), from {}",
        place.endpoint,
        masked(&first.token),
        first.place
    );
    if let Some(same) = Profile::load(&context.paths, &name)?.filter(|known| is_same(known, &who, &place)) {
        return only_here(args, context, &same, &kept);
    }
    let ended = free(context, &name)?;
    if ended.as_ref().is_some_and(|ended| !is_of(ended, &who, &place)) {
        return Err(taken(&name));
    }
    if args.dry_run {
        ui::out(&format!("would move {what}, into the profile '{name}'"))?;
        return Ok(ExitCode::SUCCESS);
    }
    context.tell(&format!("Moving {what}"));

    let http = Http::new(EACH);
    let server = discovery::discover(&http, &place.authority).map_err(Error::from)?;
    let session = Session {
        generation: 0,
        access: Secret::default(),
        issued_at: now(),
        // The access token is missing until the first use renews the login.
        access_expires_at: Some(1),
        bound: None,
        grant: Grant::Oauth {
            refresh: Some(first.token.clone()),
            expires_at: None,
            token_endpoint: server.token,
            revocation_endpoint: server.revocation,
            client_id: login::client_id(),
        },
    };
    let organization = vendor::chosen(&place.endpoint).map(|one| Organization { id: one.id, name: one.name });
    let mut profile = Profile {
        account: who,
        account_id: ended.and_then(|ended| ended.account_id),
        organization,
        ..Profile::new(name, ProviderId::SEQERA, place.endpoint, Method::Browser)
    };
    let note =
        Note { profile: profile.name.clone(), began: profile.logged_in_at, token: digest(&first.token) };
    note.write(&context.paths)?;
    fault::point("import-noted");
    keep(context, &http, &mut profile, &session).inspect_err(|_| Note::remove(&context.paths))?;
    fault::point("import-kept");
    complete(context, &note, &kept)
}

/// Makes sure that nobody renews the login over there while it moves: two who use one refresh token end it.
fn must_not_be_in_use() -> Result<()> {
    match login::user() {
        None => Ok(()),
        Some(id) => Err(Error::failed(format!(
            "Seqera's own program is running (process {id}) and may be using its login at this moment"
        ))
        .next("end it, and import again")),
    }
}

/// Whether a login here is of that account at that server.
fn is_of(login: &Profile, who: &Option<String>, place: &Where) -> bool {
    who.is_some() && login.account == *who && login.may_send_to(place.endpoint.origin())
}

fn is_same(login: &Profile, who: &Option<String>, place: &Where) -> bool {
    login.ended_at.is_none() && login.provider == ProviderId::SEQERA && is_of(login, who, place)
}

/// The account is logged in here already: its login over there is not needed, since Seqera's own program is lent the
/// one that is here. It can be ended there.
fn only_here(args: &Args, context: &Context, login: &Profile, kept: &[Kept]) -> Result<ExitCode> {
    let who = login.account.as_deref().unwrap_or("an account without a name");
    let what = format!(
        "{who} is logged in here already, as '{}', and Seqera's own program gets that login from here",
        login.name
    );
    if args.dry_run {
        ui::out(&format!("{what}; would offer to end the one that it keeps itself"))?;
        return Ok(ExitCode::SUCCESS);
    }
    context.tell(&what);
    let places = kept.iter().map(|one| one.place.to_string()).collect::<Vec<_>>().join(" and ");
    if !(args.remove || agrees(&format!("End its own login, in {places}?"))) {
        context.tell(&format!(
            "Its own login is still in {places}; end it with: {}",
            context.typed("seqera import seqera --remove")
        ));
        return Ok(ExitCode::SUCCESS);
    }
    // A server may end all tokens of one consent with one of them.
    let session = sessions(context).load(&login.name)?;
    let is_one_consent = session.is_some_and(|session| match session.grant {
        Grant::Oauth { client_id, .. } => client_id == login::client_id(),
        Grant::Brought => false,
    });
    match is_one_consent {
        false => super::super::vendor::login::end(context)?,
        true => {
            for old in kept {
                if old.remove(PATIENCE)? {
                    context.tell(&format!("Removed from {}; the server forgets it by itself", old.place));
                }
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Renews once, reads back, and removes theirs. Begun again after it was cut off, it goes on.
fn complete(context: &Context, note: &Note, kept: &[Kept]) -> Result<ExitCode> {
    let name = &note.profile;
    renew(context, note)?;
    fault::point("import-renewed");
    let stored = sessions(context).load(name)?;
    let Some(token) = stored.filter(|session| session.lives(now())).map(|session| session.access) else {
        return Err(Error::store("what was stored does not come back").next("see: seqera doctor"));
    };
    let profile = Profile::load(&context.paths, name)?.ok_or_else(|| crate::session::not_logged_in(name))?;
    match seqera::user(&Http::new(EACH), &profile.endpoint, &token).map(Account::from) {
        Ok(account) => {
            sessions(context).change(name, |profile| {
                (profile.account, profile.account_id) = (account.name, account.id);
            })?;
        }
        Err(error) => ui::say(&format!("Whose login it is cannot be asked now: {error}")),
    }
    // What was renewed is worth nothing any more where it was, and would end the login if it were used.
    for old in kept.iter().filter(|old| digest(&old.token) == note.token) {
        if old.remove(PATIENCE)? {
            context.tell(&format!("Removed from {}", old.place));
        }
    }
    fault::point("import-removed");
    Note::remove(&context.paths);
    for other in kept.iter().filter(|other| digest(&other.token) != note.token) {
        context.tell(&format!(
            "Another login is in {}; move it, too, with: seqera import seqera --profile NAME",
            other.place
        ));
    }
    let account = Profile::load(&context.paths, name)?.and_then(|profile| profile.account);
    context.tell(&format!("Logged in as: {}", account.as_deref().unwrap_or("an account without a name")));
    context.tell("Seqera's own program gets it from here: start it as before.");
    Ok(ExitCode::SUCCESS)
}

/// Renews a login that was not yet. Where that fails, everything is as it was before.
fn renew(context: &Context, note: &Note) -> Result<()> {
    let name = &note.profile;
    let is_renewed = |session: &Session| {
        session.refresh_token().is_none_or(|token| digest(token) != note.token) || !session.access.is_empty()
    };
    let Err(error) = sessions(context).fresh(name, &Want::default()) else { return Ok(()) };
    if sessions(context).load(name)?.as_ref().is_some_and(is_renewed) {
        return Ok(());
    }
    // It waits for a renewal under way.
    if let (Some(profile), Some(session)) =
        (Profile::load(&context.paths, name)?, sessions(context).end(name)?)
        && is_renewed(&session)
    {
        sessions(context).begin(&mut profile.clone(), session)?;
        return Ok(());
    }
    Note::remove(&context.paths);
    Err(match error.kind() {
        Kind::SessionEnded => {
            Error::session_ended("the server does not take the login of Seqera's own program")
                .next("it is as it was; log in with: seqera login")
        }
        kind => {
            Error::new(kind, error.what()).next("the login of Seqera's own program is as it was; try again")
        }
    })
}

fn sessions(context: &Context) -> Sessions<'_> {
    Sessions::new(&context.paths, Deadline::after(TO_STORE))
}

fn digest(token: &Secret) -> String {
    hex(&Sha256::digest(token.expose()))
}

/// The server of a login of Seqera's program.
pub struct Where {
    /// Where it logged in.
    pub authority: String,
    /// The API.
    pub endpoint: Endpoint,
}

impl Where {
    /// What was named; what that program remembers; what it is set up for; Cloud.
    ///
    /// # Errors
    /// A token would travel there in the clear.
    pub fn find(named: Option<&str>) -> Result<Where> {
        let settings = vendor::Settings::read();
        let remembered = Remembered::read().and_then(|remembered| remembered.authority);
        let remembered = remembered.filter(|authority| !authority.trim().is_empty());
        let authority = named.map(str::to_owned).or(remembered).or(settings.authority().map(str::to_owned));
        let authority = normalized(authority.as_deref().unwrap_or(CLOUD_API_BESIDE_WEB));
        let own_api = settings.platform_api_url.as_deref().filter(|_| {
            named.is_none() && settings.authority().is_some_and(|own| normalized(own) == authority)
        });
        let endpoint = own_api.filter(|api| !api.trim().is_empty()).map_or(authority.clone(), normalized);
        let cloud = Endpoint::fixed(CLOUD);
        match endpoint.parse::<Endpoint>() {
            Ok(endpoint) if is_origin(endpoint.origin(), ProviderId::SEQERA, &cloud) => {
                Ok(Where { authority, endpoint: cloud })
            }
            Ok(endpoint) if endpoint.origin().is_private_enough() => Ok(Where { authority, endpoint }),
            _ => Err(Error::refused("the server of that login is not an https address")
                .next("name it with --endpoint https://HOST/api")),
        }
    }
}

/// That a login is being moved: into which profile, and which token it was.
#[derive(Debug, Serialize, Deserialize)]
pub struct Note {
    /// The profile.
    pub profile: ProfileName,
    /// When the login began: another of that name is not the one that is moved.
    began: u64,
    token: String,
}

impl Note {
    fn path(paths: &Paths) -> PathBuf {
        paths.state.join("import-seqera.json")
    }

    /// The note that a move which was cut off left.
    pub fn read(paths: &Paths) -> Option<Note> {
        let bytes = files::read(&Note::path(paths), 4096).ok()??;
        serde_json::from_slice(&bytes).ok()
    }

    fn write(&self, paths: &Paths) -> Result<()> {
        let path = Note::path(paths);
        let bytes = serde_json::to_vec(self).map_err(|error| Error::failed(error.to_string()))?;
        files::private_dir(&paths.state)
            .and_then(|()| files::replace(&path, &bytes))
            .map_err(|error| Error::io(format_args!("{} cannot be written", path.display()), &error))
    }

    fn remove(paths: &Paths) {
        if let Err(error) = files::remove(&Note::path(paths)) {
            log::warn!("the note of a move stays: {error}");
        }
    }
}
