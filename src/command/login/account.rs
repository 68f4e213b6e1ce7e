//! Another account than the one before: said, and the earlier login kept until the person agrees. Somebody else
//! may have finished the login in the browser, or the browser may have been logged in as somebody else.

use std::time::{Duration, Instant};

use crate::command::Context;
use crate::error::{Error, Result};
use crate::session::profile::{Method, Profile};
use crate::ui::{self, Keyboard, Typed};

/// How long a person may think.
const PATIENCE: Duration = Duration::from_secs(300);

/// What is to be said where a login of another account would go for this one.
pub fn replaces(context: &Context, new: &Profile, is_named: bool) -> Option<String> {
    let before = Profile::load(&context.paths, &new.name).ok().flatten()?;
    difference(&before, new, is_named)
}

/// What is to be said where `new` is of another account than `before`, or of another server that the person did
/// not name themselves; nothing where it is the same.
fn difference(before: &Profile, new: &Profile, is_named: bool) -> Option<String> {
    let who = |profile: &Profile| profile.account.clone().unwrap_or_else(|| "another account".to_owned());
    if before.endpoint != new.endpoint {
        return (!is_named).then(|| {
            format!(
                "this login is at {}, and the login '{}' is at {}",
                new.endpoint, before.name, before.endpoint
            )
        });
    }
    let same = match (&before.account_id, &new.account_id) {
        (Some(before), Some(new)) => before == new,
        _ => before.account.is_none() || new.account.is_none() || before.account == new.account,
    };
    let came = match new.method {
        Method::Browser | Method::Device => "the browser logged in as",
        Method::Token => "the token is that of",
        Method::ApiKey => "the key is that of",
    };
    (!same)
        .then(|| format!("{came} {}, and the login '{}' is that of {}", who(new), before.name, who(before)))
}

/// Asks the person at the terminal whether the earlier login is to go.
///
/// # Errors
/// They do not want that, or there is nobody to ask.
pub fn may_replace(what: &str, keyboard: Option<&Keyboard>) -> Result<()> {
    let refused = |what: String| {
        Error::refused(format!("{what}; the earlier login is kept")).next(
            "log in once more with --replace to replace it; or keep both, and give the new one a name with --profile",
        )
    };
    let Some(keyboard) = keyboard else { return Err(refused(what.to_owned())) };
    ui::say(&format!("Note: {what}."));
    ui::prompt("Replace the earlier login? [y/N] ");
    let deadline = Instant::now() + PATIENCE;
    loop {
        match keyboard.typed(Duration::from_secs(1)) {
            Typed::Line(line) if matches!(&*line.trim().to_lowercase(), "y" | "yes") => return Ok(()),
            Typed::Nothing if Instant::now() < deadline => {}
            Typed::Line(_) => return Err(refused("nothing was replaced".to_owned())),
            _ => {
                ui::say("");
                return Err(refused(what.to_owned()));
            }
        }
    }
}
