//! What can go wrong, to order: at one endpoint, for the next so many requests or until cleared.

use std::time::Duration;

use super::Platform;

/// A place of the Platform, or of Sekuire, at which requests are counted and faults can be ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    Discovery,
    Jwks,
    /// The consent page.
    Authorize,
    /// What the consent page's buttons post to; its answer is the redirect back to the client.
    Consent,
    Token,
    DeviceAuthorization,
    /// The page on which a person types the device's user code.
    DevicePage,
    Revocation,
    /// OpenID Connect's, not the Platform's own [`Endpoint::UserInfo`].
    OidcUserinfo,
    ServiceInfo,
    UserInfo,
    Organizations,
    Workspaces,
    PersonalTokens,
    /// The page on which a person makes a personal access token or a Sekuire key.
    TokensPage,
    SekuireVerify,
    SekuireMe,
    SekuireWorkspaces,
    SekuirePushToken,
    /// Any address that exists nowhere. [`Fault::RedirectElsewhere`] points there: nobody may follow.
    Nowhere,
}

/// One way to misbehave. What the server did before it misbehaved is part of the fault.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// Waits, then does the work. A client that leaves meanwhile has changed nothing.
    Slow(Duration),
    /// Does the work, waits, then answers: at the token endpoint, a slow server that has rotated already.
    SlowAfterwards(Duration),
    /// Does nothing and holds the connection without a word.
    Mute,
    /// Does the work (rotates, revokes, …) and then never says so.
    MuteAfterwards,
    /// Does nothing and closes the connection without a byte.
    Hangup,
    /// Does the work and closes the connection without a byte: at the token endpoint, "dropped after rotating".
    HangupAfterwards,
    /// 401, nothing in the body: what the Platform says to a bad token.
    Unauthorized,
    /// 403, nothing in the body.
    Forbidden,
    /// 403 with a message.
    ForbiddenWithMessage,
    /// 404, nothing in the body: at discovery, a server older than OIDC.
    NotFound,
    /// 429 with `Retry-After` in seconds.
    TooManyRequests { retry_after: u32 },
    /// 429 with `Retry-After` as a date, so many seconds from now.
    TooManyRequestsUntil { retry_after: u32 },
    /// 500 with the Platform's message.
    InternalError,
    /// 502 with a gateway's page of HTML.
    BadGateway,
    /// 503, nothing in the body.
    ServiceUnavailable,
    /// 200 with a page of HTML: a portal, or a web application that answers every path.
    HtmlPage,
    /// 200, `application/json`, cut off in the middle.
    InvalidJson,
    /// 200, valid JSON of 32 MiB.
    HugeBody,
    /// 307 to another origin, which would be given the form with the token in it.
    RedirectElsewhere,
    /// Token: the answer lacks `expires_in`.
    NoExpiresIn,
    /// Token: a refresh does not rotate and the answer lacks `refresh_token`.
    NoNewRefreshToken,
    /// Token: one poll for a device is told to slow down (RFC 8628, 3.5), and is held to it.
    SlowDown,
    /// Consent: the person says no, whatever the form says.
    Denied,
    /// Consent: the redirect carries another `state` than was sent.
    WrongState,
    /// Consent: the redirect carries the `iss` of another server (RFC 9207).
    WrongIss,
}

impl Fault {
    /// A fault ordered where it could never happen would make a test pass that proves nothing.
    fn can_happen_at(self, endpoint: Endpoint) -> bool {
        match self {
            Fault::NoExpiresIn | Fault::NoNewRefreshToken | Fault::SlowDown => endpoint == Endpoint::Token,
            Fault::Denied | Fault::WrongState | Fault::WrongIss => endpoint == Endpoint::Consent,
            _ => true,
        }
    }
}

/// The orders that are still to be carried out. A request takes the oldest one for its endpoint.
#[derive(Default)]
pub struct Faults(Vec<Order>);

struct Order {
    endpoint: Endpoint,
    fault: Fault,
    /// How many more requests; `None` is until cleared.
    left: Option<u32>,
}

impl Faults {
    pub fn order(&mut self, endpoint: Endpoint, fault: Fault, times: Option<u32>) {
        assert!(fault.can_happen_at(endpoint), "{fault:?} cannot happen at {endpoint:?}");
        assert_ne!(times, Some(0), "a fault for no request at all");
        self.0.push(Order { endpoint, fault, left: times });
    }

