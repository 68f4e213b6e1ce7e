//! Login to Sekuire: a key that the person makes on a page and brings here.

use std::process::ExitCode;
use std::time::Duration;

use super::settings::Named;
use super::{Args, Context, account, home, keep, place, token};
use crate::command::sekuire as screen;
use crate::config::Config;
use crate::endpoint::Endpoint;
use crate::error::{Error, Result};
use crate::http::Http;
use crate::os::clock::now;
use crate::provider::sekuire::auth_file::{self, AuthFile};
use crate::provider::sekuire::{self, Device, Verified};
use crate::provider::{ApiKey, ProviderId};
use crate::secret::Secret;
use crate::session::profile::{Method, Profile};
use crate::session::{Grant, Session};
use crate::target::Target;
use crate::ui::{self, Keyboard};

/// Where a key is good, and what else is to be done with it.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Options {
    /// The registry that the key makes passwords for; its own backend's is known
    #[arg(long, value_name = "HOST", help_heading = "Options for Sekuire")]
    registry: Option<String>,
    /// Also write the key to ~/.sekuire/auth.json, in plain text, for Sekuire's own program
    #[arg(long, help_heading = "Options for Sekuire")]
    auth_file: bool,
}

impl Options {
    /// Whether any is.
    pub fn are_given(&self) -> bool {
        self.registry.is_some() || self.auth_file
    }
}

/// What the person said of a login that this one would replace.
#[derive(Debug, Clone, Copy, Default)]
pub struct Replacing {
    /// That it may.
    pub agreed: bool,
    /// The server itself, on the command line.
    pub named: bool,
}

/// For one question to the backend.
const EACH: Duration = Duration::from_secs(30);

/// Runs `login` for Sekuire.
///
/// # Errors
/// No key, or no good one; the backend cannot be reached; the store.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode> {
    if args.device
        || args.no_browser
        || args.port.is_some()
        || args.timeout.is_some()
        || args.paste_from.is_some()
    {
        return Err(Error::usage("Sekuire has no login through the browser: it takes an API key")
            .next("give the key when asked, or on standard input"));
    }
    let endpoint = endpoint(args.endpoint.as_deref())?;
    let named = Named::first(ProviderId::SEKUIRE.variables().endpoints, sekuire::normalized)
        .filter(|_| args.endpoint.is_none());
    place::announce(&context.paths, ProviderId::SEKUIRE, named.as_slice());
    home::must_take_a_login(&context.paths)?;
    let web = args.web_url.clone().unwrap_or_else(|| sekuire::web(endpoint.as_str()));
    for line in screen::invitation(&sekuire::keys_page(&web)) {
        context.tell(&line);
    }
    let key = sekuire::key(&token::read("API key", "Enter your API Key: ", "sekuire login < key.txt")?)?;
    let may = Replacing { agreed: args.replace, named: args.endpoint.is_some() };
    enter(context, &key, endpoint, Device::here(), &args.sekuire, may).map(|_| ExitCode::SUCCESS)
}

/// The backend that was named, on the command line or in the environment, else Sekuire's own.
///
/// # Errors
/// It is not an address, or a key would travel to it in the clear.
pub fn endpoint(named: Option<&str>) -> Result<Endpoint> {
    let endpoint = match named {
        Some(named) => ProviderId::SEKUIRE.endpoint(named)?,
        None => ProviderId::SEKUIRE.outside_endpoint()?,
    };
    endpoint.must_be_private()?;
    Ok(endpoint)
}

/// Has the key verified and bound, stores it, and says whose it is.
///
/// # Errors
/// As [`run`].
pub fn enter(
    context: &Context,
    key: &Secret,
    endpoint: Endpoint,
    device: Device,
    options: &Options,
    replacing: Replacing,
) -> Result<Profile> {
    let name = context.name_for(ProviderId::SEKUIRE)?;
    let known = Profile::load(&context.paths, &name).ok().flatten();
    let known = known.filter(|known| known.provider == ProviderId::SEKUIRE && known.endpoint == endpoint);
    let config = Config::load(&context.paths)?;
    let of_site = config.in_file("sekuire.registry").filter(|_| known.is_none());
    let registry = registry(options.registry.as_deref().or(of_site.as_deref()), known.as_ref(), &endpoint)?;
    let http = Http::new(EACH);
    let Verified { api_key, account_id, account, organization, workspace, notice } =
        sekuire::verify(&http, &endpoint, key, device)?;
    // A person who began to share the key with Sekuire's program goes on to: a stale key there would be a riddle.
    let auth_file = options.auth_file
        || config.sekuire_auth_file()
        || known.as_ref().and_then(|known| known.api_key.as_ref()).is_some_and(|key| key.auth_file);
    let mut profile = Profile {
        api_key: Some(ApiKey { auth_file, ..api_key }),
        registry,
        account,
        account_id,
        organization,
        workspace: workspace.or_else(|| known?.workspace),
        ..Profile::new(name, ProviderId::SEKUIRE, endpoint, Method::ApiKey)
    };
    let session = Session {
        generation: 0,
        access: key.clone(),
        issued_at: now(),
        access_expires_at: None,
        grant: Grant::Brought,
        bound: None,
    };
    if !replacing.agreed
        && let Some(what) = account::replaces(context, &profile, replacing.named)
    {
        account::may_replace(&what, Keyboard::open().as_ref())?;
    }
    keep(context, &http, &mut profile, &session)?;
    for line in profile.api_key.iter().flat_map(screen::welcome) {
        context.tell(&line);
    }
    if let Some(key) = &profile.api_key {
        context.tell(&format!("API key: {}", key.shown));
    }
    if let Some(notice) = notice {
        ui::say(&format!("{}: {notice}", context.program()));
    }
    if auth_file {
        AuthFile::of(profile.details(), key).write()?;
        context.tell(&format!("Written for Sekuire's program: {}", auth_file::path()?.display()));
    }
    super::say_who(context, &profile);
    Ok(profile)
}

/// The registry of the login: the one named, the one it had, else the backend's own.
fn registry(named: Option<&str>, known: Option<&Profile>, endpoint: &Endpoint) -> Result<Option<String>> {
    let Some(named) = named else {
        let had = known.and_then(|known| known.registry.clone());
        let own = || ProviderId::SEKUIRE.registry(endpoint).map(|own| own.authority());
        return Ok(had.or_else(own));
    };
    let target = Target::from_url(named).or_else(|| Target::new("https", named));
    let target = target.and_then(|target| Target::new("https", &target.authority()));
    match target {
        Some(target) => Ok(Some(target.authority())),
        None => Err(Error::usage("the registry is not a host").next("give it as HOST or HOST:PORT")),
    }
}
