//! Which proxy a request goes through, as the environment says it: `HTTPS_PROXY`, else `ALL_PROXY`, unless
//! `NO_PROXY` names the server. A variable that cannot be used is an error that names it: going around a proxy
//! in silence would end in a time-out that nobody understands.

use std::fmt;
use std::net::IpAddr;

use url::Url;

use super::Trouble;
use crate::target::Target;

/// A proxy, and the variable that names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    variable: &'static str,
    authority: String,
    secret: Address,
}

/// The whole address, with the password in it.
#[derive(Clone, PartialEq, Eq)]
struct Address(String);

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[address]")
    }
}

/// `host:port (VARIABLE)`.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.authority, self.variable)
    }
}

const NAMED_BY: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

impl Proxy {
    /// The proxy for requests to `target`; nothing where there is none on the way.
    pub(super) fn for_target(
        target: &Target,
        env: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Proxy>, Trouble> {
        if target.is_loopback() {
            return Ok(None);
        }
        let Some((variable, value)) = NAMED_BY.iter().find_map(|name| Some((*name, env(name)?))) else {
            return Ok(None);
        };
        let exceptions = env("NO_PROXY").or_else(|| env("no_proxy")).unwrap_or_default();
        if is_excepted(&exceptions, target.host(), target.port().unwrap_or(443)) {
            return Ok(None);
        }
        Proxy::parse(variable, &value).map(Some)
    }

    fn parse(variable: &'static str, value: &str) -> Result<Proxy, Trouble> {
        let bad = |why| Trouble::BadProxy { variable, why };
        let value = value.trim();
        // As curl reads it: an address without a scheme is an HTTP proxy.
        let whole = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
        let (scheme, rest) = whole.split_once("://").unwrap_or_default();
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            // What GNOME and KDE write; the name of the server is the proxy's to find, as it is in browsers.
            "socks" => "socks5h".to_owned(),
            known @ ("http" | "https" | "socks4" | "socks4a" | "socks5" | "socks5h") => known.to_owned(),
            _ => return Err(bad("its scheme is none of http, https, socks5h, socks5, socks4a, socks4")),
        };
        let url = Url::parse(&format!("{scheme}://{rest}")).map_err(|_| bad("it is not an address"))?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| bad("it names no host"))?;
        let port = url.port_or_known_default().unwrap_or(1080);
        let printable = |c: char| c.is_ascii_graphic();
        let host: String = host.chars().filter(|c| printable(*c)).collect();
        Ok(Proxy { variable, authority: format!("{host}:{port}"), secret: Address(url.into()) })
    }

    /// Whether a name that cannot be found is the server's: the proxy is known by its number, and it is we who look
    /// names up for it.
    pub(super) fn leaves_names_to_us(&self) -> bool {
        let Ok(url) = Url::parse(&self.secret.0) else { return false };
        let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        matches!(url.scheme(), "socks4" | "socks5") && host.parse::<IpAddr>().is_ok()
    }

    pub(super) fn for_reqwest(&self) -> Result<reqwest::Proxy, Trouble> {
        let why = "it is not an address";
        reqwest::Proxy::all(&self.secret.0).map_err(|_| Trouble::BadProxy { variable: self.variable, why })
    }
}

/// `NO_PROXY` as curl, wget and Go read it: names with all that is below them (`example.com`, `.example.com`,
/// `*.example.com`), addresses, networks (`10.0.0.0/8`), each with a port where it is meant for that port alone,
/// and `*`.
fn is_excepted(list: &str, host: &str, port: u16) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    let address = host.parse::<IpAddr>().ok();
    list.split(|c: char| c == ',' || c.is_whitespace()).filter(|entry| !entry.is_empty()).any(|entry| {
        let entry = entry.to_ascii_lowercase();
        let (name, only) = with_port(&entry);
        if only.is_some_and(|only| only != port) {
            return false;
        }
        if name == "*" {
            return true;
        }
        if let Some(address) = address {
            return name.parse() == Ok(address) || in_network(name, address);
        }
        let name = name.trim_start_matches('*').trim_start_matches('.').trim_end_matches('.');
        !name.is_empty() && (host == name || host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.')))
    })
}

fn with_port(entry: &str) -> (&str, Option<u16>) {
    if let Some((address, after)) = entry.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (address, after.strip_prefix(':').and_then(|port| port.parse().ok()));
    }
    match entry.split_once(':') {
        // More than one colon is an IPv6 address.
        Some((name, port)) if !port.contains(':') => match port.parse() {
            Ok(port) => (name, Some(port)),
            Err(_) => (entry, None),
        },
        _ => (entry, None),
    }
}

