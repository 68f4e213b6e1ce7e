//! `seqera whoami`: whose token is it? The server is asked.

use serde::Serialize;
use std::process::ExitCode;

use super::server::{Server, Source};
use super::status::{key_lines, titled};
use super::{Context, sekuire};
use crate::endpoint::Endpoint;
use crate::error::Result;
use crate::provider::{ApiKey, ProviderId};
use crate::session::profile::ProfileName;
use crate::ui;

/// Ask the server who you are
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Ask this API: the token of a login goes to no other than its own
    #[arg(long, visible_alias = "backend-url", value_name = "URL")]
    endpoint: Option<String>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Answer {
    account: Option<String>,
    account_id: Option<String>,
    provider: ProviderId,
    endpoint: Endpoint,
    profile: Option<ProfileName>,
    token_from: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key: Option<ApiKey>,
}

/// Runs the command.
///
/// # Errors
/// Not logged in; the server does not accept the token; it cannot be reached.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode> {
    let mut server = Server::in_use(context)?;
    if let Some(endpoint) = &args.endpoint {
        server.must_be_at(endpoint)?;
    }
    let account = server.ask(|s| s.provider.whoami(&s.http, &s.endpoint, &s.token, s.details()))?;
    let api_key = server.login().and_then(|login| login.api_key.clone());
    let (profile, token_from) = match &server.source {
        Source::Login(profile) => (Some(profile.name.clone()), None),
        Source::Variable(variable) => (None, Some(*variable)),
    };
    if args.json {
        ui::out_json(&Answer {
            account: account.name,
            account_id: account.id,
            provider: server.provider,
            endpoint: server.endpoint,
            profile,
            token_from,
            api_key,
        })?;
        return Ok(ExitCode::SUCCESS);
    }
    if sekuire::speaks(context, server.provider) {
        let organization = sekuire::organization(server.login());
        let who = sekuire::Who { email: account.name, id: account.id, organization };
        let key = api_key.unwrap_or_else(|| sekuire::outside(&server.token));
        sekuire::whoami(who, &key).iter().try_for_each(|line| ui::out(line))?;
        ui::out(&format!("Endpoint: {}", server.endpoint))?;
        ui::out(&format!("API key: {}", key.shown))?;
    } else {
        let who = account.name.as_deref().unwrap_or("an account without a name");
        ui::out(&format!("Logged in as: {who}"))?;
        if let Some(id) = account.id {
            ui::out(&format!("Account: {id}"))?;
        }
        ui::out(&format!("Endpoint: {}", server.endpoint))?;
        api_key.iter().flat_map(key_lines).try_for_each(|line| ui::out(&line))?;
    }
    match (profile, token_from) {
        (_, Some(variable)) => {
            let label = titled(server.provider.login_way().secret());
            ui::out(&format!("{label}: {variable}, from the environment"))
        }
        (Some(profile), None) => ui::out(&format!("Profile: {profile}")),
        (None, None) => Ok(()),
    }?;
    Ok(ExitCode::SUCCESS)
}
