//! The logins: whether their boxes open, their servers answer, and their marks are true.

use std::time::Duration;

use super::Finding;
use super::store::open_to_others;
use crate::command::Context;
use crate::endpoint::Endpoint;
use crate::error::{Error, Result};
use crate::http::{Failure, Http, Place, Trouble};
use crate::os::clock::now;
use crate::os::deadline::Deadline;
use crate::session::mark::{Mark, State};
use crate::session::profile::Profile;
use crate::session::{Sessions, log_in_again};

const ABOUT: &str = "login";

/// A server may be asked so long.
const PATIENCE: Duration = Duration::from_secs(5);

/// More than this a clock must not be off: a token seems to live that has ended.
const SKEW: u64 = 60;

/// Looks at every login; `opens` says whether the store's key can be had.
pub fn look(context: &Context, opens: bool, findings: &mut Vec<Finding>) {
    let names = Profile::list(&context.paths).unwrap_or_default();
    if names.is_empty() {
        findings.push(Finding::note(ABOUT, "you are not logged in").next("log in with: seqera login"));
    }
    match context.name() {
        Err(error) => findings.push(Finding::of_error(ABOUT, &error)),
        Ok(name) if names.is_empty() || names.contains(&name) => {}
        Ok(name) => findings.push(
            Finding::note(ABOUT, format!("the profile in use, '{name}', has no login"))
                .next("choose another with: seqera profile use NAME; SEQERA_PROFILE overrides that"),
        ),
    }
    let mut endpoints = Vec::new();
    for name in names {
        match Profile::load(&context.paths, &name) {
            Err(error) => findings.push(Finding::of_error(ABOUT, &error)),
            Ok(None) => {}
            Ok(Some(profile)) => {
                findings.push(stands(context, &profile, opens));
                findings.extend(mark(context, &profile));
                let endpoint = (profile.provider, profile.endpoint);
                if !endpoints.contains(&endpoint) {
                    endpoints.push(endpoint);
                }
            }
        }
    }
    findings.extend(open_to_others("prompt", &context.paths.run));
    for (_, endpoint) in endpoints {
        findings.extend(server(&endpoint));
    }
}

fn stands(context: &Context, profile: &Profile, opens: bool) -> Finding {
    let name = &profile.name;
    let hint = || log_in_again(profile.provider, &profile.name, &profile.endpoint);
    if Mark::of(profile, now()).state == State::Ended {
        return Finding::wrong(ABOUT, format!("'{name}' has ended")).next(hint());
    }
    if !opens {
        return Finding::note(ABOUT, format!("'{name}' was not looked into: the store does not open"));
    }
    let sessions = Sessions::new(&context.paths, Deadline::after(PATIENCE));
    match sessions.load(name) {
        Ok(Some(_)) => Finding::ok(ABOUT, format!("'{name}' is there")),
        Ok(None) => Finding::wrong(ABOUT, format!("'{name}' has lost its tokens")).next(hint()),
        Err(error) => Finding::of_error(ABOUT, &error),
    }
}

/// Without a mark a prompt shows nothing until the next command that writes it; an old one tells an untruth.
fn mark(context: &Context, profile: &Profile) -> Option<Finding> {
    let mark = Mark::read(&context.paths, Some(&profile.name))?;
    let is_true = mark.generation == Mark::of(profile, now()).generation;
    (!is_true).then(|| {
        Finding::wrong("prompt", format!("what prompts read of '{}' is not true any more", profile.name))
            .next(format!(
                "seqera token writes it anew; if it does not, see who may write {}",
                context.paths.run.display()
            ))
    })
}

/// Whether the server answers, and agrees about the time.
fn server(endpoint: &Endpoint) -> Vec<Finding> {
    let theirs = match server_time(endpoint) {
        Ok(theirs) => theirs,
        Err(error) => return vec![Finding::of_error("server", &error)],
    };
    let mut findings = vec![Finding::ok("server", format!("{endpoint} answers"))];
    let off = theirs.map(|theirs| theirs.abs_diff(now()));
    findings.extend(match off {
        Some(off) if off > SKEW => Some(
            Finding::wrong("clock", format!("it differs from the server's by {off} s")).next("set it right"),
        ),
        Some(_) => Some(Finding::ok("clock", "agrees with the server's")),
        None => None,
    });
    findings
}

/// What the server's `Date` header says (RFC 9110, section 6.6.1), in seconds since 1970.
fn server_time(endpoint: &Endpoint) -> Result<Option<u64>> {
    let http = Http::new(PATIENCE);
    let request = ::http::Request::get(endpoint.join(["service-info"]).as_str());
    let bad = || Error::from(Failure::new(Place::unknown(), Trouble::BadRequest));
    let response = http.send(request.body(Vec::new()).map_err(|_| bad())?).map_err(Error::from)?;
    let date = response.headers().get(::http::header::DATE).and_then(|date| date.to_str().ok());
    let date = date.and_then(|date| jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date).ok());
    Ok(date.and_then(|date| u64::try_from(date.as_second()).ok()))
}
