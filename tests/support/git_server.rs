//! `git http-backend` behind HTTP on loopback, with authentication. Stands alone, so that an example can use it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::AsyncWriteExt;
use tokio::runtime::Runtime;

/// Who is let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    scheme: &'static str,
    user: String,
    secret: String,
    only: Option<String>,
}

impl Login {
    /// A user with a password.
    pub fn basic(user: &str, password: &str) -> Login {
        Login { scheme: "Basic", user: user.into(), secret: password.into(), only: None }
    }

    /// A bearer token; `user` is the name the log gives it.
    pub fn bearer(user: &str, token: &str) -> Login {
        Login { scheme: "Bearer", user: user.into(), secret: token.into(), only: None }
    }

    /// Good for one repository only.
    pub fn only(self, repository: &str) -> Login {
        Login { only: Some(repository.into()), ..self }
    }

    fn admits(&self, path: &str, authorization: &str) -> bool {
        let Some((scheme, given)) = authorization.split_once(' ') else { return false };
        let expected = match self.scheme {
            "Basic" => STANDARD.encode(format!("{}:{}", self.user, self.secret)),
            _ => self.secret.clone(),
        };
        scheme.eq_ignore_ascii_case(self.scheme)
            && given == expected
            && self.only.as_deref().is_none_or(|only| path.starts_with(&format!("/{only}/")))
    }
}

/// One request, as far as authentication goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The path asked for.
    pub path: String,
    /// The scheme of the `Authorization` header; empty where there was none.
    pub scheme: String,
    /// The user that was let in; nobody where the answer was 401.
    pub user: Option<String>,
}

/// The server. It ends when it is dropped.
pub struct GitServer {
    url: String,
    state: Arc<State>,
    _runtime: Runtime,
}

struct State {
    git: PathBuf,
    root: PathBuf,
    logins: Mutex<Vec<Login>>,
    seen: Mutex<Vec<Seen>>,
}

impl GitServer {
    /// Serves the repositories in `root` with this `git` to these logins.
    pub fn start(git: &Path, root: &Path, logins: &[Login]) -> GitServer {
        std::fs::create_dir_all(root).unwrap();
        let state = Arc::new(State {
            git: git.into(),
            root: root.into(),
            logins: Mutex::new(logins.into()),
            seen: Mutex::default(),
        });
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = Arc::clone(&state);
        let app = Router::new()
            .fallback(async move |request: Request| answer(&serving, request).await)
            .layer(DefaultBodyLimit::disable());
        runtime.spawn(async move { axum::serve(listener, app).await });
        GitServer { url, state, _runtime: runtime }
    }

    /// `127.0.0.1:PORT`
    pub fn host(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// Makes an empty repository that can be pushed to, and answers its URL.
    pub fn create(&self, repository: &str) -> String {
        for args in [
            &["init", "--quiet", "--bare", "--initial-branch=main", repository][..],
            &["-C", repository, "config", "http.receivepack", "true"],
        ] {
            let mut git = Command::new(&self.state.git);
            let status =
                git.args(args).current_dir(&self.state.root).env("GIT_CONFIG_NOSYSTEM", "1").status();
            assert!(status.unwrap().success(), "git {args:?}");
        }
        format!("{}/{repository}", self.url)
    }

    /// From now on these are let in, and nobody else.
    pub fn admit(&self, logins: &[Login]) {
        *self.state.logins.lock().unwrap() = logins.into();
    }

    /// The requests since the last call.
    pub fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.state.seen.lock().unwrap())
    }
}

async fn answer(state: &State, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let authorization = header(&parts.headers, "authorization");
    let logins = state.logins.lock().unwrap().clone();
    let login = logins.iter().find(|login| login.admits(&path, &authorization));
    state.seen.lock().unwrap().push(Seen {
        path: path.clone(),
        scheme: authorization.split(' ').next().unwrap_or_default().into(),
        user: login.map(|login| login.user.clone()),
    });
    let Some(login) = login else { return challenge(&logins) };

    let Ok(body) = axum::body::to_bytes(body, 64 << 20).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let mut backend = tokio::process::Command::new(&state.git);
    backend
        .arg("http-backend")
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", &state.root)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_PROJECT_ROOT", &state.root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REMOTE_USER", &login.user)
        .env("REQUEST_METHOD", parts.method.as_str())
        .env("PATH_INFO", &path)
        .env("QUERY_STRING", parts.uri.query().unwrap_or_default())
        .env("CONTENT_TYPE", header(&parts.headers, "content-type"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", header(&parts.headers, "content-encoding"))
        .env("GIT_PROTOCOL", header(&parts.headers, "git-protocol"));
    match cgi(backend, body).await {
        Some(response) => response,
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn header(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().into()
}

/// Names every scheme in use, `Bearer` before `Basic`, as servers that have both do.
fn challenge(logins: &[Login]) -> Response {
    let mut response = StatusCode::UNAUTHORIZED.into_response();
    for scheme in ["Bearer", "Basic"] {
        if logins.iter().any(|login| login.scheme == scheme) {
            let value = format!("{scheme} realm=\"loopback\"").parse().unwrap();
            response.headers_mut().append("www-authenticate", value);
        }
    }
    response
}

/// RFC 3875: a header block, of which `Status` is the status, and a body.
async fn cgi(mut command: tokio::process::Command, body: Bytes) -> Option<Response> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().ok()?;
    let mut stdin = child.stdin.take()?;
    let feed = async move {
        // A backend that has seen enough closes its end.
        let _ = stdin.write_all(&body).await;
    };
    let (_, output) = tokio::join!(feed, child.wait_with_output());
    let stdout = output.ok()?.stdout;
    let end = stdout.windows(4).position(|window| window == b"\r\n\r\n")?;
    let (head, body) = (std::str::from_utf8(&stdout[..end]).ok()?, stdout[end + 4..].to_vec());
    let mut response = axum::body::Body::from(body).into_response();
    for line in head.split("\r\n") {
        let (name, value) = line.split_once(": ")?;
        match name {
            "Status" => *response.status_mut() = value.split(' ').next()?.parse().ok()?,
            _ => drop(
                response
                    .headers_mut()
                    .insert(axum::http::HeaderName::from_bytes(name.as_bytes()).ok()?, value.parse().ok()?),
            ),
        }
    }
    Some(response)
}
