//! `seqera status`: who, where, how and until when, from what is stored: no network, no keychain.

use crate::os::env::non_empty;
use serde::Serialize;
use std::process::ExitCode;

use super::server::Server;
use super::{Context, sekuire, shadow, vendor};
use crate::config::Config;
use crate::endpoint::Endpoint;
use crate::error::{Error, Kind, Result};
use crate::os::clock::now;
use crate::provider::{ApiKey, Organization, ProviderId, Workspace};
use crate::relay::Word;
use crate::session::exports;
use crate::session::mark::{Mark, NEVER, State};
use crate::session::profile::{Method, Profile, ProfileName};
use crate::session::{at, log_in_again, not_logged_in};
use crate::store::key;
use crate::ui;

/// Show who is logged in, where, how and until when
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Show every login
    #[arg(long)]
    all: bool,
    /// Ask the server too
    #[arg(long)]
    check: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// A login as it is reported: everything about it that is not secret.
#[derive(Debug, Serialize)]
pub struct Login {
    profile: ProfileName,
    in_use: bool,
    state: &'static str,
    provider: ProviderId,
    account: Option<String>,
    endpoint: Endpoint,
    organization: Option<Organization>,
    workspace: Option<Workspace>,
    method: Method,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key: Option<ApiKey>,
    #[serde(skip_serializing_if = "Option::is_none")]
    registry: Option<String>,
    logged_in_at: Option<String>,
    session_expires_at: Option<String>,
    access_token_expires_at: Option<String>,
    renews: bool,
    ended_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<Answer>,
    #[serde(skip)]
    end: u64,
    #[serde(skip)]
    access_end: Option<u64>,
}

/// What the server said.
#[derive(Debug, Serialize)]
struct Answer {
    accepts_the_token: bool,
    account: Option<String>,
    error: Option<String>,
    #[serde(skip)]
    failure: Option<Error>,
}

#[derive(Debug, Serialize)]
struct Store {
    path: String,
    key: &'static str,
}

#[derive(Debug, Serialize)]
struct Status {
    logged_in: bool,
    /// The variable whose token is used instead of the login.
    token_from: Option<&'static str>,
    #[serde(flatten)]
    login: Option<Login>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logins: Option<Vec<Login>>,
    store: Option<Store>,
    /// What counts because the site says so.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    site_settings: Vec<SiteSetting>,
    warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
struct SiteSetting {
    key: &'static str,
    value: String,
    source: String,
}

impl Login {
    /// The report on a profile; `in_use` where commands without `--profile` mean it.
    pub fn of(profile: Profile, in_use: bool) -> Login {
        let mark = Mark::of(&profile, now());
        let session_end = if profile.renews { profile.session_expires_at } else { profile.access_expires_at };
        Login {
            in_use,
            state: mark.state.word(),
            end: mark.end,
            access_end: profile.access_expires_at,
            logged_in_at: utc(profile.logged_in_at),
            session_expires_at: session_end.and_then(utc),
            access_token_expires_at: profile.access_expires_at.and_then(utc),
            ended_at: profile.ended_at.and_then(utc),
            profile: profile.name,
            provider: profile.provider,
            account: profile.account,
            endpoint: profile.endpoint,
            organization: profile.organization,
            workspace: profile.workspace,
            method: profile.method,
            api_key: profile.api_key,
            registry: profile.registry,
            renews: profile.renews,
            server: None,
        }
    }

    fn has_ended(&self) -> bool {
        self.state == State::Ended.word()
    }

    /// One line of a list.
    pub fn cells(&self) -> [String; 5] {
        let Login { profile, state, account, endpoint, .. } = self;
        let mark = if self.in_use { '*' } else { ' ' };
        let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        [
            format!("{mark} {profile}"),
            or_dash(account.clone()),
            endpoint.to_string(),
            or_dash(self.place()),
            (*state).to_owned(),
        ]
    }

    fn place(&self) -> Option<String> {
        match (&self.workspace, &self.organization) {
            (Some(workspace), _) => Some(format!("{}/{}", workspace.organization, workspace.name)),
            (None, Some(organization)) => Some(organization.name.clone()),
            (None, None) => None,
        }
    }

    /// As Sekuire's own program has it, where that is asked for; then what else there is to say.
    fn lines(&self, context: &Context) -> Vec<String> {
        let Some(key) = self.api_key.as_ref().filter(|_| sekuire::speaks(context, self.provider)) else {
            return self.own_lines();
        };
        let mut lines = sekuire::status(key, self.workspace.as_ref());
        let told = ["API key: ", "Fingerprint: ", "Device: ", "OS: ", "Workspace: "];
        let is_new = |line: &String| !told.iter().any(|label| line.starts_with(label));
        lines.extend(self.own_lines().into_iter().filter(is_new));
        lines
    }

