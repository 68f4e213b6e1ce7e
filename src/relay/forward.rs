//! One request: who asks, whether it may pass, and the way to the server and back.

use std::sync::Arc;

use http::header::{AUTHORIZATION, CONNECTION, CONTENT_LENGTH, EXPECT, HeaderValue, UPGRADE};
use http::{HeaderMap, Method, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Body, Bytes, Incoming};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use url::Url;

use super::body::{self, Answer, Upload, counted};
use super::carried;
use super::door::Door;
use super::headers;
use super::lease::Lease;
use super::log::Log;
use super::path::Asked;
use super::refusal::Refusal;
use super::route::Route;
use super::rules::Rules;
use super::word::Word;
use super::workspace::Workspace;
use crate::http::{Failure, Place, Streaming, Trouble};
use crate::secret::Secret;

/// A body up to this size is read before it is sent, so that it can be sent again with another token.
const SMALL: u64 = 256 * 1024;

/// What every request of one relay needs.
pub struct Forwarder {
    pub door: Door,
    pub word: Word,
    /// The servers, each with a client of its own.
    pub servers: Vec<(Route, Streaming)>,
    pub rules: Rules,
    pub lease: Lease,
    pub log: Log,
}

/// A request that may pass.
struct Passage<'a> {
    route: &'a Route,
    client: &'a Streaming,
    url: Url,
    upgrade: Option<HeaderValue>,
    /// The one workspace that the body may name, and the path that it is sent to; none where the body is not read.
    body_of: Option<(&'a Workspace, String)>,
}

impl Forwarder {
    /// Answers one request.
    pub async fn answer(self: Arc<Self>, mut request: Request<Incoming>) -> Response<Answer> {
        let (method, path) = (request.method().clone(), self.shown(request.uri().path()));
        let entry = |status| self.log.entry(&method, &path, status);
        let passage = match self.passage(&request) {
            Ok(passage) => passage,
            Err(refusal) => {
                let entry = entry(refusal.status);
                if !request.headers().contains_key(EXPECT) {
                    body::drain(request.into_body()).await;
                }
                return refusal.answer(entry);
            }
        };
        let client_side = passage.upgrade.is_some().then(|| hyper::upgrade::on(&mut request));
        match self.forward(&passage, request).await {
            Ok(answer) if answer.status() == StatusCode::SWITCHING_PROTOCOLS => {
                switched(answer, client_side, entry(StatusCode::SWITCHING_PROTOCOLS))
            }
            Ok(answer) => {
                let entry = entry(answer.status());
                let (mut parts, body) = Response::from(answer).into_parts();
                parts.version = Version::HTTP_11;
                headers::to_client(&mut parts.headers);
                headers::redirect(
                    &mut parts.headers,
                    &passage.url,
                    &passage.route.base,
                    passage.route.prefix,
                );
                Response::from_parts(parts, counted::<reqwest::Body>(body, entry))
            }
            Err(refusal) => {
                let entry = entry(refusal.status);
                refusal.answer(entry)
            }
        }
    }

    /// A path as `--allow` takes it: below its server's.
    fn shown(&self, path: &str) -> String {
        let below = self.servers.iter().find_map(|(route, _)| route.below(path));
        below.unwrap_or(path).to_owned()
    }

