//! Requests and answers of any size and length, as the relay passes them on.

use std::time::Duration;

use url::Url;

use super::{Failure, Place, Proxy, Trouble, trust};
use crate::os::env::env_text;
use crate::target::Target;

/// A client for one server. What [`Http`](super::Http) promises of TLS, proxies and redirects holds; only a
/// connection that does not come about has a deadline. Must be used inside an async runtime.
pub struct Streaming {
    client: reqwest::Client,
    proxy: Option<Proxy>,
}

impl Streaming {
    /// A client for the server of `base`, with the proxy that the environment names for it.
    ///
    /// # Errors
    /// The proxy or the certificates cannot be used; the server is neither https nor on this machine.
    pub fn to(base: &Url) -> Result<Streaming, Failure> {
        Streaming::build(base).map_err(|trouble| Failure::new(Place::of(base), trouble))
    }

    fn build(base: &Url) -> Result<Streaming, Trouble> {
        let target = Target::from_url(base.as_str()).ok_or(Trouble::BadRequest)?;
        if !target.is_private_enough() {
            return Err(Trouble::InTheClear);
        }
        let proxy = Proxy::for_target(&target, env_text)?;
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(trust::config()?)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(10))
            // Many servers close a connection that waits for five seconds.
            .pool_idle_timeout(Duration::from_secs(4))
            .no_proxy();
        let builder = match &proxy {
            Some(proxy) => builder.proxy(proxy.for_reqwest()?),
            None => builder,
        };
        let client = builder.build().map_err(|_| Trouble::Certificates)?;
        Ok(Streaming { client, proxy })
    }

    /// Sends a request; the answer's body comes as it comes.
    pub async fn execute(&self, request: reqwest::Request) -> Result<reqwest::Response, Trouble> {
        let answer = self.client.execute(request).await;
        answer.map_err(|error| Trouble::classify(&error, self.proxy.as_ref()))
    }
}
