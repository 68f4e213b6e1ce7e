//! The Platform on loopback: a Seqera Platform and a Sekuire backend that behave like the real ones as far as a
//! client can see, and misbehave to order.
//!
//! ```no_run
//! let platform = Platform::start();
//! platform.fault_next(1, Endpoint::Token, Fault::HangupAfterwards);
//! // … run a program against platform.api() …
//! assert_eq!(platform.count(Endpoint::Token), 1);
//! assert!(!platform.family_burnt());
//! ```
//!
//! What is behind which door: `oidc` and `device` are the OpenID provider with `grants` as its memory of tokens, `api`
//! the Platform's own API, `sekuire` the other provider; `requests` writes down every request and carries out the
//! `faults`; `people` says who has an account; `wire` is the sockets and `http` a client that plays the browser.

// Tests, the example and the tour each use another part of it.
#![allow(dead_code)]

pub mod ai;
mod api;
mod device;
pub mod faults;
mod grants;
pub mod http;
mod oidc;
mod page;
pub mod people;
mod requests;
mod sekuire;
mod state;
mod wire;

#[cfg(test)]
mod tests;

use std::net::TcpListener;
use std::sync::mpsc;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::any;
use url::Url;

pub use faults::{Endpoint, Fault};
pub use grants::Standing;
pub use requests::Request;
pub use state::World;

use state::Shared;

/// A running Platform; it stops when dropped.
pub struct Platform {
    world: Shared,
    _server: wire::Server,
}

impl Platform {
    /// Starts one with the default people and settings, on a free port of 127.0.0.1.
    pub fn start() -> Platform {
        Platform::start_on(0)
    }

    /// The same on a given port.
    pub fn start_on(port: u16) -> Platform {
        let platform = TcpListener::bind(("127.0.0.1", port))
            .unwrap_or_else(|error| panic!("cannot listen on 127.0.0.1:{port}: {error}"));
        let sekuire = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = |listener: &TcpListener| format!("http://{}", listener.local_addr().unwrap());
        let world = Shared::new(World::new(origin(&platform), origin(&sekuire)));
        let services = vec![(platform, platform_routes(&world)), (sekuire, sekuire_routes(&world))];
        Platform { world, _server: wire::Server::start(services) }
    }

