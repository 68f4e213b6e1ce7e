//! git's credential protocol: gitcredentials(7), git-credential(1).
//!
//! Input is hostile: a URL in a `.gitmodules` decides what git sends. What honest versions of git never send,
//! and what has been used to smuggle one host's request under another's (CVE-2020-5260, CVE-2020-11008,
//! CVE-2024-50338, CVE-2024-52006), is refused whole.

use std::borrow::Cow;
use std::str;

use zeroize::Zeroizing;

use crate::broker::ServerId;
use crate::secret::Secret;
use crate::target::Target;

/// The longest line, its end included (git's own limit).
const LINE: usize = 65_536;

/// What git asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// A credential for the request.
    Get,
    /// Keep the credential in the request.
    Store,
    /// Forget what matches the request.
    Erase,
    /// Which extensions we speak.
    Capability,
}

impl Operation {
    /// The operation with this name; git wants all others ignored.
    pub fn from_name(name: &str) -> Option<Operation> {
        match name {
            "get" => Some(Operation::Get),
            "store" => Some(Operation::Store),
            "erase" => Some(Operation::Erase),
            "capability" => Some(Operation::Capability),
            _ => None,
        }
    }
}

/// What a request says. A key that was not sent is `None`; one that was sent empty is empty.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Where to; `None` where protocol or host is missing, which must match nothing.
    pub server: Option<ServerId>,
    /// The path at that place, where git was told to send it.
    pub path: Option<Secret>,
    /// A filter in `get` and `erase`. A secret, since some put tokens there.
    pub username: Option<Secret>,
    /// The password.
    pub password: Option<Secret>,
    /// When it ends, in seconds since 1970.
    pub password_expiry_utc: Option<u64>,
    /// Kept with the password and handed back.
    pub oauth_refresh_token: Option<Secret>,
    /// The scheme of an `Authorization` header.
    pub authtype: Option<Secret>,
    /// The rest of that header.
    pub credential: Option<Secret>,
    /// Not to be kept.
    pub ephemeral: bool,
    /// Whether the client understands `authtype` and `credential`.
    pub can_authtype: bool,
    /// What the server offers, one `WWW-Authenticate` header each.
    pub wwwauth: Vec<Secret>,
}

/// Why a request is refused whole. No part of the input is in the words: it may be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// A line longer than git allows.
    LongLine,
    /// A NUL, or a carriage return that does not end a line.
    Control,
    /// A key twice, or a `url` that contradicts the other keys.
    Contradiction,
}

impl Refused {
    /// For a person.
    pub fn words(self) -> &'static str {
        match self {
            Refused::LongLine => "the request has a line longer than git allows",
            Refused::Control => "the request has a control character that git never sends",
            Refused::Contradiction => "the request contradicts itself",
        }
    }
}

/// Parses a request: `key=value` lines up to an empty line or the end.
pub fn parse(input: &[u8]) -> Result<Request, Refused> {
    let mut raw = Raw::default();
    for line in input.split_inclusive(|byte| *byte == b'\n') {
        // As git ends a line (`strbuf_getline`): a carriage return belongs to the end only before a newline.
        let line = line.strip_suffix(b"\n").map_or(line, |line| line.strip_suffix(b"\r").unwrap_or(line));
        if line.len() >= LINE {
            return Err(Refused::LongLine);
        }
        if line.iter().any(|byte| matches!(byte, 0 | b'\r')) {
            return Err(Refused::Control);
        }
        if line.is_empty() {
            break;
        }
        if let Some(equals) = line.iter().position(|byte| *byte == b'=') {
            raw.take(&line[..equals], &line[equals + 1..])?;
        }
    }
    raw.finish()
}

/// The lines of a request before they mean anything.
#[derive(Default)]
struct Raw<'a> {
    protocol: Option<Cow<'a, [u8]>>,
    host: Option<Cow<'a, [u8]>>,
    url: Option<&'a [u8]>,
    ephemeral: Option<&'a [u8]>,
    expiry: Option<&'a [u8]>,
    request: Request,
}

