//! Subcommands that are not ours: they go to the next program called as we are, which is lent a live token.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::process::ExitCode;
use std::time::Duration;

use url::Url;

use super::lent::Lent;
use super::vendor::not_a_command;
use super::{Context, child};
use crate::config::{Config, HAND_OVER};
use crate::endpoint::Endpoint;
use crate::error::{Error, Kind, Result};
use crate::http::Http;
use crate::os::clock::now;
use crate::os::deadline::Deadline;
use crate::os::env::Change;
use crate::os::env::{env_text, non_empty};
use crate::os::files;
use crate::os::programs;
use crate::provider::ProviderId;
use crate::provider::seqera::{CLOUD, backend, vendor};
use crate::secret::Secret;
use crate::session::exports::{self, EXPIRES_AT, MARKER};
use crate::session::folders;
use crate::session::profile::{Profile, ProfileName};
use crate::session::{Fresh, Sessions, Want, not_logged_in};
use crate::ui;

/// `PID:DEPTH:PATHS`: who handed over to whom in this process, and how often in all.
const TRAIL: &str = "SEQERA_HANDED_OVER";

/// Deeper nobody nests agents that run agents; a program that hands back to us does.
const DEEPEST: u32 = 20;

/// Hands `words`, the subcommand first, over: to a program that gets no token but a relay to the AI backend, where
/// there is a login to lend. Comes back where that cannot be done, and after a program that was served.
///
/// # Errors
/// There is no other program ([`Kind::NoProgram`]), or it cannot be run; there is a login and nobody knows its
/// AI backend.
pub fn run(words: &[OsString], context: &Context) -> Result<ExitCode> {
    let mut trail = Trail::read();
    let program = trail.next_program(context.called).ok_or_else(|| nobody(words, context.called))?;
    let (words, way) = match without_token(words) {
        // The first one, in Python, reads a token from its arguments and from nowhere else.
        (_, Some(_)) if is_python(&program) => (words.to_vec(), Way::With(exports::unset_ours(&non_empty))),
        (words, given) => {
            let way = way(&words, given, context)?;
            (words, way)
        }
    };
    let mut command = Command::new(&program);
    trail.passed.push(program);
    command.args(words);
    for (name, value) in installation(context) {
        command.env(name, value);
    }
    match way {
        Way::With(changes) => {
            child::apply(&mut command, &changes)?;
            command.env(TRAIL, trail.write(context.program(), Next::Itself)?);
            child::become_program(command)
        }
        Way::Lent(lent, backend) => {
            command.env(TRAIL, trail.write(context.program(), Next::Child)?);
            let signals = child::Signals::begin()?;
            let relay = lent.ai(backend)?;
            for name in lent.holders() {
                command.env_remove(name);
            }
            child::apply(&mut command, &lent.ai_changes(&relay.url(), relay.word()))?;
            keep_its_log_private(&mut command, context);
            let ended = signals.run(&mut command)?;
            drop(relay);
            Ok(child::like(ended))
        }
    }
}

/// How the other program gets to its server.
enum Way {
    /// With what stands in its environment, changed so.
    With(Vec<Change>),
    /// Through a relay to this backend.
    Lent(Box<Lent>, Url),
}

