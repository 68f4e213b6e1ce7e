//! `--job-token`: for a job that runs longer than an access token lives.

use crate::os::env::non_empty;
use std::process::{Command, ExitCode};

use crate::command::server::{Server, Source};
use crate::command::{Context, child};
use crate::error::{Error, Result};
use crate::os::clock::now;
use crate::os::env::Change;
use crate::os::process::Uninterrupted;
use crate::provider::provider;
use crate::provider::seqera::{Api, user};
use crate::secret::Secret;
use crate::session::exports;
use crate::session::profile::Profile;
use crate::ui;

/// Runs `command` with a personal access token of its own, waits for it, and deletes the token. Signals that
/// come meanwhile are the command's.
///
/// # Errors
/// No token can be made; the command cannot be run. What comes after the command's end is said and is no
/// error: its exit status is the answer.
pub fn run(mut command: Command, context: &Context) -> Result<ExitCode> {
    let name = context.name()?;
    let mut server = match Profile::load(&context.paths, &name)? {
        Some(profile) if !provider(profile.provider).makes_job_tokens() => {
            let title = provider(profile.provider).title();
            return Err(Error::usage(format!(
                "--job-token is for Seqera; an API key of {title} does not end"
            )));
        }
        _ => Server::in_use(context)?,
    };
    if let Some(login) = server.login() {
        Context::must_stay_home(login)?;
    }
    // Signals are caught before the token is made: from here on none ends this process and leaves it behind.
    let signals = child::Signals::begin()?;
    let label = label(&command);
    let made = server.ask(|s| {
        user(&s.http, &s.endpoint, &s.token)?;
        Ok(Api::new(&s.http, &s.endpoint).make_token(&s.token, &label)?)
    })?;
    let changes = changes(&server, &made.secret);
    let ended = child::apply(&mut command, &changes).and_then(|()| signals.run(&mut command));
    let whole = Uninterrupted::begin();
    let gone = match &made.id {
        // With itself: the login may have ended while the job ran.
        Some(id) => {
            Api::new(&server.http, &server.endpoint).delete_token(&made.secret, id).map_err(Error::from)
        }
        None => Err(Error::failed("the server did not say its number")),
    };
    if let Err(error) = gone {
        ui::say(&format!(
            "{}: the job's token '{label}' could not be deleted ({}); delete it on the server's page of tokens",
            context.program(),
            error.what()
        ));
    }
    drop(whole);
    ended.map(child::like)
}

/// The login's variables with the job's token; for a token from outside, the token alone: the rest of the
/// environment is the person's.
fn changes(server: &Server<'_>, token: &Secret) -> Vec<Change> {
    match &server.source {
        Source::Login(profile) => {
            let endless = Profile { access_expires_at: None, ..(**profile).clone() };
            exports::for_profile(&endless, token, &non_empty)
        }
        Source::Variable(_) => {
            let names = provider(server.provider).variables().exported_tokens;
            names.iter().map(|name| Change::Set(name, token.clone())).collect()
        }
    }
}

/// What the token is called on the server's page of tokens: at most 50 characters, and never the same twice.
fn label(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let program = program.file_stem().unwrap_or_default().to_string_lossy();
    let program: String = program.chars().filter(char::is_ascii_alphanumeric).take(16).collect();
    format!("seqera-job-{program}-{}-{}", now(), std::process::id())
}