fn in_network(network: &str, address: IpAddr) -> bool {
    let Some((base, length)) = network.split_once('/') else { return false };
    let (Ok(base), Ok(length)) = (base.parse::<IpAddr>(), length.parse::<u32>()) else { return false };
    let same =
        |a: u128, b: u128, bits: u32| length <= bits && (length == 0 || (a ^ b) >> (bits - length) == 0);
    match (base, address) {
        (IpAddr::V4(base), IpAddr::V4(address)) => same(base.to_bits().into(), address.to_bits().into(), 32),
        (IpAddr::V6(base), IpAddr::V6(address)) => same(base.to_bits(), address.to_bits(), 128),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(url: &str, variables: &[(&str, &str)]) -> Result<Option<String>, Trouble> {
        let env = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        let found = Proxy::for_target(&Target::from_url(url).unwrap(), env)?;
        Ok(found.map(|proxy| format!("{} {proxy}", proxy.secret.0.split_once(':').unwrap().0)))
    }

    #[test]
    fn each_spelling_of_a_proxy_is_understood_or_named() {
        for (value, meant) in [
            ("http://proxy:3128", "http proxy:3128 (HTTPS_PROXY)"),
            ("proxy:3128", "http proxy:3128 (HTTPS_PROXY)"),
            ("HTTP://proxy", "http proxy:80 (HTTPS_PROXY)"),
            ("https://u:p@proxy:3129/", "https proxy:3129 (HTTPS_PROXY)"),
            ("socks5h://127.0.0.1:1080", "socks5h 127.0.0.1:1080 (HTTPS_PROXY)"),
            ("socks5://127.0.0.1", "socks5 127.0.0.1:1080 (HTTPS_PROXY)"),
            ("socks://127.0.0.1:1080/", "socks5h 127.0.0.1:1080 (HTTPS_PROXY)"),
            ("http://[::1]:3128", "http [::1]:3128 (HTTPS_PROXY)"),
        ] {
            let found = proxy("https://seqera.example", &[("HTTPS_PROXY", value)]);
            assert_eq!(found, Ok(Some(meant.to_owned())), "{value}");
        }
        for bad in
            ["ftp://proxy", "http://", "http://a b", "htp://proxy:1", "http://proxy:99999", "socks5://"]
        {
            let found = proxy("https://seqera.example", &[("ALL_PROXY", bad)]);
            let Err(Trouble::BadProxy { variable, .. }) = found else { panic!("{bad}: {found:?}") };
            assert_eq!(variable, "ALL_PROXY");
        }
        assert!(!format!("{:?}", Proxy::parse("ALL_PROXY", "http://u:hunter2@proxy")).contains("hunter2"));
    }

    #[test]
    fn loopback_and_exceptions_go_past_every_proxy() {
        let with = |list| {
            let variables = [("all_proxy", "http://proxy:1"), ("no_proxy", list)];
            move |url: &str| proxy(url, &variables).unwrap().is_none()
        };
        assert!(
            with("")("http://127.0.0.1:9") && with("")("https://localhost") && !with("")("https://a.example")
        );
        for list in [
            "*",
            "seqera.example",
            ".seqera.example",
            "*.seqera.example",
            "x, Seqera.Example ,y",
            "*.example",
            "a.seqera.example:8443",
            "seqera.example:8443 other",
            "*:8443",
        ] {
            assert!(with(list)("https://a.seqera.example:8443"), "{list}");
        }
        for list in [
            "qera.example",
            "b.seqera.example",
            "seqera.example:443",
            "a.seqera.example.com",
            "http:",
            "10.0.0.0/8",
        ] {
            assert!(!with(list)("https://a.seqera.example:8443"), "{list}");
        }
        for list in ["10.1.2.3", "10.0.0.0/8", "10.1.2.3:443", "0.0.0.0/0"] {
            assert!(with(list)("https://10.1.2.3"), "{list}");
        }
        for list in ["10.1.2.4", "11.0.0.0/8", "10.1.2.3:80", "10.1.2.0/99", "::/0"] {
            assert!(!with(list)("https://10.1.2.3"), "{list}");
        }
        assert!(with("[fd00::1]:443")("https://[fd00::1]") && with("fd00::/8")("https://[fd00::1]"));
    }
}