/// Without a login, the other program gets no token: it has a login of its own.
fn way(words: &[OsString], given: Option<Secret>, context: &Context) -> Result<Way> {
    if let Some(token) = given {
        let tokens = context.called.variables().exported_tokens;
        let mut changes: Vec<Change> = tokens.iter().map(|name| Change::Set(name, token.clone())).collect();
        changes.extend([MARKER, EXPIRES_AT].map(Change::Unset));
        return beside_its_backend(words, changes, context);
    }
    if context.outside_token()?.is_some() {
        return beside_its_backend(words, Vec::new(), context);
    }
    if exports::in_platform_run(&non_empty) {
        return Ok(Way::With(Vec::new()));
    }
    let without = || Ok(Way::With(exports::unset_ours(&non_empty)));
    let needs_none = asks_for_help(words) || (needs_no_login(words) && context.called == ProviderId::SEQERA);
    if context.profile.is_some() && !needs_none {
        context.name_for(context.called)?;
    }
    let (name, profile) = context.in_use()?;
    // Nobody who names a login means the one that the other program has.
    let without_login = || match !needs_none && is_given(name, context)? {
        true => Err(not_logged_in(name)),
        false => without(),
    };
    let Some(profile) = profile else { return without_login() };
    if profile.provider != context.called || (needs_no_login(words) && context.called == ProviderId::SEQERA) {
        return without();
    }
    if context.profile.is_none()
        && let Some(variable) = exports::foreign_endpoint(profile, &non_empty)
    {
        let program = context.program();
        context
            .tell(&format!("{program}: {variable} names another server than your login, which is not used"));
        return without();
    }
    let fresh = match context.fresh(&Want::default()) {
        Ok(fresh) => fresh,
        Err(error) if error.kind() == Kind::NotLoggedIn => return without_login(),
        Err(error) => {
            context.tell(&format!("{}: going on without a token: {error}", context.program()));
            return without();
        }
    };
    if context.called != ProviderId::SEQERA {
        return Ok(Way::With(with_token(&fresh, context)));
    }
    if is_waves(words) {
        return Ok(Way::With(with_token(&newest(fresh, context), context)));
    }
    let backend = match known_backend(words, &fresh.profile.endpoint, context) {
        Ok(backend) => backend,
        // To be told how a command is called, or which version it is, needs no backend.
        Err(_) if asks_for_help(words) => return without(),
        Err(error) => return Err(error),
    };
    let config = Config::load(&context.paths)?;
    if !config.relays()? {
        config.must_allow(HAND_OVER, "handing a token itself over (seqera.relay = false)")?;
        let mut changes = with_token(&newest(fresh, context), context);
        changes.push(set_backend(&backend));
        return Ok(Way::With(changes));
    }
    Ok(Way::Lent(Box::new(Lent::of(context, fresh)?), backend))
}

/// Whether somebody named this login: in the command, the shell, for this folder or for all shells.
fn is_given(name: &ProfileName, context: &Context) -> Result<bool> {
    let is_usual = *name == ProfileName::home_of(context.called);
    let is_named = context.profile.is_some() || env_text(exports::PROFILE).as_deref() == Some(name.as_str());
    Ok(!is_usual || is_named || folders::of_here(&context.paths)?.as_ref() == Some(name))
}

/// A token from outside goes over as it is, and never beside the backend of another installation than its own.
fn beside_its_backend(words: &[OsString], mut changes: Vec<Change>, context: &Context) -> Result<Way> {
    let asks_no_backend = needs_no_login(words) || asks_for_help(words) || is_waves(words);
    if context.called != ProviderId::SEQERA || asks_no_backend {
        return Ok(Way::With(changes));
    }
    let backend = known_backend(words, &endpoint_of_given(context)?, context)?;
    if non_empty(backend::VARIABLE).is_none() {
        changes.push(set_backend(&backend));
    }
    Ok(Way::With(changes))
}

/// Where a token from outside is good: what the environment says; the login in use; what Seqera's program is set up
/// for; Cloud. A login that was named is meant first.
fn endpoint_of_given(context: &Context) -> Result<Endpoint> {
    let named = ENDPOINTS.into_iter().find_map(env_text).map(|named| ProviderId::SEQERA.endpoint(&named));
    let named = named.transpose()?;
    let login = context.name().and_then(|name| Profile::load(&context.paths, &name)).ok().flatten();
    let login = login.filter(|login| login.provider == ProviderId::SEQERA).map(|login| login.endpoint);
    let first = if context.profile.is_some() { login.or(named) } else { named.or(login) };
    let settings = vendor::Settings::read();
    first.map_or_else(|| ProviderId::SEQERA.endpoint(settings.authority().unwrap_or(CLOUD)), Ok)
}

/// What names an installation: as we read it, and then as Seqera's program does.
const ENDPOINTS: [&str; 3] = ["SEQERA_PLATFORM_API_URL", "TOWER_API_ENDPOINT", "SEQERA_AUTH_DOMAIN"];

