//! The one place that speaks HTTP. Everything expensive (the runtime, the system's certificates) is built when
//! the first request is made, and the rest of the house sees plain blocking calls.
//!
//! What holds for every request: `https`, or `http` to this machine only; no redirect is followed; every wait
//! ends; a body is at most [`MAX_BODY`]; proxies come from the environment, except for loopback addresses,
//! which never go through one. JSON is JSON by what it says, whatever the server calls it.

mod body;
mod certificate;
mod failure;
mod proxy;
mod retry;
mod streaming;
mod trust;

use std::future::Future;
use std::pin::pin;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use ::http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use ::http::{Method, Request, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::runtime::Runtime;
use url::Url;
use zeroize::Zeroizing;

use crate::os::env::env_text;
use crate::os::waiting;
use crate::secret::Secret;
use crate::target::Target;

pub use body::Oddity;
pub use failure::{Failure, Place, Trouble};
pub use proxy::Proxy;
pub use retry::LONGEST_WAIT;
pub use streaming::Streaming;

/// The largest body that is read. What Seqera sends is a hundredth of it.
pub const MAX_BODY: usize = 1 << 20;

/// What has arrived when the time is over is read within this.
const LAST_LOOK: Duration = Duration::from_millis(50);

const USER_AGENT: &str = concat!("seqera-credential-helper/", env!("CARGO_PKG_VERSION"));

/// A client for blocking requests. Cheap to make: nothing is built before the first request. Must not be used
/// from inside an async runtime.
pub struct Http {
    each: Duration,
    deadline: Option<Instant>,
    runtime: OnceLock<Background>,
    direct: OnceLock<reqwest::Client>,
    proxied: OnceLock<reqwest::Client>,
}

impl Http {
    /// A client whose every request ends within `each`.
    pub fn new(each: Duration) -> Http {
        Http {
            each,
            deadline: None,
            runtime: OnceLock::new(),
            direct: OnceLock::new(),
            proxied: OnceLock::new(),
        }
    }

    /// The same, and no request goes on past `deadline`, however many there are.
    #[must_use]
    pub fn until(mut self, deadline: Instant) -> Http {
        // A connection has its share of this, too: a server that takes none must not look like one that is silent.
        self.each = self.each.min(deadline.saturating_duration_since(Instant::now()));
        self.deadline = Some(deadline);
        self
    }

    /// `GET`, with `bearer` as the `Authorization` where there is one; the JSON of a 2xx answer.
    pub fn get_json<T: DeserializeOwned>(&self, url: &Url, bearer: Option<&Secret>) -> Result<T, Failure> {
        self.read(url, request(Method::GET, url, bearer, None))
    }

    /// `POST` of `body` as JSON; the JSON of a 2xx answer.
    pub fn post_json<T: DeserializeOwned>(
        &self,
        url: &Url,
        body: &impl Serialize,
        bearer: Option<&Secret>,
    ) -> Result<T, Failure> {
        let body = serde_json::to_vec(body).map_err(|_| Failure::new(Place::of(url), Trouble::BadRequest))?;
        self.read(url, request(Method::POST, url, bearer, Some(("application/json", body))))
    }

    /// `POST` of a form; the answer as it is, whatever its status (a redirect apart).
    pub fn post_form(&self, url: &Url, fields: &[(&str, &str)]) -> Result<Response<Vec<u8>>, Failure> {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let form = Some(("application/x-www-form-urlencoded", body.into_bytes()));
        self.send(request(Method::POST, url, None, form).map_err(|t| Failure::new(Place::of(url), t))?)
    }

    /// `DELETE`; done on any 2xx answer.
    pub fn delete(&self, url: &Url, bearer: Option<&Secret>) -> Result<(), Failure> {
        let place = Place::of(url);
        let request =
            request(Method::DELETE, url, bearer, None).map_err(|t| Failure::new(place.clone(), t))?;
        let response = self.send(request)?;
        if response.status().is_success() { Ok(()) } else { Err(Failure::status_of(place, &response)) }
    }

    /// Sends a request and answers with whatever status came; a redirect is an error that says so.
    pub fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, Failure> {
        let url = Url::parse(&request.uri().to_string())
            .map_err(|_| Failure::new(Place::unknown(), Trouble::BadRequest))?;
        let place = Place::of(&url);
        let response =
            self.exchange(&url, request).map_err(|trouble| Failure::new(place.clone(), trouble))?;
        match response.headers().get(::http::header::LOCATION) {
            Some(to) if response.status().is_redirection() => {
                let to = to.to_str().ok().and_then(|to| url.join(to).ok());
                Err(Failure::new(place, Trouble::Redirected(to.and_then(|to| Target::from_url(to.as_str())))))
            }
            _ => Ok(response),
        }
    }

    /// Like [`Http::send`], for servers that explain their refusals in JSON: a 2xx or 4xx answer whose body is
    /// JSON is the caller's to read, everything else (429 and 5xx too) is a [`Failure`].
    pub fn send_for_json(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, Failure> {
        let place =
            Url::parse(&request.uri().to_string()).map_or_else(|_| Place::unknown(), |url| Place::of(&url));
        let response = self.send(request)?;
        let status = response.status();
        let overloaded = status.as_u16() == 429 || status.is_server_error();
        match (body::is_json(response.body()), status.is_success()) {
            (true, _) if !overloaded => Ok(response),
            (false, true) => Err(Failure::unexpected(place, &response)),
            _ => Err(Failure::status_of(place, &response)),
        }
    }

    fn read<T: DeserializeOwned>(
        &self,
        url: &Url,
        request: Result<Request<Vec<u8>>, Trouble>,
    ) -> Result<T, Failure> {
        let failure = |trouble| Failure::new(Place::of(url), trouble);
        let response = self.send(request.map_err(failure)?)?;
        if !response.status().is_success() {
            return Err(Failure::status_of(Place::of(url), &response));
        }
        if !body::is_json(response.body()) {
            return Err(Failure::unexpected(Place::of(url), &response));
        }
        let body = Zeroizing::new(response.into_body());
        serde_json::from_slice(&body).map_err(|_| failure(Trouble::BadAnswer))
    }

    fn exchange(&self, url: &Url, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, Trouble> {
        let target = Target::from_url(url.as_str()).ok_or(Trouble::BadRequest)?;
        if !target.is_private_enough() {
            return Err(Trouble::InTheClear);
        }
        let limit = match self.deadline {
            Some(deadline) => deadline.saturating_duration_since(Instant::now()).min(self.each),
            None => self.each,
        };
        if limit.is_zero() {
            return Err(Trouble::TimedOut { sent: false });
        }
        let proxy = Proxy::for_target(&target, env_text)?;
        let client = self.client(proxy.as_ref())?;
        log::debug!("{} {}", request.method(), Place::of(url));
        let mut request = reqwest::Request::try_from(request).map_err(|_| Trouble::BadRequest)?;
        request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let classify = |error: reqwest::Error| Trouble::classify(&error, proxy.as_ref());
        let _waiting = waiting::begin(|| format!("Waiting for {} ...", target.host()));
        self.runtime()?.block_on(async {
            let mut answer = pin!(whole_answer(client, request, classify));
            if let Ok(answer) = tokio::time::timeout(limit, answer.as_mut()).await {
                return answer;
            }
            // A process that was stopped finds its time over before it has looked at what came meanwhile.
            loop {
                let began = Instant::now();
                match tokio::time::timeout(LAST_LOOK, answer.as_mut()).await {
                    Ok(answer) => return answer,
                    Err(_) if began.elapsed() > 2 * LAST_LOOK => {}
                    Err(_) => return Err(Trouble::TimedOut { sent: true }),
                }
            }
        })
    }

    fn client(&self, proxy: Option<&Proxy>) -> Result<&reqwest::Client, Trouble> {
        let kept = if proxy.is_some() { &self.proxied } else { &self.direct };
        if let Some(client) = kept.get() {
            return Ok(client);
        }
        let client = self.build(proxy)?;
        Ok(kept.get_or_init(|| client))
    }

    fn build(&self, proxy: Option<&Proxy>) -> Result<reqwest::Client, Trouble> {
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(trust::config()?)
            .user_agent(USER_AGENT)
            .redirect(reqwest::redirect::Policy::none())
            // A connection that was kept may be closed by the server just as it is used again, and a POST that
            // fails so must not be repeated: a refresh token may be gone. So none is kept.
            .pool_max_idle_per_host(0)
            // Shorter than the whole, so that "no connection" and "no answer" stay two different things.
            .connect_timeout((self.each / 2).min(Duration::from_secs(10)))
            // Ours, and no other that the library would find by itself.
            .no_proxy();
        let builder = match proxy {
            Some(proxy) => builder.proxy(proxy.for_reqwest()?),
            None => builder,
        };
        builder.build().map_err(|_| Trouble::Certificates)
    }

    fn runtime(&self) -> Result<&Background, Trouble> {
        if let Some(runtime) = self.runtime.get() {
            return Ok(runtime);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = Background(Some(runtime.map_err(|_| Trouble::NoRuntime)?));
        Ok(self.runtime.get_or_init(|| runtime))
    }
}

/// A runtime whose end waits for nobody: dropping a tokio runtime waits for a name look-up that is still going
/// on, which can take longer than any deadline of ours.
struct Background(Option<Runtime>);

impl Background {
    fn block_on<T>(&self, work: impl Future<Output = Result<T, Trouble>>) -> Result<T, Trouble> {
        self.0.as_ref().ok_or(Trouble::NoRuntime)?.block_on(work)
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

fn request(
    method: Method,
    url: &Url,
    bearer: Option<&Secret>,
    body: Option<(&'static str, Vec<u8>)>,
) -> Result<Request<Vec<u8>>, Trouble> {
    let mut request = Request::builder().method(method).uri(url.as_str()).header(ACCEPT, "application/json");
    if let Some(bearer) = bearer {
        let value = Zeroizing::new([b"Bearer ", bearer.expose()].concat());
        let mut value = HeaderValue::from_bytes(&value).map_err(|_| Trouble::BadRequest)?;
        value.set_sensitive(true);
        request = request.header(AUTHORIZATION, value);
    }
    let body = match body {
        Some((kind, body)) => {
            request = request.header(CONTENT_TYPE, kind);
            body
        }
        None => Vec::new(),
    };
    request.body(body).map_err(|_| Trouble::BadRequest)
}

/// How long the end of an answer is waited for that is whole already.
const END: Duration = Duration::from_millis(500);

async fn whole_answer(
    client: &reqwest::Client,
    request: reqwest::Request,
    classify: impl Fn(reqwest::Error) -> Trouble,
) -> Result<Response<Vec<u8>>, Trouble> {
    let mut response = client.execute(request).await.map_err(&classify)?;
    let mut body = Vec::new();
    loop {
        let is_whole =
            body.starts_with(b"{") && body.trim_ascii_end().ends_with(b"}") && body::is_json(&body);
        let next = match is_whole {
            // All has been said, and a server that does not end its answer is not waited for.
            true => match tokio::time::timeout(END, response.chunk()).await {
                Ok(next) => next,
                Err(_) => break,
            },
            false => response.chunk().await,
        };
        match next {
            Ok(Some(chunk)) if body.len() + chunk.len() > MAX_BODY => return Err(Trouble::TooLong),
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break,
            // What came is complete in itself: a server that counts its bytes wrongly has still said it.
            Err(_) if is_whole => break,
            Err(error) => return Err(classify(error)),
        }
    }
    let mut answer = Response::new(body);
    *answer.status_mut() = response.status();
    *answer.headers_mut() = std::mem::take(response.headers_mut());
    body::unwrap(&mut answer)?;
    Ok(answer)
}
