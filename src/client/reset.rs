//! Empty values of git's `credential.helper`: each resets the list of helpers, and ours with it. One that is for some
//! servers only is seen when git is asked about one of these.

use std::path::Path;
use std::time::Duration;

use super::git::{Scope, away_from_here, command, done, is_ours};
use super::{Options, ask};
use crate::os::deadline::Deadline;
use crate::os::paths::Paths;
use crate::protocol::git::KIND;
use crate::session;
use crate::session::profile::Profile;
use crate::store::Shelf;
use crate::target::Target;

/// More servers than this are not asked about one by one.
const MOST: usize = 20;

/// The store's folders are listed within this.
const PATIENCE: Duration = Duration::from_secs(5);

/// What git calls the command line; we give it none.
const ENVIRONMENT: &str = "the environment (GIT_CONFIG_COUNT or GIT_CONFIG_PARAMETERS)";

/// A value of `credential.helper`, for all servers or for some.
struct Entry {
    origin: String,
    scope: Option<String>,
    value: String,
}

impl Entry {
    fn resets(&self) -> bool {
        self.value.is_empty()
    }
}

/// What git reads, in its order: in a folder of ours, or `here` with what the repository adds.
fn entries(here: bool) -> Option<Vec<Entry>> {
    let folder = ask::empty_folder().ok()?;
    let mut git = command().ok()?;
    // git 2.26 and later tell what each value is for; a name alone is for every scheme.
    git.args(["config", "--includes", "--show-origin", "-z", "--get-regexp", r"^credential\.(.*\.)?helper$"]);
    if !here {
        away_from_here(&mut git, folder.path()).ok()?;
    }
    let listed = done(git).ok()?.stdout;
    let text = String::from_utf8_lossy(&listed);
    let fields: Vec<&str> = text.split('\0').collect();
    let entry = |pair: &[&str]| {
        let (key, value) = pair[1].split_once('\n').unwrap_or((pair[1], ""));
        let scope = key.strip_prefix("credential.")?.strip_suffix("helper")?;
        Some(Entry {
            origin: match pair[0].strip_prefix("file:") {
                Some(file) => file.to_owned(),
                None if pair[0].starts_with("command line") => ENVIRONMENT.to_owned(),
                None => pair[0].to_owned(),
            },
            scope: scope.strip_suffix('.').map(str::to_owned),
            value: value.to_owned(),
        })
    };
    Some(fields.chunks_exact(2).filter_map(entry).collect())
}

/// The part of a key that says which servers it is for, taken apart; each part may be missing: gitcredentials(7),
/// "CREDENTIAL CONTEXTS".
struct Pattern<'a> {
    scheme: Option<&'a str>,
    user: Option<&'a str>,
    host: &'a str,
    path: &'a str,
}

