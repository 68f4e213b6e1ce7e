//! `seqera login`: a person proves who they are, once.
//!
//! Nothing is stored before the server has said who the new token belongs to.

mod account;
mod browser;
mod device;
mod home;
mod opener;
mod paste;
mod place;
pub mod sekuire;
mod settings;
mod surroundings;
mod token;

use crate::os::env::non_empty;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use super::{Context, choice, org, shadow, workspace};
use crate::config::Config;
use crate::endpoint::Endpoint;
use crate::error::{Error, Kind, Result};
use crate::http::Http;
use crate::oauth::discovery::{self, DiscoveryError, Server};
use crate::oauth::{Client, Tokens};
use crate::os::clock::now;
use crate::os::deadline::Deadline;
use crate::os::process::Uninterrupted;
use crate::provider::Account;
use crate::provider::LoginWay;
use crate::provider::ProviderId;
use crate::provider::seqera::{self, Api, CLOUD, User};
use crate::secret::Secret;
use crate::session;
use crate::session::profile::{Method, Profile, ProfileName};
use crate::session::revocation::{self, Revocability};
use crate::session::{Grant, Session, Sessions};
use crate::ui::{self, Keyboard, trace};
use paste::Source;
use settings::Settings;

/// Log in, once, in the browser
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Log in with a code that you type into a browser on any device
    #[arg(long, conflicts_with_all = ["with_token", "port", "no_browser"])]
    device: bool,
    /// Read a token or key from standard input
    #[arg(long)]
    with_token: bool,
    /// The platform: seqera, unless this program is called by another one's name
    #[arg(long, value_name = "NAME", value_enum)]
    provider: Option<ProviderId>,
    /// The API of your installation, as in https://HOST/api; Seqera Cloud where nothing else is said
    #[arg(long, visible_alias = "backend", value_name = "URL")]
    endpoint: Option<String>,
    /// The web pages of Sekuire, where you make a key
    #[arg(long, value_name = "URL", help_heading = "Options for Sekuire")]
    web_url: Option<String>,
    #[command(flatten)]
    sekuire: sekuire::Options,
    /// The port on this machine that the browser comes back to [default: 53682, or the next that is free]
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// Show the address and open no browser
    #[arg(long, overrides_with = "browser")]
    no_browser: bool,
    /// Open a browser, whatever SEQERA_BROWSER_AUTO_OPEN says
    #[arg(long, hide = true, overrides_with = "no_browser")]
    browser: bool,
    /// For programs that run without a person; every login here is
    #[arg(long, hide = true)]
    headless: bool,
    #[command(flatten)]
    trace: trace::Flags,
    /// How long to wait for you [default: 300]
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
    /// Read the address that the browser ended at from FILE, once you have saved it there; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["device", "with_token"])]
    paste_from: Option<PathBuf>,
    /// Replace the login of another account without asking
    #[arg(long)]
    replace: bool,
}

/// A keychain may ask the person before it answers, and a renewal that is under way may take two minutes.
const TO_STORE: Duration = Duration::from_secs(150);

/// Runs the command.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode> {
    args.trace.apply();
    match args.provider.unwrap_or(context.called).login_way() {
        LoginWay::OAuth if args.web_url.is_some() || args.sekuire.are_given() => {
            Err(Error::usage("--web-url, --registry and --auth-file are for Sekuire")
                .next("leave them out, or add --provider sekuire"))
        }
        LoginWay::OAuth => seqera(args, context).map(|()| ExitCode::SUCCESS),
        LoginWay::ApiKey => sekuire::run(args, context),
    }
}

fn read_token(context: &Context, settings: &Settings) -> Result<Secret> {
    token::read("token", "Token (it is not shown): ", &with_token(context, &settings.endpoint))
}

/// How this login is done with a token.
fn with_token(context: &Context, endpoint: &Endpoint) -> String {
    let endpoint = if *endpoint == *CLOUD { String::new() } else { format!(" --endpoint {endpoint}") };
    let provider = if context.called == ProviderId::SEQERA { "" } else { " --provider seqera" };
    format!("{} --with-token < token.txt", context.typed(&format!("seqera login{provider}{endpoint}")))
}

/// A token that nobody has vouched for yet, and how it came.
struct Entry {
    method: Method,
    session: Session,
    browser: Option<browser::Waiting>,
}

