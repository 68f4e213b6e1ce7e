//! What a credential is for: parsed once, compared exactly.

use std::fmt;

/// Scheme, host and port of a server, in one canonical spelling: ASCII lower case, the scheme's default port
/// left out. Two targets are the same place exactly when they are equal; nothing is ever matched by suffix.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Target {
    scheme: String,
    host: String,
    port: Option<u16>,
}

impl Target {
    /// Parses a scheme and a `host[:port]` as they stand in a URL. Nothing is answered for a host that no
    /// honest client sends: user information, percent signs, spaces, control or non-ASCII characters, a
    /// trailing dot, an empty label. Such spellings have been used to make one host look like another.
    pub fn new(scheme: &str, authority: &str) -> Option<Target> {
        let scheme = scheme.to_ascii_lowercase();
        let scheme_ok = scheme.starts_with(|c: char| c.is_ascii_lowercase())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
        if !scheme_ok || scheme.len() > 32 {
            return None;
        }
        let (host, port) = split_port(authority)?;
        let host = host.to_ascii_lowercase();
        if !is_host(&host) {
            return None;
        }
        let port = match port {
            Some(port) => Some(parse_port(port)?).filter(|port| default_port(&scheme) != Some(*port)),
            None => None,
        };
        Some(Target { scheme, host, port })
    }

    /// Parses an absolute URL without user information; what follows the authority is ignored.
    pub fn from_url(url: &str) -> Option<Target> {
        let (scheme, rest) = url.split_once("://")?;
        Target::new(scheme, rest.split(['/', '?', '#']).next()?)
    }

    /// The scheme, in lower case.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The host, in lower case; an IPv6 address in its brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, where it is not the scheme's default.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// `host` or `host:port`.
    pub fn authority(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }

    /// Whether the host is this machine by address (`127.0.0.0/8`, `::1`) or by the name `localhost`.
    pub fn is_loopback(&self) -> bool {
        let address = self.host.trim_start_matches('[').trim_end_matches(']');
        self.host == "localhost" || address.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    /// Whether a provider's token may travel to it at all: over `https`, or in the clear only to this machine.
    pub fn is_private_enough(&self) -> bool {
        self.scheme == "https" || (self.scheme == "http" && self.is_loopback())
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority())
    }
}

fn split_port(authority: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (address, after) = rest.split_once(']')?;
        let host = &authority[..address.len() + 2];
        return match after {
            "" => Some((host, None)),
            _ => Some((host, Some(after.strip_prefix(':')?))),
        };
    }
    match authority.split_once(':') {
        Some((host, port)) => Some((host, Some(port))),
        None => Some((authority, None)),
    }
}

fn parse_port(port: &str) -> Option<u16> {
    let digits = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| port.parse().ok()).flatten().filter(|port| *port != 0)
}

fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[') {
        return address.strip_suffix(']').is_some_and(|a| a.parse::<std::net::Ipv6Addr>().is_ok());
    }
    host.len() <= 253
        && host.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        })
}

/// The port a scheme has when none is named, for the schemes git sends.
fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "https" => Some(443),
        "http" => Some(80),
        "ssh" => Some(22),
        "smtp" => Some(25),
        "imap" => Some(143),
        "imaps" => Some(993),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn https(authority: &str) -> Option<String> {
        Target::new("https", authority).map(|target| target.to_string())
    }

    #[test]
    fn spellings_of_one_place_are_equal() {
        for same in ["example.com", "EXAMPLE.com", "example.com:443", "Example.Com:0443"] {
            assert_eq!(https(same).as_deref(), Some("https://example.com"), "{same}");
        }
        assert_eq!(https("[::1]:8443").as_deref(), Some("https://[::1]:8443"));
        assert_eq!(Target::new("HTTP", "h:80"), Target::new("http", "h"));
        assert_ne!(Target::new("http", "h"), Target::new("https", "h"));
        assert_ne!(https("h:8443"), https("h"));
    }

    #[test]
    fn look_alikes_are_no_host_at_all() {
        for bad in [
            "", ".", "example.com.", ".example.com", "a..b", "user@example.com", "example.com@evil.example",
            "example%2ecom", "example\\.com", "exa mple.com", "münchen.example", "example.com:", "example.com:x",
            "example.com:0", "example.com:99999", "example.com:1:2", "example.com/evil", "[::1", "[::1]x", "[zz]",
            "example.com:+443", "a\nb", "a\rb", "a\0b",
        ] {
            assert_eq!(https(bad), None, "{bad:?}");
        }
        for scheme in ["", "1http", "ht tp", "https:", "ht\ntp"] {
            assert_eq!(Target::new(scheme, "example.com"), None, "{scheme:?}");
        }
    }

    #[test]
    fn only_loopback_may_be_in_the_clear() {
        let open = |url: &str| Target::from_url(url).unwrap().is_private_enough();
        assert!(open("https://example.com/x"));
        assert!(open("http://127.0.0.1:5000/x"));
        assert!(open("http://[::1]:5000"));
        assert!(open("http://localhost:1"));
        assert!(!open("http://example.com"));
        assert!(!open("http://127.0.0.1.evil.example"));
        assert!(!open("ftp://localhost"));
    }
}
