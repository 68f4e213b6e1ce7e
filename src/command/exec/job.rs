//! `--job-token`: for a job that runs longer than an access token lives.

use crate::os::env::non_empty;
use std::process::{Command, ExitCode};

use crate::command::server::{Server, Source};
use crate::command::{Context, TIME, child};
use crate::config::{Config, JOB_TOKEN};
use crate::error::{Error, Kind, Result};
use crate::os::clock::now;
use crate::os::deadline::Deadline;
use crate::os::env::Change;
use crate::os::fault;
use crate::os::hex::hex;
use crate::os::process::Uninterrupted;
use crate::provider::seqera::{Api, user};
use crate::secret::Secret;
use crate::session::exports;
use crate::session::jobs::{JobToken, JobTokens};
use crate::session::profile::Profile;
use crate::ui;

/// Runs `command` with a personal access token of its own, waits for it, and deletes the token. Signals that
/// come meanwhile are the command's.
///
/// # Errors
/// No token can be made; the command cannot be run. What comes after the command's end is said and is no
/// error: its exit status is the answer.
pub fn run(mut command: Command, context: &Context) -> Result<ExitCode> {
    Config::load(&context.paths)?.must_allow(JOB_TOKEN, "tokens of jobs")?;
    let name = context.name()?;
    let provider = Profile::load(&context.paths, &name)?.map_or(context.called, |profile| profile.provider);
    if !provider.makes_job_tokens() {
        let title = provider.title();
        return Err(Error::usage(format!("--job-token is for Seqera; an API key of {title} does not end")));
    }
    let mut server = Server::in_use(context)?;
    if let Some(login) = server.login() {
        Context::must_stay_home(login)?;
    }
    // Signals are caught before the token is made: from here on none ends this process and leaves it behind.
    let signals = child::Signals::begin()?;
    let label = label(&command)?;
    let account = server.ask(|s| user(&s.http, &s.endpoint, &s.token))?.id;
    // Noted before it is asked for: of a process that dies here nothing else would tell its name.
    let mut note = JobToken::asked(&label, server.provider, &server.endpoint, account, &server.token);
    match JobTokens::new(&context.paths, Deadline::after(TIME)).note(&note) {
        Ok(Some(notice)) => context.tell(&format!("seqera: {notice}")),
        Err(error) => ui::say(&format!(
            "seqera: the job's token '{label}' stays on the server if this process is killed: {}",
            error.what()
        )),
        Ok(None) => {}
    }
    fault::point("job-asked");
    let made = match server.ask(|s| Ok(Api::new(&s.http, &s.endpoint).make_token(&s.token, &label)?)) {
        Ok(made) => made,
        Err(error) => {
            // A server that was not heard may have made it.
            if !matches!(error.kind(), Kind::Unreachable | Kind::TimedOut) {
                forget(&note, context);
            }
            return Err(error);
        }
    };
    fault::point("job-made");
    if let Some(id) = &made.id {
        note = note.made(id, &made.secret);
        // The note that stands finds it as well, while the login lives.
        let _ = JobTokens::new(&context.paths, Deadline::after(TIME)).note(&note);
    }
    let changes = changes(&server, &made.secret);
    let ended = child::apply(&mut command, &changes).and_then(|()| signals.run(&mut command));
    let whole = Uninterrupted::begin();
    match JobTokens::new(&context.paths, Deadline::after(TIME)).delete(&note, &server.http) {
        Ok(()) => forget(&note, context),
        Err(failure) => ui::say(&format!(
            "{}: the job's token '{label}' could not be deleted ({}); see: seqera token list",
            context.program(),
            Error::from(failure).what()
        )),
    }
    drop(whole);
    ended.map(child::like)
}

/// A note that stays is of a token that is gone: the next command finds that out.
fn forget(note: &JobToken, context: &Context) {
    let _ = JobTokens::new(&context.paths, Deadline::after(TIME)).forget(std::slice::from_ref(note));
}

/// The login's variables with the job's token; for a token from outside, the token alone: the rest of the
/// environment is the person's.
fn changes(server: &Server<'_>, token: &Secret) -> Vec<Change> {
    match &server.source {
        Source::Login(profile) => {
            let endless = Profile { access_expires_at: None, ..(**profile).clone() };
            let mut changes = exports::for_profile(&endless, token, &non_empty);
            // Not marked as the login's: programs of ours that the job calls keep it, as one from outside.
            changes.retain(|change| change.name() != exports::MARKER);
            changes.push(Change::Unset(exports::MARKER));
            changes
        }
        Source::Variable(_) => {
            let names = server.provider.variables().exported_tokens;
            names.iter().map(|name| Change::Set(name, token.clone())).collect()
        }
    }
}

/// What the token is called on the server's page of tokens: at most 50 characters, and never the same twice.
fn label(command: &Command) -> Result<String> {
    let mut random = [0; 4];
    getrandom::fill(&mut random).map_err(|_| Error::failed("the system gives no random numbers"))?;
    let program = std::path::Path::new(command.get_program());
    let program = program.file_stem().unwrap_or_default().to_string_lossy();
    let program: String = program.chars().filter(char::is_ascii_alphanumeric).take(16).collect();
    Ok(format!("seqera-job-{program}-{}-{}", now(), hex(&random)))
}