fn seqera(args: &Args, context: &Context) -> Result<()> {
    let settings = Settings::read(args, &Config::load(&context.paths)?)?;
    place::announce(&context.paths, ProviderId::SEQERA, &settings.named);
    let name = context.name_for(ProviderId::SEQERA)?;
    home::must_take_a_login(&context.paths)?;
    context.tell("[Login] Starting Seqera CLI authentication...");
    let http = Http::new(Duration::from_secs(30));
    let mut keyboard = None;
    let Entry { method, session, mut browser } = match args.with_token {
        true => brought(read_token(context, &settings)?)?,
        false => match server(&http, &settings)? {
            Some(server) => oauth(args, context, &http, &server, &settings, &mut keyboard)?,
            None => without_oidc(context, &http, &settings)?,
        },
    };
    let mut told = None;
    let entered = whose(&http, &settings, method, &session).and_then(|user| {
        let mut profile = begun(context, &settings, &name, method, &user);
        if !args.replace
            && let Some(what) = account::replaces(context, &profile, args.endpoint.is_some())
        {
            let keyboard = keyboard.get_or_insert_with(Keyboard::open).as_ref();
            told = browser.take_if(|_| keyboard.is_some()).map(|browser| browser.ask(&what));
            account::may_replace(&what, keyboard)?;
        }
        keep(context, &http, &mut profile, &session)?;
        Ok((profile, user))
    });
    if let Some(browser) = browser {
        let outcome = entered.as_ref().map(|(profile, _)| profile.account.clone()).map_err(Clone::clone);
        told = Some(browser.tell(&outcome));
    }
    let (profile, user) = entered.inspect_err(|_| give_back(context, &http, &session))?;

    context.tell("[Login] ✓ Authentication successful!");
    set_organization(context, &http, &profile, &user, &session, keyboard.flatten())?;
    say_who(context, &profile);
    revocation::settle(&context.paths, Deadline::after(Duration::from_secs(5)));
    // Not before everything is said.
    drop(told);
    Ok(())
}

/// Asks where to log in; nothing where the Platform is there and has no login in the browser.
fn server(http: &Http, settings: &Settings) -> Result<Option<Server>> {
    let mut without = None;
    for authority in &settings.authorities {
        log::debug!("asks {authority} how to log in to {}", settings.endpoint);
        match discovery::discover(http, authority) {
            Ok(server) => return Ok(Some(server)),
            Err(DiscoveryError::NoOidc(error)) => without = without.or(Some(error)),
            Err(DiscoveryError::Failed(error)) => return Err(error),
        }
    }
    // An old Platform tells its version all the same. What does not is something else than a Platform: the web
    // interface, the login page of a network, a wrong address.
    let endpoint = &settings.endpoint;
    match Api::new(http, endpoint).service_info() {
        Ok(_) => Ok(None),
        Err(failure) => {
            let error = Error::from(failure);
            let is_bare = !endpoint.as_str().ends_with("/api") && *endpoint != *seqera::CLOUD;
            Err(match is_bare {
                true => Error::new(error.kind(), error.what()).next(format!("did you mean {endpoint}/api ?")),
                false => error,
            })
        }
    }
}

fn oauth(
    args: &Args,
    context: &Context,
    http: &Http,
    server: &Server,
    settings: &Settings,
    keyboard: &mut Option<Option<Keyboard>>,
) -> Result<Entry> {
    place::must_stay_home(&context.paths, server, settings)?;
    let (method, tokens, browser) = match args.device {
        true => (Method::Device, device::login(http, server, settings, &context.paths)?, None),
        false => {
            let source = match &args.paste_from {
                Some(path) => Some(Source::of(path)),
                None => keyboard.insert(Keyboard::open()).as_ref().map(Source::Terminal),
            };
            let (tokens, browser) = browser::login(http, server, settings, source)?;
            (Method::Browser, tokens, browser)
        }
    };
    Ok(Entry { method, session: granted(server, &settings.client, tokens), browser })
}

fn granted(server: &Server, client: &Client, tokens: Tokens) -> Session {
    let now = now();
    let end = |span: Option<Duration>| span.map(|span| now.saturating_add(span.as_secs()));
    Session {
        generation: 0,
        access: tokens.access,
        issued_at: now,
        access_expires_at: end(tokens.expires_in),
        bound: None,
        grant: Grant::Oauth {
            refresh: tokens.refresh,
            expires_at: end(tokens.refresh_expires_in),
            token_endpoint: server.token.clone(),
            revocation_endpoint: server.revocation.clone(),
            client_id: client.id.clone(),
        },
    }
}

