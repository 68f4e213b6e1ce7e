//! What is lent to a program under the relay: whose token, to which servers, with which rights.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Once;

use url::Url;

use super::server::{Server, Source};
use super::{Context, TIME};
use crate::endpoint::Endpoint;
use crate::error::{Error, Result};
use crate::os::deadline::Deadline;
use crate::os::env::{Change, non_empty};
use crate::os::paths::Paths;
use crate::provider::ProviderId;
use crate::provider::seqera::backend;
use crate::relay::{Allow, Relay, Route, Rules, Settings, Token, TokenSource, Workspace};
use crate::secret::Secret;
use crate::session::exports::{self, EXPIRES_AT, MARKER};
use crate::session::outside;
use crate::session::profile::{Profile, ProfileName};
use crate::session::{Fresh, Grant, Sessions, Want, not_logged_in};
use crate::ui;

/// Fewer rights than the login has.
#[derive(Debug, Default, clap::Args)]
pub struct Limits {
    /// Let through only requests that read (GET, HEAD, OPTIONS)
    #[arg(long)]
    read_only: bool,
    /// Let through only requests like these, as in 'GET /workflow/*'; beside --read-only, these as well
    ///
    /// '*' is any method, any one segment of the path, and at its end everything below. Paths are those of the
    /// Platform's API and of the AI backend (/v1/…), as --log writes them; an API path may also be written as
    /// programs send it to the relay, with /api before it. Can be given several times.
    #[arg(long, value_name = "METHOD /PATH")]
    allow: Vec<Allow>,
    /// Let through only requests of this workspace, and those that tell who you are
    ///
    /// The workspace is looked for in the path, the query and the body, which has to be JSON of at most 4 MiB or a
    /// file for a path of this workspace. The workspace itself can be changed or removed, and others be made, only
    /// where --allow names that.
    #[arg(long, value_name = "ID")]
    workspace: Option<Workspace>,
    /// Add a line for each request to this file: time, method, path, status, bytes
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
}

impl Limits {
    /// Whether any was given.
    pub fn are_given(&self) -> bool {
        self.read_only || !self.allow.is_empty() || self.workspace.is_some() || self.log.is_some()
    }

    fn rules(&self, secret_paths: Vec<String>) -> Rules {
        Rules {
            read_only: self.read_only,
            allow: self.allow.clone(),
            workspace: self.workspace.clone(),
            secret_paths,
        }
    }
}

/// A token of Seqera's that can be lent.
pub struct Lent {
    /// The base of the API that it is for.
    pub endpoint: Endpoint,
    /// The login; none for a token from outside.
    pub login: Option<Box<Profile>>,
    /// The variable that a token from outside is in.
    variable: Option<&'static str>,
    /// The token as it is now: what must not be found in the environment of the program.
    token: Secret,
    paths: Paths,
    secret_paths: Vec<String>,
}

impl Lent {
    /// The token in use.
    ///
    /// # Errors
    /// There is none; it is not one of Seqera's; the environment names another server for programs to use.
    pub fn in_use(context: &Context) -> Result<Lent> {
        let server = Server::in_use(context)?;
        if server.provider != ProviderId::SEQERA {
            return Err(Error::usage("the relay is for Seqera; an API key of Sekuire does not end")
                .next("use: seqera exec, without --live"));
        }
        if let Some(login) = server.login() {
            Context::must_stay_home(login)?;
        }
        let endpoint = server.endpoint;
        match server.source {
            Source::Login(profile) => Lent::new(context, endpoint, Some(profile), server.token),
            Source::Variable(variable) => {
                outside::must_be_usable(variable, &server.token)?;
                let lent = Lent::new(context, endpoint, None, server.token)?;
                Ok(Lent { variable: Some(variable), ..lent })
            }
        }
    }

    /// That of a login which is known to live.
    ///
    /// # Errors
    /// Its endpoint is not an address.
    pub fn of(context: &Context, fresh: Fresh) -> Result<Lent> {
        let endpoint = fresh.profile.endpoint.clone();
        Lent::new(context, endpoint, Some(Box::new(fresh.profile)), fresh.token)
    }

    fn new(
        context: &Context,
        endpoint: Endpoint,
        login: Option<Box<Profile>>,
        token: Secret,
    ) -> Result<Lent> {
        let paths = context.paths.clone();
        let secret_paths = login.as_ref().map_or_else(Vec::new, |login| {
            let sessions = Sessions::new(&paths, Deadline::after(TIME));
            let session = sessions.load(&login.name).ok().flatten();
            session.map_or_else(Vec::new, |session| token_endpoints(&session.grant, endpoint.url()))
        });
        Ok(Lent { endpoint, login, variable: None, token, paths, secret_paths })
    }

