//! What the relay answers by itself: a status and the reason, in the form in which the Platform tells errors.

use http::header::{CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use http::{Response, StatusCode};

use super::body::{self, Answer};
use super::log::Entry;
use crate::error::{Error, Kind};

/// Why a request is not answered by the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The status.
    pub status: StatusCode,
    /// The reason, with what to do about it.
    pub message: String,
}

impl Refusal {
    /// A refusal.
    pub fn new(status: StatusCode, message: impl Into<String>) -> Refusal {
        Refusal { status, message: message.into() }
    }

    /// The answer.
    pub fn answer(self, entry: Entry) -> Response<Answer> {
        let body = serde_json::json!({ "message": format!("seqera relay: {}", self.message) });
        let mut answer = Response::new(body::whole(body.to_string().into_bytes(), entry));
        *answer.status_mut() = self.status;
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.status == StatusCode::UNAUTHORIZED {
            answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        answer
    }
}

/// There is no token, or the server cannot be reached.
impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        let status = match error.kind() {
            Kind::NotLoggedIn | Kind::SessionEnded => StatusCode::UNAUTHORIZED,
            Kind::TimedOut => StatusCode::GATEWAY_TIMEOUT,
            Kind::Refused => StatusCode::FORBIDDEN,
            Kind::Unreachable => StatusCode::BAD_GATEWAY,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        Refusal::new(status, error.to_string())
    }
}