/// The backend of the installation at `endpoint`.
fn known_backend(words: &[OsString], endpoint: &Endpoint, context: &Context) -> Result<Url> {
    let found = backend::backend(&Http::new(ASK), endpoint, &Config::load(&context.paths)?);
    let error = match found {
        Ok(Some(backend)) => return Ok(backend),
        Ok(None) => backend::unknown(endpoint),
        Err(error) => error,
    };
    // What neither of the two programs knows has nothing to do with a backend.
    Err(not_a_command(words, context.called).unwrap_or(error))
}

fn set_backend(backend: &Url) -> Change {
    Change::Set(backend::VARIABLE, Secret::from(backend.as_str().trim_end_matches('/')))
}

fn needs_no_login(words: &[OsString]) -> bool {
    words.first().is_none_or(|word| NO_LOGIN.iter().any(|own| word == own))
}

fn asks_for_help(words: &[OsString]) -> bool {
    let asks = |word: &OsString| ["--help", "-h", "--version"].iter().any(|asking| word == asking);
    words.iter().take_while(|word| *word != "--").any(asks)
}

/// A Wave client: Wave itself uses the token, from where it runs.
fn is_waves(words: &[OsString]) -> bool {
    words.first().is_some_and(|word| word == "containers")
}

/// An installation is asked for its backend for so long.
const ASK: Duration = Duration::from_secs(10);

/// Commands of Seqera's program that ask no server with a token.
const NO_LOGIN: &[&str] = &["--get-yargs-completions", "completion", "help", "update", "version"];

fn with_token(fresh: &Fresh, context: &Context) -> Vec<Change> {
    let changes = exports::for_profile(&fresh.profile, &fresh.token, &non_empty);
    match context.profile {
        Some(_) => changes,
        None => exports::without_the_persons(changes, &non_empty),
    }
}

/// The same login with a token that was issued just now, where one can be had: nobody renews it over there.
fn newest(fresh: Fresh, context: &Context) -> Fresh {
    let sessions = Sessions::new(&context.paths, Deadline::after(super::TIME));
    let issued_at = sessions.load(&fresh.profile.name).ok().flatten().map(|session| session.issued_at);
    if issued_at.is_some_and(|at| now().saturating_sub(at) < JUST_NOW) {
        return fresh;
    }
    sessions.renewed(&fresh.profile.name, &fresh.token).ok().flatten().unwrap_or(fresh)
}

/// A token that was issued within so many seconds has all its life before it.
const JUST_NOW: u64 = 60;

/// Seqera's program writes a transcript that everybody can read, unless it is told where to.
fn keep_its_log_private(command: &mut Command, context: &Context) {
    if non_empty(LOG_FILE).is_none() && files::private_dir(&context.paths.state).is_ok() {
        command.env(LOG_FILE, context.paths.state.join("seqera-ai-diag.jsonl"));
    }
}

const LOG_FILE: &str = "SEQERA_LOG_FILE";

fn nobody(words: &[OsString], called: ProviderId) -> Error {
    let others = candidates(called).into_iter().filter(|path| !is_this_program(path));
    if let Some(other) = others.into_iter().find(|path| programs::is_replaceable_by_others(path)) {
        return Error::refused(format!(
            "other users may replace {}, so it gets nothing from us",
            other.display()
        ))
        .next(format!(
            "let only yourself write it, and the folders it is in: chmod go-w {}",
            other.display()
        ));
    }
    let name = called.name();
    let install = called.own_program();
    let word = match words {
        [help, asked, ..] if help == "help" => Some(asked),
        words => words.first(),
    };
    let word = word.map(|word| ui::plain(&word.to_string_lossy())).unwrap_or_default();
    Error::no_program(format!(
        "'{word}' is not a command of this program, and no other program called {name} is on your PATH"
    ))
    .next(format!("see: {name} --help; {install}"))
}

