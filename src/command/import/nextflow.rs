//! `seqera import nextflow`: the personal access token that `nextflow auth login` wrote down.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use zeroize::Zeroizing;

use super::{EACH, Plain, agrees, foretell, keep_token, masked};
use crate::client::edit::TheirFile;
use crate::client::nextflow::{FILE, folder, is_included, without};
use crate::command::Context;
use crate::config::Config;
use crate::error::{Error, Result, io_words};
use crate::http::Http;
use crate::os::env::env_text;
use crate::os::files;
use crate::os::ownership::Exposed;
use crate::provider::ProviderId;
use crate::provider::seqera::{Api, CLOUD, user};
use crate::secret::Secret;
use crate::session::Sessions;
use crate::session::profile::{Method, Profile};
use crate::ui;

/// The token in Nextflow's seqera-auth.config
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    plain: Plain,
}

const LIMIT: u64 = 256 * 1024;

/// What `nextflow auth login` wrote.
#[derive(Debug, Default, PartialEq, Eq)]
struct Written {
    token: Option<Secret>,
    endpoint: Option<String>,
    /// An endpoint is there that only Nextflow can work out.
    is_endpoint_unclear: bool,
    /// There are settings that are not of this token.
    has_others: bool,
    workspace: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// There is no such file, or no token in it; its server does not accept it; the store.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode> {
    let folder = folder()?;
    let path = folder.join(FILE);
    let bytes = files::read_foreign(&path, LIMIT).map_err(|error| match Exposed::of(&error) {
        Some(_) => files::failure(format_args!("{} is not taken over", path.display()), &error),
        None => Error::failed(format!("{} cannot be read: {}", path.display(), io_words(&error))),
    })?;
    let text = bytes.map(|bytes| zeroize::Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned()));
    let written = text.map(|text| parse(&text)).unwrap_or_default();
    let Some(token) = written.token else {
        return Err(Error::not_logged_in(format!("no token stands in {}", path.display()))
            .next("log in with: seqera login"));
    };
    if written.is_endpoint_unclear {
        return Err(Error::refused(format!("the endpoint in {} cannot be read", path.display()))
            .next("name it there as a plain text: endpoint = 'https://HOST/api'"));
    }
    let endpoint = match written.endpoint {
        Some(endpoint) => endpoint,
        None => usual_endpoint(context)?,
    };
    let endpoint = ProviderId::SEQERA.endpoint(&endpoint)?;
    ui::out(&format!("{}: {} for {endpoint}", path.display(), masked(&token)))?;
    let name = context.name_for(ProviderId::SEQERA)?;
    let profile = Profile::new(name, ProviderId::SEQERA, endpoint, Method::Token);
    if args.plain.dry_run {
        foretell(context, &profile, &token)?;
        return Ok(ExitCode::SUCCESS);
    }
    let (profile, is_new) = keep_token(context, profile, &token)?;
    if let Some(id) = written.workspace
        && is_new
        && let Err(error) = choose(context, &profile, &token, &id)
    {
        ui::say(&format!("The workspace {id} is not chosen: {error}"));
    }
    if written.has_others {
        let what = format!("{} holds other settings, too, and is not removed", path.display());
        if args.plain.remove {
            return Err(Error::refused(what).next("the token is stored here; take the line out by hand"));
        }
        context.tell(&format!("The token is still in plain text; {what}: take the line out by hand"));
        return Ok(ExitCode::SUCCESS);
    }
    let question = format!("The token is still in {} in plain text. Remove that file?", path.display());
    if args.plain.remove || agrees(&question) {
        remove(&folder, &path)?;
        context.tell(&format!("Removed: {}", path.display()));
        context.tell(
            "Nextflow gets the token from its environment: eval \"$(seqera hook bash)\" (or your shell)",
        );
    } else {
        context.tell(&format!("The token is still in plain text in {}", path.display()));
    }
    Ok(ExitCode::SUCCESS)
}

/// The endpoint where the file names none: as for a login.
fn usual_endpoint(context: &Context) -> Result<String> {
    let named = ProviderId::SEQERA.variables().endpoints.iter().find_map(|name| env_text(name));
    Ok(match named {
        Some(named) => named,
        None => Config::load(&context.paths)?.in_file("endpoint").unwrap_or_else(|| CLOUD.to_owned()),
    })
}

/// The settings of the `tower` scope, as a block or with dots. A value that is computed is none.
fn parse(text: &str) -> Written {
    let mut written = Written::default();
    for (name, value) in settings(text) {
        let value = value.as_ref().map(|value| literal(value));
        match (name.as_str(), value) {
            ("tower.accessToken", Some(value)) => written.token = value.map(Secret::from),
            ("tower.endpoint", Some(Some(value))) => written.endpoint = Some(value.to_owned()),
            ("tower.workspaceId", Some(value)) => written.workspace = value.map(str::to_owned),
            ("tower.enabled", Some(_)) => {}
            (name, _) => {
                written.is_endpoint_unclear |= name.contains("tower") && name.contains("endpoint");
                written.has_others = true;
            }
        }
    }
    written
}