    fn own_lines(&self) -> Vec<String> {
        let mut lines = vec![
            format!("Logged in as: {}", self.account.as_deref().unwrap_or("an account without a name")),
            format!("Session expires: {}", self.session_end()),
            format!("Profile: {}", self.profile),
            format!("Endpoint: {}", self.endpoint),
        ];
        if let Some(organization) = &self.organization {
            lines.push(format!("Organization: {}", organization.name));
        }
        if let Some(workspace) = &self.workspace {
            lines
                .push(format!("Workspace: {}/{} ({})", workspace.organization, workspace.name, workspace.id));
        }
        lines.push(format!("How: {}", how(self.method)));
        match &self.api_key {
            Some(key) => lines.extend(key_lines(key)),
            None if self.has_ended() => {}
            None => lines.push(format!("Access token ends: {}", self.access_end())),
        }
        if let Some(registry) = &self.registry {
            lines.push(format!("Registry: {registry}, with passwords made when they are needed"));
        }
        if let Some(answer) = &self.server {
            lines.push(format!("Server: {}", answer.words(self.provider.login_way().secret())));
        }
        lines
    }

    fn session_end(&self) -> String {
        match (self.end, self.renews, self.method) {
            (NEVER, ..) if self.has_ended() => "the session has ended".into(),
            (end, ..) if self.has_ended() => format!("{} (the session has ended)", at(end)),
            (NEVER, true, _) => "not known; it renews itself as long as it is used".into(),
            (NEVER, _, Method::Token) => {
                "not known; a personal access token works until it is revoked".into()
            }
            (NEVER, _, Method::ApiKey) => "not known; an API key works until it is revoked".into(),
            (NEVER, ..) => "not known; the server did not say".into(),
            (end, ..) => at(end),
        }
    }

    fn access_end(&self) -> String {
        match (self.access_end, self.renews) {
            (None, _) => "not known".into(),
            (Some(end), true) if end > now() => format!("{}; it is renewed by itself", at(end)),
            (Some(end), true) => format!("{}; it is renewed when it is next needed", at(end)),
            (Some(end), false) => at(end),
        }
    }
}

impl Answer {
    fn words(&self, secret: &str) -> String {
        match (&self.error, &self.account) {
            (Some(error), _) => error.clone(),
            (None, Some(account)) => format!("accepts the {secret}, and knows you as {account}"),
            (None, None) => format!("accepts the {secret}"),
        }
    }
}

/// As a label at the beginning of a line.
pub fn titled(secret: &str) -> String {
    let mut letters = secret.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

/// What may be shown of an API key and of the device it is bound to.
pub fn key_lines(key: &ApiKey) -> [String; 4] {
    let short: String = key.fingerprint.chars().take(16).collect();
    [
        format!("API key: {}", key.shown),
        format!("Fingerprint: {short}..."),
        format!("Device: {}", key.device),
        format!("OS: {}", key.os),
    ]
}

fn how(method: Method) -> &'static str {
    match method {
        Method::Browser => "in a browser",
        Method::Device => "with a code on another device",
        Method::Token => "with a personal access token",
        Method::ApiKey => "with an API key",
    }
}

/// RFC 3339, UTC.
pub(super) fn utc(seconds: u64) -> Option<String> {
    Some(jiff::Timestamp::from_second(i64::try_from(seconds).ok()?).ok()?.to_string())
}

/// Runs the command.
///
/// # Errors
/// Not logged in, or the session has ended, after what there is to say was said; those of `--check`.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode> {
    let mut status = Status::gather(args, context)?;
    if args.check {
        let logins = status.login.iter_mut().chain(status.logins.iter_mut().flatten());
        logins.for_each(|login| login.server = Some(ask(context, &login.profile)));
    }
    match args.json {
        true => ui::out_json(&status)?,
        false if sekuire::speaks(context, context.called) && status.is_nobody() && !args.all => {
            sekuire::not_logged_in().into_iter().try_for_each(ui::out)?;
            return Ok(ExitCode::from(Kind::NotLoggedIn.exit_code()));
        }
        false => status.print(context)?,
    }
    status.verdict(context.in_use()?.0)?;
    Ok(ExitCode::SUCCESS)
}

impl Status {
    fn gather(args: &Args, context: &Context) -> Result<Status> {
        let (selected, profile) = context.in_use()?;
        let mut warnings = Vec::new();
        let provider = profile.map_or(context.called, |profile| profile.provider);
        // A profile named on the command line is meant, whatever the environment says.
        let mut token_from = None;
        if context.profile.is_none() {
            token_from = exports::outside_token(provider, &non_empty).map(|(variable, _)| variable);
            warnings.extend(shadow::warnings(provider, profile, &non_empty));
        }
        let config = Config::load(&context.paths);
        if context.called == ProviderId::SEQERA {
            warnings.extend(vendor::login::at_hand(context));
            warnings.extend(config.as_ref().ok().and_then(vendor::without_relay));
        }
        let logins = match args.all {
            true => Some(all(context, selected, &mut warnings)?),
            false => None,
        };
        let login = if args.all { None } else { profile.cloned().map(|profile| Login::of(profile, true)) };
        let store = store(context).unwrap_or_else(|error| {
            warnings.push(error.to_string());
            None
        });
        let logged_in = login.is_some() || logins.as_ref().is_some_and(|logins| !logins.is_empty());
        let site_settings = config.map(|config| site_settings(&config)).unwrap_or_else(|error| {
            warnings.push(error.to_string());
            Vec::new()
        });
        Ok(Status { logged_in, token_from, login, logins, store, site_settings, warnings })
    }

