//! A registry that lets in whoever has a password that somebody else vouches for: Debian's `docker-registry`
//! behind a door of our own.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::header::{AUTHORIZATION, CONNECTION, HOST, TRANSFER_ENCODING, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use super::registry::Registry;

/// The one user whom the registry behind the door knows.
const INSIDE: (&str, &str) = ("door", "inside");

/// A running registry. It ends when it is dropped.
pub struct TokenRegistry {
    host: String,
    door: Arc<Door>,
    _runtime: Runtime,
}

struct Door {
    registry: Registry,
    client: reqwest::Client,
    admits: Box<dyn Fn(&str) -> bool + Send + Sync>,
    users: Mutex<Vec<String>>,
}

impl TokenRegistry {
    /// Starts an empty registry that lets in every password that `admits` takes, whoever comes with it.
    pub fn start(admits: impl Fn(&str) -> bool + Send + Sync + 'static) -> TokenRegistry {
        let registry = Registry::start(&[INSIDE]);
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        let client = client.build().unwrap();
        let door = Arc::new(Door { registry, client, admits: Box::new(admits), users: Mutex::default() });
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let at_door = Arc::clone(&door);
        let routes = Router::new()
            .fallback(move |request: Request| {
                let door = Arc::clone(&at_door);
                async move { door.answer(request).await }
            })
            .layer(DefaultBodyLimit::disable());
        runtime.spawn(async move { axum::serve(listener, routes).await });
        TokenRegistry { host, door, _runtime: runtime }
    }

    /// `127.0.0.1:PORT`
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Who was let in, a name for each request.
    pub fn users(&self) -> Vec<String> {
        self.door.users.lock().unwrap().clone()
    }
}

impl Door {
    async fn answer(&self, request: Request) -> Response {
        match user_and_password(request.headers()) {
            Some((user, password)) if (self.admits)(&password) => {
                self.users.lock().unwrap().push(user);
                self.inside(request).await
            }
            _ => {
                let challenge = HeaderValue::from_static(r#"Basic realm="minted""#);
                (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, challenge)]).into_response()
            }
        }
    }

    /// The same request to the registry behind the door, under the name the client used, so that the addresses
    /// it answers with lead back here.
    async fn inside(&self, request: Request) -> Response {
        let (head, body) = request.into_parts();
        let body: Bytes = axum::body::to_bytes(body, 64 << 20).await.unwrap();
        let url = format!("http://{}{}", self.registry.host(), head.uri);
        let mut inside =
            self.client.request(head.method, url).basic_auth(INSIDE.0, Some(INSIDE.1)).body(body);
        for (name, value) in &head.headers {
            if ![AUTHORIZATION, CONNECTION, TRANSFER_ENCODING].contains(name) {
                inside = inside.header(name, value);
            }
        }
        debug_assert!(head.headers.contains_key(HOST));
        let answer = inside.send().await.unwrap();
        let (status, mut headers) = (answer.status(), answer.headers().clone());
        for hop in [CONNECTION, TRANSFER_ENCODING, HeaderName::from_static("content-length")] {
            headers.remove(hop);
        }
        (status, headers, answer.bytes().await.unwrap()).into_response()
    }
}

fn user_and_password(headers: &HeaderMap) -> Option<(String, String)> {
    let basic = headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(basic).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}