fn brought(token: Secret) -> Result<Entry> {
    let access_expires_at = match token::form(&token)? {
        token::Form::Jwt { expires_at } => expires_at,
        token::Form::Personal | token::Form::Legacy => None,
    };
    let grant = Grant::Brought;
    let session =
        Session { generation: 0, access: token, issued_at: now(), access_expires_at, grant, bound: None };
    Ok(Entry { method: Method::Token, session, browser: None })
}

/// An installation older than the login in the browser, or not set up for it: a token is the way in.
fn without_oidc(context: &Context, http: &Http, settings: &Settings) -> Result<Entry> {
    let endpoint = &settings.endpoint;
    let version = Api::new(http, endpoint).service_info().ok().and_then(|info| info.version);
    let is_one =
        |v: &String| v.len() <= 32 && v.chars().all(|c| c.is_ascii_alphanumeric() || "._-+".contains(c));
    let version = version.filter(is_one).map(|version| format!(" (version {version})")).unwrap_or_default();
    let what = format!("the Platform at {endpoint}{version} has no login through the browser");
    if !ui::can_ask() {
        return Err(Error::not_logged_in(what).next(format!(
            "make a token on its page 'Your tokens' and give it here: {}",
            with_token(context, endpoint)
        )));
    }
    ui::say(&format!("{what}. Make a token at {}/tokens and paste it here.", seqera::web(endpoint.as_str())));
    brought(read_token(context, settings)?)
}

/// How often a server that fails is asked whose a token is, before the person's whole way through the browser is
/// thrown away.
const TRIES: u32 = 3;

/// Asks who the token belongs to.
fn whose(http: &Http, settings: &Settings, method: Method, session: &Session) -> Result<User> {
    let is_precious = matches!(method, Method::Browser | Method::Device);
    let mut tried = 1;
    loop {
        match seqera::user(http, &settings.endpoint, &session.access) {
            Err(error) if is_precious && error.kind() == Kind::Unreachable && tried < TRIES => {
                log::debug!("asks again whose the token is: {}", error.what());
                thread::sleep(Duration::from_secs(tried.into()));
                tried += 1;
            }
            // Nobody mistyped this one.
            Err(error) if is_precious && error.kind() == Kind::NotLoggedIn => {
                return Err(Error::not_logged_in(error.what()).next(
                    "the login server and the API may not belong together: check SEQERA_AUTH_DOMAIN, \
                     SEQERA_PLATFORM_API_URL and SEQERA_AUTH_AUDIENCE",
                ));
            }
            outcome => return outcome,
        }
    }
}

/// The profile of a login that begins. A person who logs in again as themselves finds their organization and workspace
/// as they were.
fn begun(context: &Context, settings: &Settings, name: &ProfileName, method: Method, user: &User) -> Profile {
    let Account { id, name: account } = user.clone().into();
    let known = Profile::load(&context.paths, name).ok().flatten();
    let same = known.filter(|known| known.endpoint == settings.endpoint && known.account_id == id);
    let (organization, workspace) =
        same.map(|known| (known.organization, known.workspace)).unwrap_or_default();
    Profile {
        account,
        account_id: id,
        organization,
        workspace,
        ..Profile::new(name.clone(), ProviderId::SEQERA, settings.endpoint.clone(), method)
    }
}

/// Stores a login, which replaces the profile's earlier one, whose tokens are given back unless that could end the
/// new ones. The first login of all is the one that shells use.
pub fn keep(context: &Context, http: &Http, profile: &mut Profile, session: &Session) -> Result<()> {
    let is_first = Profile::list(&context.paths)?.is_empty();
    let before = Profile::load(&context.paths, &profile.name).ok().flatten();
    // A keychain that asks the person is asked while they can still interrupt.
    let prepared = session::store(&context.paths, Deadline::after(TO_STORE)).prepare()?;
    let sessions = Sessions::new(&context.paths, Deadline::after(TO_STORE));
    let (earlier, notice) = {
        let _whole = Uninterrupted::begin();
        let begun = sessions.begin(profile, session.clone())?;
        if is_first && Profile::chosen(&context.paths) != profile.name {
            Profile::choose(&context.paths, &profile.name)?;
            sessions.mark(profile);
        }
        begun
    };
    if let Some(notice) = prepared.or(notice) {
        ui::say(&notice);
    }
    let is_same_account = before.as_ref().is_some_and(|before| before.account_id == profile.account_id);
    // A server may end all tokens of a consent with the one that is given back, those we have just got included
    // (Auth0's "Refresh Token Revocation Deletes Grant"): then the old ones are left to their old age.
    let earlier = earlier.filter(|earlier| !(is_same_account && earlier.is_of_one_consent(session)));
    if let Some(earlier) = earlier {
        give_back(context, http, &earlier);
    }
    Ok(())
}