    fn is_nobody(&self) -> bool {
        !self.logged_in && self.token_from.is_none()
    }

    fn print(&self, context: &Context) -> Result<()> {
        let mut blocks: Vec<Vec<String>> = Vec::new();
        if let Some(variable) = self.token_from {
            let mut block = Vec::new();
            let provider = self.login.as_ref().map_or(context.called, |login| login.provider);
            let (secret, program) = (provider.login_way().secret(), context.program());
            let token = context.outside_token().ok().flatten().map(|(_, token)| token);
            if let Some(key) = token.as_ref().filter(|_| sekuire::speaks(context, provider)) {
                block = sekuire::status(&sekuire::outside(key), None);
            }
            let (end, what) = match token.is_some_and(|token| Word::is_one(&token)) {
                true => (
                    "with the relay, which keeps the token behind its word fresh".to_owned(),
                    "the word of a relay in ",
                ),
                false => (format!("not known; the {secret} comes from outside and is not renewed"), ""),
            };
            block.extend(vec![
                format!(
                    "Logged in as: not known, the {secret} is the one in {variable} ({program} whoami asks the server)"
                ),
                format!("Session expires: {end}"),
                format!("{}: {what}{variable}, from the environment; it overrides any login", titled(secret)),
            ]);
            blocks.push(block);
        }
        let logins = self.login.iter().chain(self.logins.iter().flatten());
        blocks.extend(logins.map(|login| login.lines(context)));
        let mut last = Vec::new();
        if let Some(store) = &self.store
            && self.logged_in
        {
            last.push(format!("Store: {}, its key {}", store.path, store.key_words()));
        }
        last.extend(self.site_settings.iter().map(|SiteSetting { key, value, source }| {
            format!("Your site's setting: {key} = {value} ({source})")
        }));
        last.extend(self.warnings.iter().map(|warning| format!("Warning: {warning}")));
        match blocks.last_mut() {
            Some(block) if self.logins.is_none() => block.extend(last),
            _ => blocks.push(last),
        }
        for (number, block) in blocks.iter().filter(|block| !block.is_empty()).enumerate() {
            if number > 0 {
                ui::out("")?;
            }
            block.iter().try_for_each(|line| ui::out(line))?;
        }
        Ok(())
    }

    /// The command's exit: a script asks with it whether there is a login.
    fn verdict(self, selected: &ProfileName) -> Result<()> {
        if !self.logged_in && self.token_from.is_none() {
            return Err(not_logged_in(selected));
        }
        if let Some(login) =
            self.login.as_ref().filter(|login| login.has_ended() && self.token_from.is_none())
        {
            let again = log_in_again(login.provider, &login.profile, &login.endpoint);
            return Err(Error::session_ended("the session has ended").next(again));
        }
        let logins = self.login.into_iter().chain(self.logins.into_iter().flatten());
        match logins.filter_map(|login| login.server?.failure).next() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

impl Store {
    fn key_words(&self) -> &'static str {
        match self.key {
            "keychain" => "in the keychain",
            _ => "in a file beside it: no better than a private file",
        }
    }
}

/// Every login. One that cannot be read does not hide the others.
fn all(context: &Context, selected: &ProfileName, warnings: &mut Vec<String>) -> Result<Vec<Login>> {
    let mut logins = Vec::new();
    for name in Profile::list(&context.paths)? {
        match Profile::load(&context.paths, &name) {
            Ok(profile) => logins.extend(profile.map(|profile| Login::of(profile, name == *selected))),
            Err(error) => warnings.push(error.to_string()),
        }
    }
    Ok(logins)
}

fn site_settings(config: &Config) -> Vec<SiteSetting> {
    let row = |(key, value, source)| SiteSetting { key, value, source };
    config.from_site().into_iter().map(row).collect()
}

fn store(context: &Context) -> Result<Option<Store>> {
    let path = context.paths.store.display().to_string();
    Ok(key::place(&context.paths)?.map(|place| Store { path, key: place.name() }))
}

/// Asks the server who the login's token belongs to.
fn ask(context: &Context, name: &ProfileName) -> Answer {
    let account = Server::of(context, name).and_then(|mut server| {
        server.ask(|s| s.provider.whoami(&s.http, &s.endpoint, &s.token, s.details()))
    });
    match account {
        Ok(account) => Answer { accepts_the_token: true, account: account.name, error: None, failure: None },
        Err(error) => Answer {
            accepts_the_token: false,
            account: None,
            error: Some(error.to_string()),
            failure: Some(error),
        },
    }
}