impl<'a> Raw<'a> {
    fn take(&mut self, key: &'a [u8], value: &'a [u8]) -> Result<(), Refused> {
        let request = &mut self.request;
        match key {
            b"protocol" => once(&mut self.protocol, value.into()),
            b"host" => once(&mut self.host, value.into()),
            b"url" => once(&mut self.url, value),
            b"ephemeral" => once(&mut self.ephemeral, value),
            b"password_expiry_utc" => once(&mut self.expiry, value),
            b"path" => once(&mut request.path, Secret::new(value)),
            b"username" => once(&mut request.username, Secret::new(value)),
            b"password" => once(&mut request.password, Secret::new(value)),
            b"oauth_refresh_token" => once(&mut request.oauth_refresh_token, Secret::new(value)),
            b"authtype" => once(&mut request.authtype, Secret::new(value)),
            b"credential" => once(&mut request.credential, Secret::new(value)),
            // An empty value takes back what the list held so far.
            b"capability[]" => {
                request.can_authtype = !value.is_empty() && (request.can_authtype || value == b"authtype");
                Ok(())
            }
            b"wwwauth[]" => {
                match value {
                    b"" => request.wwwauth.clear(),
                    _ => request.wwwauth.push(Secret::new(value)),
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn finish(mut self) -> Result<Request, Refused> {
        let text = |bytes: Option<&'a [u8]>| bytes.and_then(|bytes| str::from_utf8(bytes).ok());
        if let Some(url) = self.url {
            self.take_url(url)?;
        }
        self.request.server = self.server();
        // git takes 0, and what is not a number, for "no end".
        self.request.password_expiry_utc =
            text(self.expiry).and_then(|text| text.parse().ok()).filter(|seconds| *seconds > 0);
        self.request.ephemeral = self.ephemeral.is_some_and(is_true);
        Ok(self.request)
    }

    /// Without a host there is only a path to tell one from another (a client certificate's file); without both, or
    /// without a protocol, the request means nothing.
    fn server(&self) -> Option<ServerId> {
        let protocol = self.protocol.as_deref().filter(|protocol| !protocol.is_empty())?;
        let has_path = self.request.path.as_ref().is_some_and(|path| !path.is_empty());
        let host = self.host.as_deref().or(has_path.then_some(&b""[..]))?;
        let known = match (str::from_utf8(protocol), str::from_utf8(host)) {
            (Ok(protocol), Ok(host)) => Target::new(protocol, host),
            _ => None,
        };
        let verbatim = || ServerId::Verbatim { protocol: protocol.to_vec(), host: host.to_vec() };
        Some(known.map_or_else(verbatim, ServerId::Known))
    }

    /// gitoxide sends the URL beside what it consists of; both must say the same.
    fn take_url(&mut self, url: &'a [u8]) -> Result<(), Refused> {
        let Some(at) = find(url, b"://") else { return Err(Refused::Contradiction) };
        let (protocol, rest) = (&url[..at], &url[at + 3..]);
        let end = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
        let (authority, path) = (&rest[..end], rest.get(end + 1..).unwrap_or_default());
        let host = match authority.iter().rposition(|byte| *byte == b'@') {
            Some(at) => {
                let info = &authority[..at];
                let user = info.split(|byte| *byte == b':').next().unwrap_or(info);
                agree(&mut self.request.username, Secret::new(percent_decoded(user)?))?;
                &authority[at + 1..]
            }
            None => authority,
        };
        agree(&mut self.protocol, protocol.into())?;
        agree(&mut self.host, percent_decoded(host)?.into())?;
        // Of web servers the path counts only where it is sent by itself: gitoxide always has it in the URL.
        let is_web = protocol.eq_ignore_ascii_case(b"https") || protocol.eq_ignore_ascii_case(b"http");
        match path {
            b"" => Ok(()),
            _ if is_web && self.request.path.is_none() => Ok(()),
            _ => agree(&mut self.request.path, Secret::new(percent_decoded(path)?)),
        }
    }
}

fn once<T>(place: &mut Option<T>, value: T) -> Result<(), Refused> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(Refused::Contradiction),
    }
}

fn agree<T: PartialEq>(place: &mut Option<T>, value: T) -> Result<(), Refused> {
    match place {
        Some(said) if *said != value => Err(Refused::Contradiction),
        _ => {
            *place = Some(value);
            Ok(())
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// As git decodes a part of a URL; what could not stand on a line of git's is refused.
fn percent_decoded(bytes: &[u8]) -> Result<Vec<u8>, Refused> {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        let escaped = match (first, tail) {
            (b'%', [high, low, ..]) => {
                str::from_utf8(&[*high, *low]).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok())
            }
            _ => None,
        };
        decoded.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    if decoded.iter().any(|byte| matches!(byte, 0 | b'\n' | b'\r')) {
        return Err(Refused::Control);
    }
    Ok(decoded)
}

/// A git boolean: git-config(1), "Values".
fn is_true(value: &[u8]) -> bool {
    let value = value.to_ascii_lowercase();
    matches!(value.as_slice(), b"true" | b"yes" | b"on") || value.iter().any(|b| (b'1'..=b'9').contains(b))
}

/// What we answer to `get`.
#[derive(Debug, Default)]
pub struct Answer<'a> {
    /// The user name.
    pub username: Option<&'a Secret>,
    /// The password.
    pub password: Option<&'a Secret>,
    /// When it ends, in seconds since 1970.
    pub password_expiry_utc: Option<u64>,
    /// Kept with the password.
    pub oauth_refresh_token: Option<&'a Secret>,
    /// The scheme and the rest of an `Authorization` header; only for a client that can take it.
    pub header: Option<(&'a Secret, &'a Secret)>,
    /// Ask the client not to keep it.
    pub ephemeral: bool,
}

impl Answer<'_> {
    /// The lines to print; nothing at all where a value cannot stand on a line.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut lines = Lines::default();
        if let Some((scheme, credential)) = self.header {
            lines.add("capability[]", b"authtype");
            lines.add("authtype", scheme.expose());
            lines.add("credential", credential.expose());
            if self.ephemeral {
                lines.add("ephemeral", b"1");
            }
        }
        for (key, value) in [("username", self.username), ("password", self.password)] {
            if let Some(value) = value {
                lines.add(key, value.expose());
            }
        }
        if let Some(expiry) = self.password_expiry_utc {
            lines.add("password_expiry_utc", expiry.to_string().as_bytes());
        }
        if let Some(refresh) = self.oauth_refresh_token {
            lines.add("oauth_refresh_token", refresh.expose());
        }
        lines.finish()
    }
}

/// What we answer to `capability`.
pub const CAPABILITIES: &[u8] = b"version 0\ncapability authtype\n";

#[derive(Default)]
struct Lines {
    bytes: Zeroizing<Vec<u8>>,
    broken: bool,
}

impl Lines {
    fn add(&mut self, key: &str, value: &[u8]) {
        self.broken |= value.iter().any(|byte| matches!(byte, 0 | b'\r' | b'\n'));
        self.bytes.extend_from_slice(key.as_bytes());
        self.bytes.push(b'=');
        self.bytes.extend_from_slice(value);
        self.bytes.push(b'\n');
    }

