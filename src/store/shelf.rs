//! What the secrets in one folder of the store are for.

use sha2::{Digest, Sha256};

use crate::os::hex::hex;
use crate::target::Target;

/// The longest name of a server that stands in the name of a folder; systems allow 255 bytes for that.
const LONGEST: usize = 200;

/// What the secrets in one folder are for. It is part of what every box in it is sealed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shelf {
    kind: &'static str,
    what: String,
    holds_one: bool,
}

impl Shelf {
    /// Credentials of one kind (a protocol's name) for one server.
    pub fn server(kind: &'static str, target: &Target) -> Shelf {
        // Colons cannot stand in a Windows file name; underscores never stand in an IPv6 address.
        let what = format!("{}+{}", target.scheme(), target.authority().replace(':', "_"));
        // What a folder is called has an end, and is all that tells which shelf it is.
        let is_long = what.len() > LONGEST;
        let what = if is_long { hex(&Sha256::digest(what.as_bytes())) } else { what };
        Shelf { kind, what, holds_one: false }
    }

    /// Credentials of one kind for a place that is known by exactly these bytes: what a client calls the protocol and
    /// the host, where that is no [`Target`].
    pub fn verbatim(kind: &'static str, protocol: &[u8], host: &[u8]) -> Shelf {
        // Nothing that a [`Target`] consists of begins like this; a length in front keeps ("a", "bc") and ("ab", "c")
        // apart.
        let length = (protocol.len() as u64).to_be_bytes();
        let what = format!("={}", hex(&Sha256::digest([&length, protocol, host].concat())));
        Shelf { kind, what, holds_one: false }
    }

    /// The session of a profile.
    pub fn session(name: &str) -> Shelf {
        Shelf { kind: "session", what: name.to_owned(), holds_one: true }
    }

    /// The password that a profile's login has for its platform's registry.
    pub fn registry_pass(name: &str) -> Shelf {
        Shelf { kind: "registry", what: name.to_owned(), holds_one: true }
    }

    /// One shelf for all secrets of a kind.
    pub fn of(kind: &'static str) -> Shelf {
        Shelf { kind, what: String::new(), holds_one: false }
    }

    /// Whether one box at most belongs on it: any other is of another key, or of another age.
    pub(super) fn holds_one(&self) -> bool {
        self.holds_one
    }

    /// What its folder is called.
    pub(super) fn folder(&self) -> String {
        format!("{}+{}", self.kind, self.what)
    }

    /// The kind of what is in a folder, where that is a shelf.
    pub(super) fn kind_of(folder: &str) -> Option<&str> {
        folder.split_once('+').map(|(kind, _)| kind)
    }

    /// The server that a folder is for, where its name tells.
    pub(super) fn server_of(folder: &str) -> Option<Target> {
        let (_, what) = folder.split_once('+')?;
        let (scheme, authority) = what.rsplit_once('+')?;
        if let Some(address) = authority.strip_prefix('[') {
            return Target::new(scheme, &format!("[{}", address.replace('_', ":")));
        }
        // An underscore may stand in a name as well; a port is a number.
        let (host, port) = authority.rsplit_once('_').unwrap_or((authority, ""));
        let has_port = !port.is_empty() && port.bytes().all(|digit| digit.is_ascii_digit());
        let authority = if has_port { format!("{host}:{port}") } else { authority.to_owned() };
        Target::new(scheme, &authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_s_name_tells_its_server() {
        for authority in
            ["h.example", "h.example:8443", "my_host.example", "my_host:80", "[::1]", "[::1]:5000"]
        {
            let target = Target::new("https", authority).unwrap();
            assert_eq!(Shelf::server_of(&Shelf::server("git", &target).folder()), Some(target));
        }
        let long = Target::new("https", &format!("{}.example", vec!["a".repeat(60); 4].join("."))).unwrap();
        for shelf in
            [Shelf::server("git", &long), Shelf::verbatim("git", b"https", b"x"), Shelf::of("journal")]
        {
            assert_eq!(Shelf::server_of(&shelf.folder()), None);
        }
    }
}
