//! The AI backend beside a Platform, as far as Seqera's program needs one for a session: it takes the Platform's
//! tokens, sends events, and has the program run one command a message.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, Path, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use hyper::body::Frame;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::Platform;
use super::api::Caller;
use super::state::Shared;
use super::wire;

/// One request, with what it carried.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub token: Option<String>,
    pub host: Option<String>,
    pub body: String,
    pub status: u16,
    pub at: Instant,
}

#[derive(Default)]
struct Memory {
    asked: Vec<Asked>,
    sessions: HashMap<String, Session>,
    command: String,
}

#[derive(Default)]
struct Session {
    waiting: VecDeque<String>,
    listener: Option<mpsc::UnboundedSender<String>>,
    events: u64,
}

impl Session {
    fn tell(&mut self, event: &Value) {
        self.events += 1;
        let text = format!("id: {}\ndata: {event}\n\n", self.events);
        let missed = match &self.listener {
            Some(listener) => listener.send(text).err().map(|missed| missed.0),
            None => Some(text),
        };
        self.waiting.extend(missed);
    }
}

#[derive(Clone)]
struct Backend {
    world: Shared,
    memory: Arc<Mutex<Memory>>,
}

impl FromRequestParts<Backend> for Caller {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, backend: &Backend) -> Result<Self, StatusCode> {
        <Caller as FromRequestParts<Shared>>::from_request_parts(parts, &backend.world).await
    }
}

/// A running backend; it stops when dropped.
pub struct AiBackend {
    /// `http://127.0.0.1:PORT`.
    pub origin: String,
    memory: Arc<Mutex<Memory>>,
    _server: wire::Server,
}

impl AiBackend {
    /// Starts one that takes the tokens of `platform`. To each message it answers by having the program run
    /// `command` in a shell, and ends the turn when that has come to an end.
    pub fn start(platform: &Platform, command: &str) -> AiBackend {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let memory = Memory { command: command.to_owned(), ..Memory::default() };
        let backend = Backend { world: platform.world.clone(), memory: Arc::new(Mutex::new(memory)) };
        let memory = Arc::clone(&backend.memory);
        AiBackend { origin, memory, _server: wire::Server::start(vec![(listener, routes(backend))]) }
    }

    /// The same, named by the Platform's `/service-info`.
    pub fn start_named(platform: &Platform, command: &str) -> AiBackend {
        let backend = AiBackend::start(platform, command);
        platform.world(|world| world.settings.agent_backend = Some(backend.origin.clone()));
        backend
    }

    /// Every request so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.memory.lock().unwrap().asked.clone()
    }

    /// The bodies posted to a path that ends so.
    pub fn posted(&self, end: &str) -> Vec<String> {
        let asked =
            self.asked().into_iter().filter(|asked| asked.method == "POST" && asked.path.ends_with(end));
        asked.map(|asked| asked.body).collect()
    }
}

fn routes(backend: Backend) -> Router {
    let done = |_: Caller| async { Json(json!({ "ok": true })) };
    let api = Router::new()
        .route("/organizations", get(organizations))
        .route(
            "/service-info",
            get(async |_: Caller| Json(json!({ "serviceInfo": { "version": "1", "apiVersion": "1" } }))),
        )
        .route("/user-info", get(user_info))
        .route(
            "/credits",
            get(async |_: Caller| Json(json!({ "credits": 10, "total": 10, "used": 0, "remaining": 10 }))),
        )
        .route("/skills", get(async |_: Caller| Json(json!({ "skills": [] }))))
        .route("/sessions", get(async |_: Caller| Json(json!({ "sessions": [] }))).post(begin))
        .route(
            "/sessions/{id}/messages",
            get(async |_: Caller| Json(json!({ "messages": [] }))).post(message),
        )
        .route("/sessions/{id}/tool-results", post(result))
        .route("/sessions/{id}/expire", post(done))
        .route("/sessions/{id}/events", get(events));
    let platform = backend.world.lock().api();
    let about = json!({ "name": "seqera-ai", "version": "1", "platform_url": platform });
    Router::new()
        .route("/", get(async move || Json(about)))
        .route("/health", get(async || Json(json!({ "status": "ok" }))))
        .nest("/v1/cli", api)
        .layer(from_fn_with_state(backend.clone(), note))
        .with_state(backend)
}

/// Writes a request down.
async fn note(State(backend): State<Backend>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, 1 << 20).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut asked = Asked {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        token: text(header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer ").map(str::to_owned)),
        host: text(header::HOST),
        body: String::from_utf8_lossy(&bytes).into_owned(),
        status: 0,
        at: Instant::now(),
    };
    let answer = next.run(Request::from_parts(parts, Body::from(bytes))).await;
    asked.status = answer.status().as_u16();
    backend.memory.lock().unwrap().asked.push(asked);
    answer
}

async fn organizations(Caller(user): Caller) -> Json<Value> {
    let row = |organization: &super::people::Organization| json!({ "org_id": organization.id, "org_name": organization.name, "org_type": organization.plan });
    Json(json!({ "organizations": user.organizations.iter().map(row).collect::<Vec<Value>>() }))
}

async fn user_info(Caller(user): Caller) -> Json<Value> {
    Json(json!({ "user": {
        "id": user.id, "userName": user.name, "email": user.email, "firstName": user.name, "lastName": "",
    } }))
}

async fn begin(State(backend): State<Backend>, _: Caller) -> Json<Value> {
    let mut memory = backend.memory.lock().unwrap();
    let id = format!("session-{}", memory.sessions.len() + 1);
    memory.sessions.insert(id.clone(), Session::default());
    Json(json!({ "session_id": id }))
}

async fn message(State(backend): State<Backend>, _: Caller, Path(id): Path<String>) -> Response {
    let mut memory = backend.memory.lock().unwrap();
    let command = memory.command.clone();
    let Some(session) = memory.sessions.get_mut(&id) else { return StatusCode::NOT_FOUND.into_response() };
    session.tell(&json!({
        "type": "execute-local", "toolName": "execute_bash_local", "args": { "command": command },
        "requestId": format!("request-{}", session.events + 1),
    }));
    Json(json!({ "ok": true })).into_response()
}

async fn result(State(backend): State<Backend>, _: Caller, Path(id): Path<String>) -> Response {
    let mut memory = backend.memory.lock().unwrap();
    let Some(session) = memory.sessions.get_mut(&id) else { return StatusCode::NOT_FOUND.into_response() };
    session.tell(&json!({ "type": "text-delta", "delta": "The work is done." }));
    let usage = json!({ "promptTokens": 1, "completionTokens": 1, "totalTokens": 2 });
    session.tell(&json!({ "type": "finish", "finishReason": "stop", "usage": usage }));
    Json(json!({ "ok": true })).into_response()
}

async fn events(
    State(backend): State<Backend>,
    _: Caller,
    Path(id): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/event-stream")];
    if query.contains_key("history_only") {
        return (kind, "event: done\ndata: {}\n\n").into_response();
    }
    let mut memory = backend.memory.lock().unwrap();
    let Some(session) = memory.sessions.get_mut(&id) else { return StatusCode::NOT_FOUND.into_response() };
    let (listener, events) = mpsc::unbounded_channel();
    session.waiting.drain(..).for_each(|event| drop(listener.send(event)));
    session.listener = Some(listener);
    (kind, Body::new(Events(events))).into_response()
}

/// Events, as they are told.
struct Events(mpsc::UnboundedReceiver<String>);

impl hyper::body::Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let event = ready!(self.0.poll_recv(cx));
        Poll::Ready(event.map(|event| Ok(Frame::data(Bytes::from(event)))))
    }
}