/// A self-hosted installation is named under the names that Seqera's program has for it. So is that of a login
/// which was named, instead of another that the environment names.
fn installation(context: &Context) -> Vec<(&'static str, String)> {
    let profile = context.name().and_then(|name| Profile::load(&context.paths, &name)).ok().flatten();
    let own = profile.filter(|profile| profile.provider == ProviderId::SEQERA);
    let Some(profile) = own else { return Vec::new() };
    let elsewhere = exports::foreign_endpoint(&profile, &non_empty);
    if elsewhere.is_some() && context.profile.is_none() {
        return Vec::new();
    }
    let names = ["SEQERA_AUTH_DOMAIN", "SEQERA_PLATFORM_API_URL"].into_iter();
    let is_missing = |name| non_empty(name).is_none() && profile.endpoint != *CLOUD;
    names
        .filter(|name| is_missing(*name) || elsewhere == Some(*name))
        .map(|name| (name, profile.endpoint.to_string()))
        .collect()
}

/// Takes `--token T` of `seqera ai`, which its newer versions do not know, out of the arguments: there every
/// user of the machine could read it.
fn without_token(words: &[OsString]) -> (Vec<OsString>, Option<Secret>) {
    if words.first().is_none_or(|word| word != "ai") {
        return (words.to_vec(), None);
    }
    let (mut kept, mut token) = (Vec::new(), None);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let bytes = word.as_encoded_bytes();
        let is_short =
            |next: Option<&OsString>| word == "-t" && next.is_some_and(|next| looks_like_token(next));
        if bytes == b"--" {
            kept.push(word.clone());
            kept.extend(words.by_ref().cloned());
        } else if bytes == b"--token" || is_short(words.clone().next()) {
            token = words.next().map(|token| Secret::new(token.as_encoded_bytes())).or(token);
        } else if let Some(value) = bytes.strip_prefix(b"--token=") {
            token = Some(Secret::new(value));
        } else {
            kept.push(word.clone());
        }
    }
    (kept, token.filter(|token| !token.is_empty()))
}

/// Every token of the Platform but the oldest begins with the base64 of `{"`.
fn looks_like_token(word: &OsStr) -> bool {
    let bytes = word.as_encoded_bytes();
    bytes.starts_with(b"eyJ") || (bytes.len() == 40 && bytes.iter().all(u8::is_ascii_hexdigit))
}

struct Trail {
    depth: u32,
    /// What was run in this very process already: a wrapper that runs us leads nowhere new.
    passed: Vec<PathBuf>,
}

/// Which process the next program runs in.
enum Next {
    Itself,
    Child,
}

/// Before the number of a process whose child the next program is.
const CHILD_OF: &str = "c";

#[cfg(unix)]
fn parent_id() -> Option<u32> {
    Some(std::os::unix::process::parent_id())
}

#[cfg(not(unix))]
fn parent_id() -> Option<u32> {
    None
}

impl Trail {
    fn read() -> Trail {
        let text = env_text(TRAIL).unwrap_or_default();
        let mut fields = text.splitn(3, ':');
        let (pid, depth, paths) = (fields.next(), fields.next(), fields.next());
        let ours = pid.is_some_and(|pid| match pid.strip_prefix(CHILD_OF) {
            Some(parent) => parent_id().is_some_and(|id| parent == id.to_string()),
            None => pid == std::process::id().to_string(),
        });
        Trail {
            depth: depth.and_then(|depth| depth.parse().ok()).unwrap_or_default(),
            passed: if ours { env::split_paths(paths.unwrap_or_default()).collect() } else { Vec::new() },
        }
    }

    fn write(&self, name: &str, next: Next) -> Result<OsString> {
        if self.depth >= DEEPEST {
            return Err(Error::failed(format!(
                "the programs called {name} hand over to each other without end"
            ))
            .next("see which one should come first: seqera doctor"));
        }
        let prefix = match next {
            Next::Itself => "",
            Next::Child => CHILD_OF,
        };
        let mut text = OsString::from(format!("{prefix}{}:{}:", std::process::id(), self.depth + 1));
        text.push(env::join_paths(&self.passed).unwrap_or_default());
        Ok(text)
    }

