//! Where requests come in, and whom their `Host` has to name.

use http::header::HOST;
use http::{HeaderMap, StatusCode, Uri};

use super::refusal::Refusal;
use crate::target::Target;

/// Where requests come in.
#[derive(Debug, Clone, Copy)]
pub enum Door {
    /// At a port of this machine.
    Port(u16),
    /// At a socket, which may be forwarded from any port of another machine.
    Socket,
}

impl Door {
    /// Whether the request was meant for this relay: a page of another site that reaches the port under a name of
    /// its own (DNS rebinding), or who takes us for a proxy, was not.
    pub fn must_be_meant(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        let mut hosts = headers.get_all(HOST).iter();
        let host = match (hosts.next(), hosts.next()) {
            (Some(host), None) => host.to_str().ok(),
            _ => None,
        };
        let is_here = |authority: &str| {
            let target = Target::new("http", authority);
            target.is_some_and(|target| match self {
                Door::Port(port) => {
                    matches!(target.host(), "127.0.0.1" | "localhost") && target.port().unwrap_or(80) == *port
                }
                Door::Socket => target.is_loopback(),
            })
        };
        let is_meant = host.is_some_and(is_here)
            && uri.authority().is_none_or(|authority| is_here(authority.as_str()))
            && uri.scheme_str().is_none_or(|scheme| scheme == "http");
        match is_meant {
            true => Ok(()),
            false => Err(Refusal::new(
                StatusCode::MISDIRECTED_REQUEST,
                "the request is for another host than this relay",
            )),
        }
    }
}
