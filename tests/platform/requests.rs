//! The door that every request comes through: written down, and met by the fault ordered for it.
//!
//! Written down is what a test asks about and a person may read: never a query, a form or a header's secret.

use std::collections::HashMap;
use std::sync::mpsc;
use std::time::Instant;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request as HttpRequest, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::MethodRouter;

use super::faults::{Endpoint, Fault};
use super::page;
use super::state::Shared;
use super::wire::Scissors;

/// The longest request that is read.
const MAX_BODY: usize = 64 * 1024;

/// One request and how it was answered.
#[derive(Clone, Debug)]
pub struct Request {
    pub endpoint: Endpoint,
    pub method: String,
    /// Without the query.
    pub path: String,
    /// The `grant_type` of a request at the token endpoint.
    pub grant: Option<String>,
    pub user_agent: Option<String>,
    pub at: Instant,
    /// `None` while it is being answered, and for ever where a fault left it without an answer.
    pub status: Option<u16>,
}

/// All requests since the start.
#[derive(Default)]
pub struct Requests {
    seen: Vec<Request>,
    watcher: Option<mpsc::Sender<Request>>,
    /// The parameters of each authorization request, the device's included: what a client really asked for.
    pub authorizations: Vec<HashMap<String, String>>,
}

impl Requests {
    pub fn all(&self) -> Vec<Request> {
        self.seen.clone()
    }

    /// Sends each request on, once it was answered or left without an answer.
    pub fn watch(&mut self) -> mpsc::Receiver<Request> {
        let (watcher, requests) = mpsc::channel();
        self.watcher = Some(watcher);
        requests
    }

    fn done(&mut self, at: usize, status: Option<StatusCode>) {
        self.seen[at].status = status.map(|status| status.as_u16());
        if let Some(watcher) = &self.watcher {
            // Whoever watched may have gone.
            let _ = watcher.send(self.seen[at].clone());
        }
    }
}

/// The fault that a handler has to carry out itself; the others are carried out here.
#[derive(Clone, Copy)]
pub struct Ordered(pub Option<Fault>);

/// Puts the door before what is served at `endpoint`.
pub fn at(world: &Shared, endpoint: Endpoint, handler: MethodRouter<Shared>) -> MethodRouter<Shared> {
    handler.layer(from_fn_with_state((world.clone(), endpoint), door))
}

async fn door(
    State((world, endpoint)): State<(Shared, Endpoint)>,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
    request: HttpRequest,
    next: Next,
) -> Response {
    let (mut request, grant) = match endpoint {
        Endpoint::Token => read_grant_type(request).await,
        _ => (request, None),
    };
    let entry = Request {
        endpoint,
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        grant,
        user_agent: request
            .headers()
            .get(header::USER_AGENT)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned),
        at: Instant::now(),
        status: None,
    };
    let (number, fault) = {
        let mut world = world.lock();
        world.requests.seen.push(entry);
        let absent = world.settings.absent.contains(&endpoint);
        let fault = if absent { Some(Fault::NotFound) } else { world.faults.take(endpoint) };
        (world.requests.seen.len() - 1, fault)
    };
    request.extensions_mut().insert(Ordered(fault));

    let response = match fault {
        Some(Fault::Slow(delay)) => {
            tokio::time::sleep(delay).await;
            next.run(request).await
        }
        Some(Fault::SlowAfterwards(delay)) => {
            let response = next.run(request).await;
            tokio::time::sleep(delay).await;
            response
        }
        Some(Fault::Mute) => silence(&world, number).await,
        Some(Fault::MuteAfterwards) => {
            next.run(request).await;
            silence(&world, number).await
        }
        Some(Fault::Hangup) => return hang_up(&world, number, &scissors),
        Some(Fault::HangupAfterwards) => {
            next.run(request).await;
            return hang_up(&world, number, &scissors);
        }
        Some(fault) => match instead_of_an_answer(fault, &world) {
            Some(response) => response,
            None => next.run(request).await,
        },
        None => next.run(request).await,
    };
    finish(&world, number, response)
}

/// Holds the connection until the client gives up, which ends this future.
async fn silence(world: &Shared, number: usize) -> Response {
    world.lock().requests.done(number, None);
    std::future::pending().await
}

fn hang_up(world: &Shared, number: usize, scissors: &Scissors) -> Response {
    world.lock().requests.done(number, None);
    scissors.cut();
    // Nobody will read this one.
    StatusCode::NO_CONTENT.into_response()
}

fn finish(world: &Shared, number: usize, mut response: Response) -> Response {
    let mut world = world.lock();
    response.headers_mut().insert(header::DATE, HeaderValue::from_str(&http_date(world.now())).unwrap());
    world.requests.done(number, Some(response.status()));
    response
}

fn http_date(epoch: i64) -> String {
    let then = jiff::Timestamp::from_second(epoch).unwrap();
    jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&then).unwrap()
}

async fn read_grant_type(request: HttpRequest) -> (HttpRequest, Option<String>) {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, MAX_BODY).await.unwrap_or_default();
    let grant = url::form_urlencoded::parse(&body)
        .find(|(name, _)| name == "grant_type")
        .map(|(_, value)| value.into_owned());
    (HttpRequest::from_parts(parts, Body::from(body)), grant)
}

/// The faults that stand in for the endpoint, whatever it is.
fn instead_of_an_answer(fault: Fault, world: &Shared) -> Option<Response> {
    let json = [(header::CONTENT_TYPE, "application/json")];
    Some(match fault {
        Fault::Unauthorized => StatusCode::UNAUTHORIZED.into_response(),
        Fault::Forbidden => StatusCode::FORBIDDEN.into_response(),
        Fault::ForbiddenWithMessage => {
            (StatusCode::FORBIDDEN, json, r#"{"message":"Forbidden"}"#).into_response()
        }
        Fault::NotFound => StatusCode::NOT_FOUND.into_response(),
        Fault::TooManyRequests { retry_after } => {
            (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, retry_after.to_string())]).into_response()
        }
        Fault::TooManyRequestsUntil { retry_after } => {
            let until = http_date(world.lock().now() + i64::from(retry_after));
            (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, until)]).into_response()
        }
        Fault::InternalError => {
            let body =
                r#"{"message":"Unexpected error while processing - Error ID: 4hTrnBvbDSuVkwqF6XhqgZ"}"#;
            (StatusCode::INTERNAL_SERVER_ERROR, json, body).into_response()
        }
        Fault::BadGateway => (StatusCode::BAD_GATEWAY, Html(page::BAD_GATEWAY)).into_response(),
        Fault::ServiceUnavailable => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Fault::HtmlPage => Html(page::PORTAL).into_response(),
        Fault::InvalidJson => (json, r#"{"access_token": "cut-o"#).into_response(),
        Fault::HugeBody => (json, format!("\"{}\"", "x".repeat(32 * 1024 * 1024))).into_response(),
        Fault::RedirectElsewhere => {
            let elsewhere = format!("{}/elsewhere", world.lock().sekuire_origin);
            (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, elsewhere)]).into_response()
        }
        _ => return None,
    })
}
