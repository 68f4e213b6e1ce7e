//! The server of a login, asked with its token.

use std::time::Duration;

use super::{Context, TIME};
use crate::endpoint::Endpoint;
use crate::error::{Error, Kind, Result};
use crate::http::Http;
use crate::os::deadline::Deadline;
use crate::provider;
use crate::provider::LoginDetails;
use crate::provider::ProviderId;
use crate::secret::Secret;
use crate::session::outside;
use crate::session::profile::{Profile, ProfileName};
use crate::session::{Fresh, Sessions, Want, log_in_again, revocation};
use crate::target::Target;

/// What a command needs that asks the server.
pub struct Server<'a> {
    context: &'a Context,
    /// The connection.
    pub http: Http,
    /// The platform.
    pub provider: ProviderId,
    /// The base of its API.
    pub endpoint: Endpoint,
    /// What it is asked with.
    pub token: Secret,
    /// Where the token is from.
    pub source: Source,
}

/// Where a token is from.
pub enum Source {
    /// A login of ours.
    Login(Box<Profile>),
    /// A variable of the environment.
    Variable(&'static str),
}

/// One answer is waited for so long.
const EACH: Duration = Duration::from_secs(15);

/// What waits from an earlier logout may take so long.
const SETTLE: Duration = Duration::from_secs(5);

impl<'a> Server<'a> {
    /// That of the token in use: one from the environment, else that of the login in use.
    ///
    /// # Errors
    /// Those of [`Sessions::fresh`]; the token may not travel to the endpoint.
    pub fn in_use(context: &'a Context) -> Result<Server<'a>> {
        let Some((variable, token)) = context.outside_token()? else {
            return Server::from(context, context.fresh(&Want::default())?);
        };
        let id = context.in_use()?.1.map_or(context.called, |profile| profile.provider);
        let endpoint = id.outside_endpoint().map_err(|_| not_sent(id))?;
        Server::open(context, id, endpoint, token, Source::Variable(variable))
    }

    /// That of a login.
    ///
    /// # Errors
    /// As [`Server::in_use`].
    pub fn of(context: &'a Context, name: &ProfileName) -> Result<Server<'a>> {
        let fresh = Sessions::new(&context.paths, Deadline::after(TIME)).fresh(name, &Want::default())?;
        if let Some(notice) = &fresh.notice {
            context.tell(&format!("{}: {notice}", context.program()));
        }
        Server::from(context, fresh)
    }

    fn from(context: &'a Context, fresh: Fresh) -> Result<Server<'a>> {
        let (id, endpoint) = (fresh.profile.provider, fresh.profile.endpoint.clone());
        Server::open(context, id, endpoint, fresh.token, Source::Login(Box::new(fresh.profile)))
    }

    fn open(
        context: &'a Context,
        provider: ProviderId,
        endpoint: Endpoint,
        token: Secret,
        source: Source,
    ) -> Result<Server<'a>> {
        if !provider::is_origin(endpoint.origin(), provider, &endpoint) {
            return Err(not_sent(provider));
        }
        Ok(Server { context, http: Http::new(EACH), provider, endpoint, token, source })
    }

    /// The login whose token it is; none where the token is from outside.
    pub fn details(&self) -> Option<LoginDetails<'_>> {
        self.login().map(Profile::details)
    }

    /// The login, where the token is that of one.
    pub fn login(&self) -> Option<&Profile> {
        match &self.source {
            Source::Login(profile) => Some(profile),
            Source::Variable(_) => None,
        }
    }

    /// What a person calls what the server is asked with.
    fn secret(&self) -> &'static str {
        self.provider.login_way().secret()
    }

    /// Makes sure that this is the server at `endpoint`.
    ///
    /// # Errors
    /// It is another.
    pub fn must_be_at(&self, endpoint: &str) -> Result<()> {
        let asked = Target::from_url(endpoint).or_else(|| Target::new("https", endpoint));
        match asked.is_some_and(|asked| provider::is_origin(&asked, self.provider, &self.endpoint)) {
            true => Ok(()),
            false => Err(Error::refused(format!(
                "the {} is for {} and is sent nowhere else",
                self.secret(),
                self.endpoint
            ))
            .next("log in to the other one too, with --profile")),
        }
    }

    /// A refusal of a token from outside, with the variable that it is in and what is wrong with it.
    fn named(&self, error: Error) -> Error {
        let Source::Variable(variable) = &self.source else { return error };
        outside::named(error, variable, &self.token)
    }

    /// Asks. Where the server refuses the token of a login that can be renewed, once more with the next one.
    ///
    /// # Errors
    /// Those of `question`; a login whose token is refused to the last has ended.
    pub fn ask<T>(&mut self, question: impl Fn(&Server<'a>) -> Result<T>) -> Result<T> {
        let refused = match question(self).map_err(|error| self.named(error)) {
            Err(error) if error.kind() == Kind::NotLoggedIn => error,
            Ok(answer) => {
                // Servers can be reached: so can those to which tokens are still to be given back.
                revocation::settle(&self.context.paths, Deadline::after(SETTLE));
                return Ok(answer);
            }
            other => return other,
        };
        let Source::Login(profile) = &self.source else { return Err(refused) };
        let sessions = Sessions::new(&self.context.paths, Deadline::after(TIME));
        if let Some(fresh) = sessions.renewed(&profile.name, &self.token)? {
            self.token = fresh.token;
            match question(self) {
                Err(error) if error.kind() == Kind::NotLoggedIn => {}
                other => return other,
            }
        }
        Err(Error::session_ended(refused.what()).next(log_in_again(
            profile.provider,
            &profile.name,
            &profile.endpoint,
        )))
    }
}

fn not_sent(provider: ProviderId) -> Error {
    let secret = provider.login_way().secret();
    Error::refused(format!("the endpoint is not an https address, so the {secret} is not sent there"))
        .next("correct the address in the environment, or log in again")
}