impl<'a> Pattern<'a> {
    fn of(scope: &'a str) -> Pattern<'a> {
        let (scheme, rest) = match scope.split_once("://") {
            Some((scheme, rest)) => (Some(scheme), rest),
            None => (None, scope),
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        Pattern { scheme, user, host, path }
    }

    /// Whether it may be for this server. What git makes of it, git says when it is asked.
    fn fits(&self, scheme: &str, authority: &str) -> bool {
        let usual = if scheme == "http" { ":80" } else { ":443" };
        let (host, authority) = (self.host.to_ascii_lowercase(), authority.to_ascii_lowercase());
        let mut ours = host.strip_suffix(usual).unwrap_or(&host).split('.');
        let mut theirs = authority.strip_suffix(usual).unwrap_or(&authority).split('.');
        let is_host = host.is_empty()
            || loop {
                match (ours.next(), theirs.next()) {
                    (None, None) => break true,
                    (Some(ours), Some(theirs)) if ours == "*" || ours == theirs => {}
                    _ => break false,
                }
            };
        is_host && self.scheme.is_none_or(|own| own.eq_ignore_ascii_case(scheme))
    }

    /// The question about a server to which it may apply.
    fn about(&self, scheme: &str, authority: &str) -> Options {
        let user = self.user.map(|user| format!("{user}@")).unwrap_or_default();
        let path = if self.path.is_empty() { String::new() } else { format!("/{}", self.path) };
        Options { url: Some(format!("{scheme}://{user}{authority}{path}")), registries: Vec::new() }
    }
}

/// Why git does not ask the helper although its configuration names it: an empty value comes later and resets the
/// list.
pub fn why(scope: &Scope<'_>, file: &Path) -> Option<String> {
    let is_for = |entry: &Entry| {
        entry.scope.as_deref().map(Pattern::of).is_none_or(|pattern| {
            pattern.fits(scope.protocol, &scope.host)
                && pattern.user.is_none_or(|user| Some(user) == scope.user)
        })
    };
    let reset = unanswered(entries(false)?.into_iter().filter(is_for))?;
    let key = reset.scope.map(|scope| format!(" of [credential \"{scope}\"]")).unwrap_or_default();
    Some(format!(
        "an empty 'helper ='{key} in {} comes after ours and resets the list; remove it, or move it before \
         the line of ours in {}",
        reset.origin,
        file.display()
    ))
}

/// The reset that comes after ours, with none of ours behind it.
fn unanswered(entries: impl Iterator<Item = Entry>) -> Option<Entry> {
    let (mut seen_ours, mut reset) = (false, None);
    for entry in entries {
        if is_ours(&entry.value) {
            (seen_ours, reset) = (true, None);
        } else if entry.resets() && seen_ours {
            reset = Some(entry);
        }
    }
    reset
}

/// The file of the repository that we are in, where an empty value in it resets the list.
pub fn here() -> Option<String> {
    let is_for_all = |entry: &Entry| entry.scope.is_none();
    let reset = |entries: Vec<Entry>| unanswered(entries.into_iter().filter(is_for_all));
    match (reset(entries(false)?), reset(entries(true)?)) {
        (None, Some(reset)) => Some(reset.origin),
        _ => None,
    }
}

/// The servers that we have something for and that git may make an exception of.
pub fn exceptions(paths: &Paths) -> Vec<Options> {
    let entries = entries(false).unwrap_or_default();
    let scopes: Vec<String> =
        entries.into_iter().filter(Entry::resets).filter_map(|entry| entry.scope).collect();
    if scopes.is_empty() {
        return Vec::new();
    }
    let known = known(paths);
    let store = session::store(paths, Deadline::after(PATIENCE));
    let mut found: Vec<Options> = Vec::new();
    for pattern in scopes.iter().map(|scope| Pattern::of(scope)) {
        let servers = known.iter().map(|target| (target.scheme(), target.authority()));
        for (scheme, authority) in servers.filter(|(scheme, authority)| pattern.fits(scheme, authority)) {
            found.push(pattern.about(scheme, &authority));
        }
        // The name of an international host is not to be read out of the store, but it can be looked up there.
        if !pattern.host.is_ascii() {
            let schemes = pattern.scheme.map_or_else(|| vec!["https", "http"], |scheme| vec![scheme]);
            let is_kept = |scheme: &&&str| {
                let shelf = Shelf::verbatim(KIND, scheme.as_bytes(), pattern.host.as_bytes());
                store.holds(&shelf).unwrap_or(false)
            };
            found.extend(schemes.iter().filter(is_kept).map(|scheme| pattern.about(scheme, pattern.host)));
        }
    }
    found.dedup_by(|one, other| one.url == other.url);
    found.truncate(MOST);
    found
}

/// The servers that logins and stored credentials are for.
fn known(paths: &Paths) -> Vec<Target> {
    let logins = Profile::list(paths).unwrap_or_default();
    let logins = logins.iter().filter_map(|name| Profile::load(paths, name).ok().flatten());
    let mut known: Vec<Target> = logins.flat_map(|login| login.provider.origins(&login.endpoint)).collect();
    known.extend(session::store(paths, Deadline::after(PATIENCE)).servers(KIND).unwrap_or_default());
    known.sort();
    known.dedup();
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_fits_as_git_fits_it() {
        for (scope, scheme, authority, fits) in [
            ("https://h.example", "https", "h.example", true),
            ("https://H.example:443/org", "https", "h.example", true),
            ("https://me@h.example", "https", "h.example", true),
            ("https://*.example", "https", "h.example", true),
            ("https://*.example", "https", "a.h.example", false),
            ("h.example", "http", "h.example", true),
            ("https://", "https", "h.example", true),
            ("https://h.example", "http", "h.example", false),
            ("https://h.example:8443", "https", "h.example", false),
            ("https://h.example.evil", "https", "h.example", false),
        ] {
            assert_eq!(Pattern::of(scope).fits(scheme, authority), fits, "{scope} {authority}");
        }
        let about = Pattern::of("me@*.example/org").about("https", "h.example").url;
        assert_eq!(about.as_deref(), Some("https://me@h.example/org"));
    }
}