    /// The origin, where the web pages are: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.world.lock().origin.clone()
    }

    /// The base of the API and of discovery: `http://127.0.0.1:PORT/api`.
    pub fn api(&self) -> String {
        self.world.lock().api()
    }

    /// Sekuire's backend, an origin of its own.
    pub fn sekuire(&self) -> String {
        self.world.lock().sekuire_origin.clone()
    }

    /// Looks at anything or changes anything: settings, people, keys. No request is answered meanwhile.
    pub fn world<R>(&self, look: impl FnOnce(&mut World) -> R) -> R {
        look(&mut self.world.lock())
    }

    /// Takes an endpoint away: 404, and not in discovery.
    pub fn without(&self, endpoint: Endpoint) {
        self.world(|world| world.settings.absent.push(endpoint));
    }

    /// Signs the browser in with another account: `ada` (two organizations), `grace` (one) or `alan` (none).
    pub fn sign_in(&self, name: &str) {
        self.world(|world| world.people.sign_in(name));
    }

    // Faults

    /// Orders a fault for every request at an endpoint until [`Platform::clear_faults`].
    pub fn fault(&self, endpoint: Endpoint, fault: Fault) {
        self.world(|world| world.faults.order(endpoint, fault, None));
    }

    /// Orders a fault for the next `times` requests at an endpoint, after those ordered before.
    pub fn fault_next(&self, times: u32, endpoint: Endpoint, fault: Fault) {
        self.world(|world| world.faults.order(endpoint, fault, Some(times)));
    }

    /// Takes all orders back.
    pub fn clear_faults(&self) {
        self.world(|world| world.faults.clear());
    }

    /// Whether every fault ordered with [`Platform::fault_next`] has happened.
    pub fn all_faults_happened(&self) -> bool {
        self.world(|world| world.faults.all_happened())
    }

    // What was asked

    /// Every request so far, in the order of arrival.
    pub fn requests(&self) -> Vec<Request> {
        self.world(|world| world.requests.all())
    }

    /// How many requests came to an endpoint.
    pub fn count(&self, endpoint: Endpoint) -> usize {
        self.requests().iter().filter(|request| request.endpoint == endpoint).count()
    }

    /// How many requests with that `grant_type` came to the token endpoint.
    pub fn count_grant(&self, grant: &str) -> usize {
        self.requests().iter().filter(|request| request.grant.as_deref() == Some(grant)).count()
    }

    /// Every request from now on, as it is answered or left without an answer. There is one watcher at a time.
    pub fn watch(&self) -> mpsc::Receiver<Request> {
        self.world(|world| world.requests.watch())
    }

    // What was issued

    /// Every code, token and key that ever left the server. None of them may be found where it does not belong.
    pub fn issued_secrets(&self) -> Vec<String> {
        self.world(|world| world.issued())
    }

    /// How each login stands, oldest first.
    pub fn standings(&self) -> Vec<Standing> {
        self.world(|world| world.grants.standings())
    }

    /// Whether any login was ended because a token or a code was used twice.
    pub fn family_burnt(&self) -> bool {
        self.standings().contains(&Standing::Burnt)
    }

    /// Ends every access token issued so far. The clients do not know: what they were told stays in their memory.
    pub fn expire_access_tokens(&self) {
        self.world(|world| world.grants.expire_access_tokens());
    }

    /// Ends every refresh token issued so far, as if nobody had come for 6 hours.
    pub fn expire_refresh_tokens(&self) {
        self.world(|world| world.grants.expire_refresh_tokens());
    }

    /// Ends every device code issued so far.
    pub fn expire_device_codes(&self) {
        self.world(|world| {
            world.devices.iter_mut().for_each(|device| device.expires = std::time::Instant::now())
        });
    }

    /// Ends every login, as an administrator could.
    pub fn revoke_all(&self) {
        self.world(|world| world.grants.revoke_all());
    }

    /// A personal access token of the signed-in user.
    pub fn personal_token(&self) -> String {
        self.world(api::give_personal_token)
    }

    /// The ids of the personal access tokens that still work.
    pub fn personal_token_ids(&self) -> Vec<i64> {
        self.world(|world| world.personal_tokens.iter().map(|token| token.id).collect())
    }

    /// A Sekuire key, `sk_test_…`, not yet bound to a device.
    pub fn sekuire_key(&self) -> String {
        self.world(|world| world.make_sekuire_key("sk_test_"))
    }

    // The person at the browser

    /// Opens the authorization address, presses Allow, and returns the address to which the browser is sent.
    pub fn approve(&self, authorize_url: &str) -> String {
        self.decide(authorize_url, "allow")
    }

    /// The same with Deny.
    pub fn deny(&self, authorize_url: &str) -> String {
        self.decide(authorize_url, "deny")
    }

    fn decide(&self, authorize_url: &str, decision: &str) -> String {
        let mut answer = http::get(authorize_url, &[]).unwrap();
        if answer.header("location").is_some_and(|location| location.starts_with(&self.api())) {
            // Consent was given before, and the page is left out.
            answer = http::get(answer.header("location").unwrap(), &[]).unwrap();
        } else if answer.status == 200 {
            let (_, rest) = answer.body.split_once(r#"name="request" value=""#).expect("the consent page");
            let (handle, _) = rest.split_once('"').unwrap();
            // The form's address is relative to the page, as a browser would take it.
            let form = Url::parse(authorize_url).unwrap().join("authorize/continue").unwrap();
            answer = http::post_form(form.as_str(), &[("request", handle), ("decision", decision)]).unwrap();
        }
        let location = answer.header("location").map(str::to_owned);
        location.unwrap_or_else(|| panic!("no redirect but {}: {}", answer.status, answer.body))
    }

    /// Types a device's code on the page and presses Allow.
    pub fn approve_device(&self, user_code: &str) {
        self.decide_device(user_code, "allow");
    }

    /// The same with Deny.
    pub fn deny_device(&self, user_code: &str) {
        self.decide_device(user_code, "deny");
    }

    fn decide_device(&self, user_code: &str, decision: &str) {
        let page = format!("{}/device", self.url());
        let answer = http::post_form(&page, &[("user_code", user_code), ("decision", decision)]).unwrap();
        assert_eq!(answer.status, 200, "no device waits with this code");
    }
}

fn platform_routes(world: &Shared) -> Router {
    oidc::routes(world)
        .merge(device::routes(world))
        .merge(api::routes(world))
        .fallback_service(nowhere(world))
        .with_state(world.clone())
}

fn sekuire_routes(world: &Shared) -> Router {
    sekuire::routes(world).fallback_service(nowhere(world)).with_state(world.clone())
}

/// 404 for everything else, written down like the rest.
fn nowhere(world: &Shared) -> axum::routing::MethodRouter {
    requests::at(world, Endpoint::Nowhere, any(async || StatusCode::NOT_FOUND)).with_state(world.clone())
}