    /// A relay for the API, below `/api`, and for the AI backend, where there is one.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn both(&self, ai: Option<Url>, limits: &Limits, at: ListenAt) -> Result<Relay> {
        let mut routes = vec![Route { prefix: API, base: self.endpoint.url().clone() }];
        routes.extend(ai.map(|base| Route { prefix: "", base }));
        self.start(routes, limits, at)
    }

    /// A relay for the AI backend alone.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn ai(&self, base: Url) -> Result<Relay> {
        self.start(vec![Route { prefix: "", base }], &Limits::default(), ListenAt::default())
    }

    fn start(&self, routes: Vec<Route>, limits: &Limits, at: ListenAt) -> Result<Relay> {
        let ListenAt { socket, port } = at;
        let rules = limits.rules(self.secret_paths.clone());
        let settings = Settings { routes, rules, log: limits.log.clone(), socket, port };
        match &self.login {
            Some(login) => Relay::start(settings, OfLogin::new(self.paths.clone(), login)),
            None => Relay::start(settings, Given::new(self)),
        }
    }

    /// What a program needs in its environment to use the API through the relay at `url`, and the backend where
    /// it is relayed, too.
    pub fn changes(&self, url: &str, word: &Secret, has_ai: bool, limits: &Limits) -> Vec<Change> {
        let api = Secret::new(format!("{url}{API}"));
        let mut changes = vec![
            Change::Set("SEQERA_ACCESS_TOKEN", word.clone()),
            Change::Set("TOWER_ACCESS_TOKEN", word.clone()),
            Change::Set("TOWER_API_ENDPOINT", api.clone()),
        ];
        if non_empty("SEQERA_PLATFORM_API_URL").is_some() {
            changes.push(Change::Set("SEQERA_PLATFORM_API_URL", api));
        }
        let chosen = self.login.as_ref().and_then(|login| login.workspace.as_ref());
        let workspace = limits.workspace.as_ref().map(Workspace::as_str);
        if let Some(workspace) = workspace.or(chosen.map(|workspace| workspace.id.as_str())) {
            changes.push(Change::Set("TOWER_WORKSPACE_ID", Secret::from(workspace)));
        }
        changes.push(match has_ai {
            true => Change::Set(backend::VARIABLE, Secret::from(url)),
            false => Change::Unset(backend::VARIABLE),
        });
        with_the_rest(changes)
    }

    /// The same for a program of the AI backend alone.
    pub fn ai_changes(&self, url: &str, word: &Secret) -> Vec<Change> {
        let workspace = self.login.as_ref().and_then(|login| login.workspace.as_ref());
        let mut changes = vec![
            Change::Set("SEQERA_ACCESS_TOKEN", word.clone()),
            Change::Set(backend::VARIABLE, Secret::from(url)),
        ];
        changes.extend(workspace.map(|it| Change::Set("TOWER_WORKSPACE_ID", Secret::from(it.id.as_str()))));
        with_the_rest(changes)
    }

    /// The variables that hold the token itself, whatever they are called.
    pub fn holders(&self) -> Vec<OsString> {
        std::env::vars_os().filter(|(_, value)| self.is_in(value)).map(|(name, _)| name).collect()
    }

    /// Makes sure that the shell has not put the token itself into the command, where every user can read it.
    ///
    /// # Errors
    /// It is there.
    pub fn must_not_be_in(&self, command: &Command) -> Result<()> {
        match command.get_args().any(|word| self.is_in(word)) {
            true => Err(Error::refused("the token itself is in the arguments of the command")
                .next("put the variable in single quotes, so that the command reads it")),
            false => Ok(()),
        }
    }

    fn is_in(&self, text: &OsStr) -> bool {
        let token = self.token.expose();
        !token.is_empty() && text.as_encoded_bytes().windows(token.len()).any(|part| part == token)
    }
}

/// Where a relay listens: a socket, a fixed port, or any port.
#[derive(Debug, Default)]
pub struct ListenAt {
    /// The socket.
    pub socket: Option<PathBuf>,
    /// The port.
    pub port: Option<u16>,
}

/// The path of the API at the relay; all other paths are the backend's.
const API: &str = "/api";

