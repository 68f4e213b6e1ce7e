//! What stands between here and the servers: proxies.

use url::Url;

use super::Finding;
use crate::os::env::env_text;

/// The variables that name a proxy, as every program reads them.
const NAMES: [&str; 6] = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/// Looks at them. What is in front of the host may be a password, and is not shown.
pub fn look(findings: &mut Vec<Finding>) {
    const ABOUT: &str = "proxy";
    for name in NAMES {
        let Some(value) = env_text(name) else { continue };
        let url = Url::parse(&value).ok().filter(|url| url.host_str().is_some());
        let url = url.or_else(|| Url::parse(&format!("http://{value}")).ok());
        findings.push(
            match url.as_ref().and_then(|url| Some((url.host_str()?, url.port_or_known_default()))) {
                Some((host, port)) => {
                    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
                    Finding::ok(ABOUT, format!("{name} sends requests through {host}{port}"))
                }
                None => Finding::wrong(ABOUT, format!("{name} is not the address of a proxy"))
                    .next(format!("correct it, or: unset {name}")),
            },
        );
    }
}