    fn next_program(&self, called: ProviderId) -> Option<PathBuf> {
        let mut known: Vec<Identity> =
            env::current_exe().iter().filter_map(|path| Identity::of(path)).collect();
        known.extend(self.passed.iter().filter_map(|path| Identity::of(path)));
        candidates(called)
            .into_iter()
            // Who can put another program there gets what is handed over.
            .filter(|path| !programs::is_replaceable_by_others(path))
            .find(|path| Identity::of(path).is_some_and(|found| !known.contains(&found)))
    }
}

/// Every program called as this platform's is, in the order they count, ours among them.
pub fn candidates(called: ProviderId) -> Vec<PathBuf> {
    let name = called.name();
    let home = dirs::home_dir().map(|home| home.join(format!(".{name}")).join("bin"));
    let folders = programs::folders().into_iter().chain(home);
    let files = folders.flat_map(|folder| {
        endings(cfg!(windows)).iter().map(move |ending| folder.join(format!("{name}{ending}")))
    });
    files.filter(|file| programs::is_executable(file)).collect()
}

/// How the file of a program ends: on Windows npm makes a `.cmd`.
fn endings(windows: bool) -> &'static [&'static str] {
    if windows { &[".exe", ".cmd", ".bat"] } else { &[""] }
}

/// Whether a program is a script in Python.
fn is_python(path: &Path) -> bool {
    let mut start = [0; 256];
    let length = fs::File::open(path).and_then(|mut file| file.read(&mut start)).unwrap_or_default();
    let line = start[..length].split(|byte| *byte == b'\n').next().unwrap_or_default();
    line.starts_with(b"#!") && String::from_utf8_lossy(line).contains("python")
}

/// Whether `path` leads to this program.
pub fn is_this_program(path: &Path) -> bool {
    let here = env::current_exe().ok().and_then(|here| Identity::of(&here));
    here.is_some() && Identity::of(path) == here
}

/// Which file it is, whatever it is called and however many links lead to it.
#[derive(PartialEq, Eq)]
#[cfg(unix)]
struct Identity(u64, u64);

#[derive(PartialEq, Eq)]
#[cfg(not(unix))]
struct Identity(PathBuf);

impl Identity {
    #[cfg(unix)]
    fn of(path: &Path) -> Option<Identity> {
        use std::os::unix::fs::MetadataExt;
        fs::metadata(path).ok().map(|found| Identity(found.dev(), found.ino()))
    }

    #[cfg(not(unix))]
    fn of(path: &Path) -> Option<Identity> {
        fs::canonicalize(path).ok().map(Identity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(words: &[&str]) -> (Vec<String>, Option<String>) {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        let (kept, token) = without_token(&words);
        let kept = kept.into_iter().map(|word| word.into_string().unwrap()).collect();
        (kept, token.map(|token| token.expose_str().unwrap().to_owned()))
    }

    #[test]
    fn what_npm_installs_is_found_everywhere() {
        assert!(endings(true).contains(&".cmd") && endings(true)[0] == ".exe");
        assert_eq!(endings(false), [""]);
    }

    #[test]
    fn the_token_of_ai_is_taken_out_and_nothing_else() {
        let hex = "0123456789abcdef0123456789abcdef01234567";
        for (words, kept, token) in [
            (&["ai", "--token", "T", "why?"][..], &["ai", "why?"][..], Some("T")),
            (&["ai", "--token=T", "-v"], &["ai", "-v"], Some("T")),
            (&["ai", "-t", "eyJx", "-v"], &["ai", "-v"], Some("eyJx")),
            (&["ai", "-t", hex], &["ai"], Some(hex)),
            (&["ai", "-t", "dark"], &["ai", "-t", "dark"], None),
            (&["ai", "--", "--token", "T"], &["ai", "--", "--token", "T"], None),
            (&["ai", "--token"], &["ai"], None),
            (&["skill", "--token", "T"], &["skill", "--token", "T"], None),
        ] {
            assert_eq!(
                taken(words),
                (kept.iter().map(|word| (*word).to_owned()).collect(), token.map(str::to_owned))
            );
        }
    }
}