/// Takes away every other token and what tells tokens for ours, and keeps proxies out of the way to this machine.
fn with_the_rest(mut changes: Vec<Change>) -> Vec<Change> {
    let away = ["SEQERA_ACCESS_TOKEN", "SEQERA_TOKEN", "TOWER_ACCESS_TOKEN", "TOWER_REFRESH_TOKEN"];
    let away = away.into_iter().chain([MARKER, EXPIRES_AT]).map(Change::Unset);
    let away: Vec<Change> = away.chain(exports::unset_ours(&non_empty)).collect();
    for change in away {
        if !changes.iter().any(|other| other.name() == change.name()) {
            changes.push(change);
        }
    }
    for (name, other) in [("NO_PROXY", "no_proxy"), ("no_proxy", "NO_PROXY")] {
        let known = non_empty(name).or_else(|| non_empty(other)).unwrap_or_default();
        changes.push(Change::Set(name, Secret::new(with_this_machine(known.into_encoded_bytes()))));
    }
    changes
}

/// A list of servers without a proxy, with this machine. `*` is all servers, and only where it stands alone.
fn with_this_machine(mut list: Vec<u8>) -> Vec<u8> {
    match list.trim_ascii() {
        b"*" => return list,
        b"" => list.clear(),
        _ => list.push(b','),
    }
    list.extend_from_slice(b"127.0.0.1,localhost");
    list
}

/// The token and revocation endpoints of a login, below the base of its API.
fn token_endpoints(grant: &Grant, base: &Url) -> Vec<String> {
    let Grant::Oauth { token_endpoint, revocation_endpoint, .. } = grant else { return Vec::new() };
    let root = base.path().trim_end_matches('/');
    let here = Some(token_endpoint).into_iter().chain(revocation_endpoint);
    here.filter(|url| url.origin() == base.origin())
        .filter_map(|url| url.path().strip_prefix(root))
        .filter(|path| path.len() > 1 && path.starts_with('/'))
        .map(str::to_owned)
        .collect()
}

/// The tokens of a login.
struct OfLogin {
    paths: Paths,
    name: ProfileName,
    provider: ProviderId,
    endpoint: Endpoint,
    account: Option<String>,
}

impl OfLogin {
    fn new(paths: Paths, login: &Profile) -> OfLogin {
        OfLogin {
            paths,
            name: login.name.clone(),
            provider: login.provider,
            endpoint: login.endpoint.clone(),
            account: login.account_id.clone(),
        }
    }

    /// The relay was started for one account at one server; a profile can become another's meanwhile.
    fn is_still(&self, login: &Profile) -> bool {
        let same_account = match (&self.account, &login.account_id) {
            (Some(own), Some(other)) => own == other,
            _ => true,
        };
        self.provider == login.provider && self.endpoint == login.endpoint && same_account
    }
}

impl TokenSource for OfLogin {
    fn token(&self, refused: Option<&Secret>) -> Result<Option<Token>> {
        let must_be_still = |login: &Profile| match self.is_still(login) {
            true => Ok(()),
            false => Err(Error::refused(format!("the login '{}' is another one since", self.name))
                .next("end this program and start it again")),
        };
        let sessions = Sessions::new(&self.paths, Deadline::after(TIME));
        let fresh = match refused {
            None => sessions.fresh(&self.name, &Want::default())?,
            Some(refused) => {
                must_be_still(
                    &Profile::load(&self.paths, &self.name)?.ok_or_else(|| not_logged_in(&self.name))?,
                )?;
                let Some(renewed) = sessions.renewed(&self.name, refused)? else { return Ok(None) };
                renewed
            }
        };
        must_be_still(&fresh.profile)?;
        Ok(Some(Token { secret: fresh.token, expires_at: fresh.expires_at }))
    }
}

/// A token from outside, which nothing renews.
struct Given {
    token: Secret,
    /// That a server refused it, where it is known what it is in.
    refusal: Option<Error>,
    said: Once,
}

impl Given {
    fn new(lent: &Lent) -> Given {
        let refused = |variable| outside::refused(variable, &lent.token, lent.endpoint.origin());
        Given { token: lent.token.clone(), refusal: lent.variable.map(refused), said: Once::new() }
    }
}

impl TokenSource for Given {
    fn token(&self, refused: Option<&Secret>) -> Result<Option<Token>> {
        if refused.is_none() {
            return Ok(Some(Token { secret: self.token.clone(), expires_at: None }));
        }
        if let Some(refusal) = &self.refusal {
            self.said.call_once(|| ui::say(&format!("seqera: {refusal}")));
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_without_proxies_gets_this_machine() {
        for (list, extended) in [
            ("", "127.0.0.1,localhost"),
            (" ", "127.0.0.1,localhost"),
            ("a.example", "a.example,127.0.0.1,localhost"),
            ("*", "*"),
            (" * ", " * "),
            ("*.example", "*.example,127.0.0.1,localhost"),
        ] {
            assert_eq!(with_this_machine(list.into()), extended.as_bytes(), "{list}");
        }
    }
}