/// Gives tokens back that nobody will use, now or later.
fn give_back(context: &Context, http: &Http, session: &Session) {
    if let Revocability::Revocable(revocation) = Revocability::of(session) {
        revocation.carry_out_or_queue(http, &context.paths, Deadline::after(TO_STORE));
    }
}

fn set_organization(
    context: &Context,
    http: &Http,
    profile: &Profile,
    user: &User,
    session: &Session,
    keyboard: Option<Keyboard>,
) -> Result<()> {
    let memberships = match Api::new(http, &profile.endpoint).organizations(&session.access, user) {
        Ok(memberships) => memberships,
        Err(failure) => {
            let why = Error::from(failure);
            let later = context.typed("seqera org switch");
            ui::say(&format!("Your organizations are not known: {}. Later: {later}", why.what()));
            return Ok(());
        }
    };
    let known: Vec<_> = memberships.iter().map(|m| m.organization.clone()).collect();
    let plans: Vec<_> = memberships.iter().map(|m| (m.organization.id.clone(), m.plan.clone())).collect();
    let kept = profile.organization.as_ref();
    let kept = kept.and_then(|kept| known.iter().find(|organization| organization.id == kept.id));
    let chosen = match (&known[..], kept) {
        (_, Some(one)) | ([one], None) => Some(one.clone()),
        ([], None) => None,
        (several, None) => match keyboard.or_else(Keyboard::open) {
            Some(keyboard) => choice::menu("organization", &keyboard, org::choices(memberships)),
            None => {
                let names: Vec<&str> =
                    several.iter().map(|organization| organization.name.as_str()).collect();
                context.tell(&format!("Your organizations: {}", names.join(", ")));
                None
            }
        },
    };
    let has_some = !known.is_empty();
    // Only completion is the poorer where they are not to be had.
    let workspaces = Api::new(http, &profile.endpoint).workspaces(&session.access, user);
    let workspaces = workspace::known(&workspaces.unwrap_or_default());
    if chosen != profile.organization || has_some {
        let sessions = Sessions::new(&context.paths, Deadline::after(TO_STORE));
        sessions.change(&profile.name, |profile| {
            if chosen != profile.organization {
                profile.workspace = None;
            }
            profile.organization = chosen.clone();
            profile.organizations = known;
            profile.workspaces = workspaces;
        })?;
    }
    match chosen {
        Some(organization) => {
            context.tell(&format!("[Login] ✓ Organization set: {}", organization.name));
            let plan = plans.into_iter().find(|(id, _)| *id == organization.id).and_then(|(_, plan)| plan);
            let profile = Profile { organization: Some(organization), ..profile.clone() };
            org::tell_vendor(context, &profile, plan.as_deref());
        }
        None if has_some => {
            context.tell(&format!("Choose one with: {}", context.typed("seqera org switch NAME")));
        }
        None => {}
    }
    Ok(())
}

fn say_who(context: &Context, profile: &Profile) {
    if let Some(account) = &profile.account {
        context.tell(&format!("Logged in as: {account}"));
    }
    match (profile.method, profile.access_expires_at) {
        (Method::Browser | Method::Device, None) => {
            context.tell("The server does not say when this login ends.");
        }
        (Method::Browser | Method::Device, Some(_)) if !profile.renews => {
            context.tell("This login does not renew itself: see with `seqera status` when it ends.");
        }
        _ => {}
    }
    for warning in shadow::warnings(profile.provider, Some(profile), &non_empty) {
        ui::say(&warning);
    }
    if Profile::selected(&context.paths).is_ok_and(|selected| selected != profile.name) {
        context.tell(&format!("Use it in every shell with: seqera profile use {}", profile.name));
    }
}