    pub fn take(&mut self, endpoint: Endpoint) -> Option<Fault> {
        let at = self.0.iter().position(|order| order.endpoint == endpoint)?;
        let order = &mut self.0[at];
        let fault = order.fault;
        if let Some(left) = &mut order.left {
            *left -= 1;
            if *left == 0 {
                self.0.remove(at);
            }
        }
        Some(fault)
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether every order that was for a number of requests has been carried out.
    pub fn all_happened(&self) -> bool {
        self.0.iter().all(|order| order.left.is_none())
    }
}

/// A fault, or a server set up in an unusual way, under the name by which a person orders it.
pub struct Named {
    pub name: &'static str,
    pub about: &'static str,
    pub order: fn(&Platform),
}

/// Everything that `--fault NAME` knows, in the order in which a login meets it.
pub const NAMED: &[Named] = &[
    named("no-oidc", "an older server: discovery answers 404", |p| {
        p.fault(Endpoint::Discovery, Fault::NotFound)
    }),
    named("html-discovery", "discovery answers 200 with a page of HTML", |p| {
        p.fault(Endpoint::Discovery, Fault::HtmlPage)
    }),
    named("other-issuer", "the issuer is not the address asked, as on the Cloud", |p| {
        let issuer = p.api().replace("127.0.0.1", "localhost");
        p.world(|world| world.settings.issuer = Some(issuer));
    }),
    named("no-device", "no device authorization", |p| p.without(Endpoint::DeviceAuthorization)),
    named("no-revocation", "no revocation", |p| p.without(Endpoint::Revocation)),
    named("fixed-port", "redirects to port 53682 only", |p| {
        p.world(|world| world.settings.redirect_port = Some(53682));
    }),
    named("clock-skew", "the server's clock is two hours ahead", |p| {
        p.world(|world| world.settings.clock_skew = 7200);
    }),
    named("denied", "every consent is refused", |p| p.fault(Endpoint::Consent, Fault::Denied)),
    named("wrong-state", "redirects with another state", |p| p.fault(Endpoint::Consent, Fault::WrongState)),
    named("wrong-iss", "redirects with another issuer", |p| p.fault(Endpoint::Consent, Fault::WrongIss)),
    named("slow-down", "devices are told to slow down", |p| p.fault(Endpoint::Token, Fault::SlowDown)),
    named("no-expiry", "tokens without expires_in", |p| p.fault(Endpoint::Token, Fault::NoExpiresIn)),
    named("no-rotation", "refresh gives no new refresh token", |p| {
        p.fault(Endpoint::Token, Fault::NoNewRefreshToken)
    }),
    named("short-lived", "access tokens live 30 seconds", |p| {
        p.world(|world| world.settings.access_lifetime = Duration::from_secs(30));
    }),
    named("token-redirect", "the token endpoint redirects to another origin", |p| {
        p.fault(Endpoint::Token, Fault::RedirectElsewhere)
    }),
    named("dropped-after-rotating", "the next token request is carried out and never answered", |p| {
        p.fault_next(1, Endpoint::Token, Fault::HangupAfterwards)
    }),
    named("slow", "the token endpoint takes 5 seconds", |p| {
        p.fault(Endpoint::Token, Fault::Slow(Duration::from_secs(5)))
    }),
    named("mute", "the token endpoint never answers", |p| p.fault(Endpoint::Token, Fault::Mute)),
    named("429", "the token endpoint wants you to come back in 7 seconds", |p| {
        p.fault(Endpoint::Token, Fault::TooManyRequests { retry_after: 7 })
    }),
    named("500", "the token endpoint fails", |p| p.fault(Endpoint::Token, Fault::InternalError)),
    named("502", "a gateway's page of HTML instead of the token endpoint", |p| {
        p.fault(Endpoint::Token, Fault::BadGateway)
    }),
    named("invalid-json", "the token endpoint's JSON is cut off", |p| {
        p.fault(Endpoint::Token, Fault::InvalidJson)
    }),
    named("huge-body", "the token endpoint sends 32 MiB", |p| p.fault(Endpoint::Token, Fault::HugeBody)),
    named("user-info-403", "/user-info answers 403 without a body", |p| {
        p.fault(Endpoint::UserInfo, Fault::Forbidden)
    }),
    named("hostile-names", "organizations whose names do harm", |p| {
        p.world(|world| world.people.make_names_hostile());
    }),
    named("sekuire-down", "Sekuire's backend answers 503", |p| {
        p.fault(Endpoint::SekuireVerify, Fault::ServiceUnavailable);
        p.fault(Endpoint::SekuireMe, Fault::ServiceUnavailable);
        p.fault(Endpoint::SekuireWorkspaces, Fault::ServiceUnavailable);
        p.fault(Endpoint::SekuirePushToken, Fault::ServiceUnavailable);
    }),
    named("sekuire-plan", "Sekuire answers 402, the plan's limit", |p| {
        p.world(|world| world.sekuire.plan_limit = true);
    }),
];

const fn named(name: &'static str, about: &'static str, order: fn(&Platform)) -> Named {
    Named { name, about, order }
}