/// Every setting with the scopes that it is in, and the text of its value; what is none has no value.
fn settings(text: &str) -> Vec<(String, Option<Zeroizing<String>>)> {
    let mut found = Vec::new();
    let mut scopes: Vec<String> = Vec::new();
    let mut statement = Zeroizing::new(String::new());
    let mut end = |statement: &mut Zeroizing<String>, scopes: &[String]| {
        let (name, value) = match statement.split_once('=') {
            Some((name, value)) => (name.trim(), Some(Zeroizing::new(value.trim().to_owned()))),
            None => (statement.trim(), None),
        };
        if !name.is_empty() {
            found.push(([scopes, &[name.to_owned()]].concat().join("."), value));
        }
        *statement = Zeroizing::default();
    };
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if rest.starts_with("//") {
            rest = rest.find('\n').map_or("", |at| &rest[at..]);
        } else if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.find("*/").map_or("", |at| &comment[at + 2..]);
        } else if first == '\'' || first == '"' {
            let quoted = quoted(rest, first);
            statement.push_str(quoted);
            rest = &rest[quoted.len()..];
        } else {
            match first {
                '{' => {
                    scopes.push(statement.trim().to_owned());
                    statement.clear();
                }
                '}' => {
                    end(&mut statement, &scopes);
                    scopes.pop();
                }
                ';' | '\n' | '\r' => end(&mut statement, &scopes),
                other => statement.push(other),
            }
            rest = &rest[first.len_utf8()..];
        }
    }
    end(&mut statement, &scopes);
    found
}

/// The text in quotes that `text` begins with, the quotes included.
fn quoted(text: &str, quote: char) -> &str {
    let triple = quote.to_string().repeat(3);
    let mark = if text.starts_with(&triple) { &triple[..] } else { &triple[..1] };
    let mut at = mark.len();
    while at < text.len() && !text[at..].starts_with(mark) {
        let escaped = usize::from(text[at..].starts_with('\\'));
        at += escaped + text[at + escaped..].chars().next().map_or(0, char::len_utf8);
    }
    &text[..text.len().min(at + mark.len())]
}

/// A value that stands there as it is.
fn literal(value: &str) -> Option<&str> {
    let quote = value.chars().next()?;
    if quote != '\'' && quote != '"' {
        return value.chars().all(|c| c.is_ascii_digit()).then_some(value);
    }
    let (text, behind) = value[1..].split_once(quote)?;
    let is_computed = text.contains('\\') || (quote == '"' && text.contains('$'));
    (!text.is_empty() && behind.is_empty() && !is_computed).then_some(text)
}

fn choose(context: &Context, profile: &Profile, token: &Secret, id: &str) -> Result<()> {
    let http = Http::new(EACH);
    let user = user(&http, &profile.endpoint, token)?;
    let workspaces = Api::new(&http, &profile.endpoint).workspaces(token, &user)?;
    let workspace = workspaces.into_iter().find(|workspace| workspace.id == id);
    let workspace = workspace.ok_or_else(|| Error::failed("your account has no such workspace"))?;
    let deadline = crate::os::deadline::Deadline::after(Duration::from_secs(30));
    Sessions::new(&context.paths, deadline)
        .change(&profile.name, |profile| profile.workspace = Some(workspace))?;
    Ok(())
}

/// The line that includes the file goes first: Nextflow does not start where it includes what is not there.
fn remove(folder: &Path, path: &Path) -> Result<()> {
    let config = folder.join("config");
    if is_included(&config) {
        let theirs = TheirFile::read(&config)?;
        theirs.replace(&without(theirs.bytes.as_deref().unwrap_or_default()), 0o600)?;
    }
    files::remove(path)
        .map_err(|error| Error::io(format_args!("{} cannot be removed", path.display()), &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nextflow_writes_is_read_and_what_is_computed_is_not() {
        let block = "// Seqera Platform configuration\ntower {\n    accessToken = 'eyJ0aWQ'\n    endpoint = 'https://tower.example/api'\n    enabled = true\n    workspaceId = '3001'  // acme / research [x]\n}\n";
        let written = parse(block);
        assert_eq!(written.token, Some("eyJ0aWQ".into()));
        assert_eq!(written.endpoint.as_deref(), Some("https://tower.example/api"));
        assert_eq!(written.workspace.as_deref(), Some("3001"));
        let dots = parse("tower.accessToken = \"eyJ\"\ntower.workspaceId = 17\n");
        assert_eq!((dots.token, dots.workspace.as_deref()), (Some("eyJ".into()), Some("17")));
        for computed in
            ["tower.accessToken = \"$TOWER_ACCESS_TOKEN\"", "accessToken = System.getenv('X')", ""]
        {
            assert_eq!(parse(computed).token, None, "{computed}");
        }
    }

    #[test]
    fn comments_and_other_scopes_are_no_settings_of_it() {
        let one = parse("tower { accessToken = 'eyJ'; endpoint = \"https://t.example/api\" }");
        assert_eq!((one.token, one.endpoint.as_deref()), (Some("eyJ".into()), Some("https://t.example/api")));
        for unrelated in [
            "tower.accessToken = 'eyJ'\n// tower.endpoint = 'https://old.example'",
            "tower.accessToken = 'eyJ' /* tower.endpoint = 'https://old.example'\n */",
            "tower { accessToken = 'eyJ' }\naws { client { endpoint = 'https://s3.example' } }",
            "tower.accessToken = 'eyJ'; wave.endpoint = 'https://wave.example'",
        ] {
            let written = parse(unrelated);
            assert_eq!(written.token, Some("eyJ".into()), "{unrelated}");
            assert_eq!((written.endpoint, written.is_endpoint_unclear), (None, false), "{unrelated}");
            assert_eq!(written.has_others, unrelated.contains("aws") || unrelated.contains("wave"));
        }
        for unclear in [
            "tower.endpoint = System.getenv('X') ?: 'https://t.example'",
            "tower { endpoint = \"https://${host}/api\" }",
            "tower { endpoint = 'https://' + host }",
            "if (x) { tower.endpoint = 'https://t.example' }",
            "tower['endpoint'] = 'https://t.example'",
        ] {
            assert!(parse(unclear).is_endpoint_unclear, "{unclear}");
        }
    }
}