    fn passage(&self, request: &Request<Incoming>) -> Result<Passage<'_>, Refusal> {
        self.door.must_be_meant(request.uri(), request.headers())?;
        if !self.word.is_in(request.headers()) {
            return Err(Refusal::new(
                StatusCode::UNAUTHORIZED,
                "the request does not carry this relay's word as its Bearer token",
            ));
        }
        let path = request.uri().path();
        let found = self.servers.iter().find_map(|(route, client)| Some((route, client, route.below(path)?)));
        let Some((route, client, below)) = found else {
            let known: Vec<String> =
                self.servers.iter().map(|(route, _)| format!("{}/", route.prefix)).collect();
            return Err(Refusal::new(
                StatusCode::NOT_FOUND,
                format!("nothing is relayed here; the paths known are those below {}", known.join(" and ")),
            ));
        };
        let asked = Asked {
            is_api: !route.prefix.is_empty(),
            method: request.method(),
            path: below,
            query: request.uri().query().unwrap_or(""),
        };
        let forbidden = |why| Refusal::new(StatusCode::FORBIDDEN, why);
        let readings = self.rules.judge(&asked).map_err(forbidden)?;
        let mut body_of = None;
        if let Some(workspace) = &self.rules.workspace {
            if workspace.is_not_in(request.headers()) {
                return Err(forbidden("a header names another workspace than this relay's".into()));
            }
            if !(workspace.is_in_path(&readings) && carried::is_file(request.headers())) {
                body_of = Some((workspace, below.to_owned()));
            }
        }
        let upgrade = headers::upgrade(request.headers());
        if upgrade.is_some() && (self.rules.read_only || self.rules.workspace.is_some()) {
            return Err(forbidden("what passes after a change of the protocol cannot be limited".into()));
        }
        let url = route
            .url(below, request.uri().query())
            .ok_or_else(|| Refusal::new(StatusCode::BAD_REQUEST, "the path cannot be sent on as it is"))?;
        Ok(Passage { route, client, url, upgrade, body_of })
    }

    async fn forward(
        &self,
        passage: &Passage<'_>,
        request: Request<Incoming>,
    ) -> Result<reqwest::Response, Refusal> {
        let (parts, body) = request.into_parts();
        let body = match &passage.body_of {
            Some((workspace, path)) if !body.is_end_stream() => {
                Payload::Small(carried::read(workspace, path, &parts.headers, body).await?)
            }
            _ => Payload::of(body).await?,
        };
        let mut sent = parts.headers;
        let says_empty = sent.contains_key(CONTENT_LENGTH);
        headers::to_server(&mut sent);
        if let Some(protocol) = &passage.upgrade {
            sent.insert(CONNECTION, HeaderValue::from_static("upgrade"));
            sent.insert(UPGRADE, protocol.clone());
        }
        if says_empty && matches!(body, Payload::None) {
            // Some servers refuse a POST that does not say how long it is, however short.
            sent.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let token = self.lease.token().await?;
        let (first, again) = body.for_two();
        let answer = Self::send(passage, &parts.method, &sent, &token, first).await?;
        if answer.status() != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        let Some(again) = again else {
            // This request cannot be sent again, the next one can profit.
            let _ = self.lease.instead_of(&token).await;
            return Ok(answer);
        };
        match self.lease.instead_of(&token).await {
            Ok(Some(other)) => {
                drop(answer);
                let answer = Self::send(passage, &parts.method, &sent, &other, again).await?;
                if answer.status() == StatusCode::UNAUTHORIZED {
                    self.lease.is_hopeless();
                }
                Ok(answer)
            }
            Ok(None) => Ok(answer),
            Err(error) => Err(error.into()),
        }
    }

    async fn send(
        passage: &Passage<'_>,
        method: &Method,
        headers: &HeaderMap,
        token: &Secret,
        body: Payload,
    ) -> Result<reqwest::Response, Refusal> {
        let place = Place::of(&passage.url);
        let failure =
            |trouble| Refusal::from(crate::error::Error::from(Failure::new(place.clone(), trouble)));
        let bearer = headers::bearer(token).ok_or_else(|| failure(Trouble::BadRequest))?;
        let request = |body| {
            let mut request = reqwest::Request::new(method.clone(), passage.url.clone());
            *request.headers_mut() = headers.clone();
            request.headers_mut().insert(AUTHORIZATION, bearer.clone());
            *request.body_mut() = body;
            request
        };
        // A kept connection may be closed by the server just as it is used again. What only reads is sent again.
        let may_repeat =
            matches!(body, Payload::None) && matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        let answer = match passage.client.execute(request(body.into_body())).await {
            Err(Trouble::Dropped) if may_repeat => passage.client.execute(request(None)).await,
            answer => answer,
        };
        answer.map_err(failure)
    }
}

/// A request's body.
enum Payload {
    None,
    Small(Bytes),
    Stream(Incoming),
}

impl Payload {
    async fn of(body: Incoming) -> Result<Payload, Refusal> {
        if body.is_end_stream() {
            return Ok(Payload::None);
        }
        if body.size_hint().exact().is_none_or(|size| size > SMALL) {
            return Ok(Payload::Stream(body));
        }
        match body.collect().await {
            Ok(read) => Ok(Payload::Small(read.to_bytes())),
            Err(_) => Err(Refusal::new(StatusCode::BAD_REQUEST, "the request ended before its body")),
        }
    }

    /// For the first try, and for the second where there may be one.
    fn for_two(self) -> (Payload, Option<Payload>) {
        match self {
            Payload::None => (Payload::None, Some(Payload::None)),
            Payload::Small(bytes) => (Payload::Small(bytes.clone()), Some(Payload::Small(bytes))),
            stream @ Payload::Stream(_) => (stream, None),
        }
    }

    fn into_body(self) -> Option<reqwest::Body> {
        match self {
            Payload::None => None,
            Payload::Small(bytes) => Some(bytes.into()),
            Payload::Stream(body) => Some(reqwest::Body::wrap(Upload::of(body))),
        }
    }
}

/// Joins both connections where the server changes the protocol (WebSocket).
fn switched(
    answer: reqwest::Response,
    client_side: Option<OnUpgrade>,
    entry: super::log::Entry,
) -> Response<Answer> {
    let Some(client_side) = client_side else {
        return Refusal::new(StatusCode::BAD_GATEWAY, "the server changed the protocol unasked")
            .answer(entry);
    };
    let mut sent = answer.headers().clone();
    let protocol = sent.get(UPGRADE).cloned();
    headers::to_client(&mut sent);
    sent.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    if let Some(protocol) = protocol {
        sent.insert(UPGRADE, protocol);
    }
    tokio::spawn(async move {
        if let (Ok(client), Ok(mut server)) = (client_side.await, answer.upgrade().await) {
            let _ = tokio::io::copy_bidirectional(&mut TokioIo::new(client), &mut server).await;
        }
    });
    let mut answer = Response::new(counted(Empty::new().map_err(|never| match never {}), entry));
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    *answer.headers_mut() = sent;
    answer
}