    fn finish(self) -> Zeroizing<Vec<u8>> {
        if self.broken { Zeroizing::default() } else { self.bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(input: &str) -> Option<String> {
        parse(input.as_bytes()).unwrap().server?.target().map(|target| target.to_string())
    }

    #[test]
    fn what_git_sends_is_understood() {
        let request = parse(
            b"capability[]=authtype\ncapability[]=state\nprotocol=https\nhost=example.com:8443\npath=a/b.git\n\
              username=alice\npassword=p=q\npassword_expiry_utc=1800000000\noauth_refresh_token=r\n\
              wwwauth[]=Bearer realm=\"x\"\nwwwauth[]=Basic\nephemeral=1\nfoo[]=\nfoo=bar\n=x\nno equals\n",
        )
        .unwrap();
        assert_eq!(request.server.unwrap().target().unwrap().to_string(), "https://example.com:8443");
        assert_eq!(request.path.unwrap().expose(), b"a/b.git");
        assert_eq!(request.username.unwrap().expose(), b"alice");
        assert_eq!(request.password.unwrap().expose(), b"p=q");
        assert_eq!(request.password_expiry_utc, Some(1_800_000_000));
        assert_eq!(request.wwwauth.len(), 2);
        assert!(request.can_authtype && request.ephemeral);
    }

    #[test]
    fn every_way_to_end_a_request_is_understood() {
        for input in [
            "protocol=https\nhost=h\n",
            "protocol=https\nhost=h",
            "protocol=https\r\nhost=h\r\n",
            "protocol=https\nhost=h\n\nhost=other\n",
            "host=h\nprotocol=https\n\r\nrest",
        ] {
            assert_eq!(target(input).as_deref(), Some("https://h"), "{input:?}");
        }
    }

    #[test]
    fn what_names_no_server_matches_nothing() {
        for input in
            ["", "\n", "protocol=https\n", "host=h\n", "protocol=\nhost=h\n", "protocol=https\npath=\n"]
        {
            assert_eq!(parse(input.as_bytes()).unwrap().server, None, "{input:?}");
        }
    }

    #[test]
    fn what_is_no_target_is_only_itself() {
        for (input, protocol, host) in [
            (&b"protocol=https\nhost=\n"[..], &b"https"[..], &b""[..]),
            (b"protocol=cert\nhost=\npath=/x\n", b"cert", b""),
            (b"protocol=cert\npath=/x\n", b"cert", b""),
            (b"protocol=https\nhost=a@b\n", b"https", b"a@b"),
            (b"protocol=https\nhost=h.\n", b"https", b"h."),
            (b"protocol=https\nhost=\xff\n", b"https", b"\xff"),
            ("protocol=https\nhost=münchen.example\n".as_bytes(), b"https", "münchen.example".as_bytes()),
            (b"url=https://a%20b/\n", b"https", b"a b"),
        ] {
            let verbatim = ServerId::Verbatim { protocol: protocol.to_vec(), host: host.to_vec() };
            assert_eq!(parse(input).unwrap().server, Some(verbatim), "{:?}", String::from_utf8_lossy(input));
        }
    }

    /// What git reads and what we read is the same, to the byte (`strbuf_getline`).
    #[test]
    fn lines_end_as_git_s_do() {
        let user = |input: &[u8]| Some(parse(input).ok()?.username?.expose().to_vec());
        assert_eq!(user(b"username=a\r\n").as_deref(), Some(&b"a"[..]));
        assert_eq!(user(b"username=a\n").as_deref(), Some(&b"a"[..]));
        assert_eq!(user(b"username=a").as_deref(), Some(&b"a"[..]));
        for other in
            [&b"username=a\r"[..], b"username=a\r\r\n", b"username=a\rb\n", b"\r", b"username=a\x00\n"]
        {
            assert_eq!(parse(other), Err(Refused::Control), "{other:?}");
        }
        for kept in [&b"a\x0b"[..], b"a\x85", b"a ", b"\ta", "a\u{2028}".as_bytes()] {
            assert_eq!(user(&[b"username=", kept, b"\n"].concat()).as_deref(), Some(kept));
        }
        assert_eq!(user(b"\r\nusername=a\n"), None, "an empty line ends the request");
    }

    #[test]
    fn smuggling_is_refused_whole() {
        for (input, why) in [
            (&b"protocol=https\nhost=a\nhost=b\n"[..], Refused::Contradiction),
            (b"protocol=https\nprotocol=https\nhost=b\n", Refused::Contradiction),
            (b"username=a\nusername=b\n", Refused::Contradiction),
            (b"protocol=https\nhost=a\rhost=b\n", Refused::Control),
            (b"protocol=https\nhost=a\0b\n", Refused::Control),
            (b"protocol=https\nhost=a\r\r\n", Refused::Control),
            (b"url=https://b/\nprotocol=https\nhost=a\n", Refused::Contradiction),
            (b"url=nonsense\n", Refused::Contradiction),
            (b"url=https://a%0ahost=b/\n", Refused::Control),
            (b"url=https://h/a%0db\npath=a\n", Refused::Control),
            (b"url=https://a%00@h/\n", Refused::Control),
        ] {
            assert_eq!(parse(input), Err(why), "{:?}", String::from_utf8_lossy(input));
        }
        let long = |n: usize| [b"password=".to_vec(), vec![b'x'; n]].concat();
        assert_eq!(parse(&long(LINE)), Err(Refused::LongLine));
        assert!(parse(&long(LINE - 10)).is_ok());
    }

    #[test]
    fn a_url_is_taken_apart() {
        let request = parse(b"url=https://al%69ce:pw@example.com:1/a%20b/c.git\n").unwrap();
        assert_eq!(request.server.unwrap().target().unwrap().to_string(), "https://example.com:1");
        assert_eq!(request.username.unwrap().expose(), b"alice");
        assert_eq!((request.path, request.password), (None, None));
        let request = parse(b"url=https://h/a%20b\npath=a b\n").unwrap();
        assert_eq!(request.path.unwrap().expose(), b"a b");
        let request = parse(b"url=imap://h/a%20b\n").unwrap();
        assert_eq!(request.path.unwrap().expose(), b"a b");
        let agreeing = b"url=https://h/p\npath=p\nprotocol=https\nhost=h\n";
        assert!(parse(agreeing).unwrap().server.is_some());
    }

    #[test]
    fn lists_can_be_taken_back() {
        let input = b"capability[]=authtype\nwwwauth[]=a\nwwwauth[]=\ncapability[]=\nwwwauth[]=b\n";
        let request = parse(input).unwrap();
        assert!(!request.can_authtype);
        assert_eq!(request.wwwauth, [Secret::from("b")]);
    }

    #[test]
    fn ends_and_booleans_are_git_s() {
        for none in ["0", "", "soon", "-1"] {
            let request = parse(format!("password_expiry_utc={none}\n").as_bytes()).unwrap();
            assert_eq!(request.password_expiry_utc, None, "{none:?}");
        }
        for (value, is) in
            [("1", true), ("true", true), ("0", false), ("false", false), ("no", false), ("", false)]
        {
            assert_eq!(parse(format!("ephemeral={value}\n").as_bytes()).unwrap().ephemeral, is, "{value:?}");
        }
    }

    #[test]
    fn an_answer_is_whole_or_nothing() {
        let (user, good, bad) = (Secret::from("u"), Secret::from("p"), Secret::from("p\nhost=evil"));
        let answer = |password| Answer { username: Some(&user), password, ..Answer::default() };
        assert_eq!(answer(Some(&good)).to_bytes().as_slice(), b"username=u\npassword=p\n");
        assert_eq!(answer(Some(&bad)).to_bytes().as_slice(), b"");
        let header = Answer { header: Some((&user, &good)), ephemeral: true, ..Answer::default() };
        assert_eq!(
            header.to_bytes().as_slice(),
            b"capability[]=authtype\nauthtype=u\ncredential=p\nephemeral=1\n"
        );
    }
}
