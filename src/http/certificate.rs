//! The few things of an X.509 certificate (RFC 5280 §4.1) that no library here tells: its times, its common name,
//! whether it has other names, and what it is for.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// What a certificate says. Times are seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Certificate {
    pub not_before: u64,
    pub not_after: u64,
    /// Whether it is for servers, or for anything.
    pub may_be_a_servers: bool,
    /// The common name, where there is no `subjectAltName`.
    common_name: Option<String>,
}

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_ID: u8 = 0x06;
const OCTETS: u8 = 0x04;
const BOOLEAN: u8 = 0x01;
const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;

/// `id-at-commonName`, `id-ce-subjectAltName`, `id-ce-extKeyUsage`, `id-kp-serverAuth`, `anyExtendedKeyUsage`.
const COMMON_NAME: &[u8] = &[0x55, 4, 3];
const OTHER_NAMES: &[u8] = &[0x55, 29, 17];
const PURPOSES: &[u8] = &[0x55, 29, 37];
const SERVER: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 1];
const ANY: &[u8] = &[0x55, 29, 37, 0];

impl Certificate {
    /// Reads a certificate in DER; nothing where it is none.
    pub fn read(der: &[u8]) -> Option<Certificate> {
        let mut whole = Der(der);
        let mut outer = Der(whole.take(SEQUENCE)?);
        let mut body = Der(outer.take(SEQUENCE)?);
        body.take(VERSION);
        body.take(INTEGER)?;
        body.take(SEQUENCE)?;
        let _issuer = body.take(SEQUENCE)?;
        let mut validity = Der(body.take(SEQUENCE)?);
        let (not_before, not_after) = (validity.time()?, validity.time()?);
        let subject = body.take(SEQUENCE)?;
        let _key = body.take(SEQUENCE)?;
        let (mut has_other_names, mut may_be_a_servers) = (false, true);
        while let Some((tag, content)) = body.any() {
            if tag != EXTENSIONS {
                continue;
            }
            let mut extensions = Der(Der(content).take(SEQUENCE)?);
            while let Some(extension) = extensions.take(SEQUENCE) {
                let mut extension = Der(extension);
                let id = extension.take(OBJECT_ID)?;
                extension.take(BOOLEAN);
                let value = extension.take(OCTETS)?;
                has_other_names |= id == OTHER_NAMES;
                if id == PURPOSES {
                    may_be_a_servers = purposes(value).any(|purpose| purpose == SERVER || purpose == ANY);
                }
            }
        }
        let common_name = common_name(subject).filter(|_| !has_other_names);
        Some(Certificate { not_before, not_after, may_be_a_servers, common_name })
    }

    /// Whether the common name, where it counts, is this host: the same, or with `*` for its first label.
    pub fn is_called(&self, host: &str) -> bool {
        let Some(name) = &self.common_name else { return false };
        let below = |name: &str| {
            let rest = name.strip_prefix("*.").filter(|rest| rest.contains('.'))?;
            Some(host.split_once('.')?.1.eq_ignore_ascii_case(rest))
        };
        name.eq_ignore_ascii_case(host) || below(name).unwrap_or_default()
    }
}

fn purposes(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut list = Der(Der(value).take(SEQUENCE).unwrap_or_default());
    std::iter::from_fn(move || list.take(OBJECT_ID))
}

/// The last common name is the one that is meant, as OpenSSL has it.
fn common_name(subject: &[u8]) -> Option<String> {
    let mut names = Der(subject);
    let mut found = None;
    while let Some(set) = names.take(SET) {
        let mut pairs = Der(set);
        while let Some(pair) = pairs.take(SEQUENCE) {
            let mut pair = Der(pair);
            if pair.take(OBJECT_ID)? == COMMON_NAME {
                found = pair.any().and_then(|(_, text)| String::from_utf8(text.to_vec()).ok());
            }
        }
    }
    found
}

/// DER that is read from the front.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The content of the next element, if it is of this kind.
    fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        (*self.0.first()? == tag).then(|| self.any())?.map(|(_, content)| content)
    }

    fn any(&mut self) -> Option<(u8, &'a [u8])> {
        let [tag, length, rest @ ..] = self.0 else { return None };
        let (length, rest) = match *length {
            short @ 0..=0x7f => (usize::from(short), rest),
            long @ 0x81..=0x84 => {
                let (length, rest) = rest.split_at_checked(usize::from(long - 0x80))?;
                (length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((*tag, content))
    }

    fn time(&mut self) -> Option<u64> {
        let (tag, text) = self.any()?;
        let text = std::str::from_utf8(text).ok()?;
        let text = match tag {
            // Two digits of the year: those from 50 on are of the last century (RFC 5280 §4.1.2.5.1).
            UTC_TIME => format!("{}{text}", if text.as_bytes().first()? < &b'5' { "20" } else { "19" }),
            GENERALIZED_TIME => text.to_owned(),
            _ => return None,
        };
        let time = DateTime::strptime("%Y%m%d%H%M%SZ", &text).ok()?.to_zoned(TimeZone::UTC).ok()?;
        Some(u64::try_from(time.timestamp().as_second()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        let mut whole = vec![tag];
        match content.len() {
            short @ 0..=0x7f => whole.push(short as u8),
            long => whole.extend([0x82, (long >> 8) as u8, long as u8]),
        }
        [whole, content.to_vec()].concat()
    }

    fn made(common_name: &str, extensions: &[(&[u8], &[u8])]) -> Vec<u8> {
        let id = |id: &[u8]| element(OBJECT_ID, id);
        let name = element(SEQUENCE, &[id(COMMON_NAME), element(12, common_name.as_bytes())].concat());
        let name = element(SEQUENCE, &element(SET, &name));
        let times =
            [element(UTC_TIME, b"700101000010Z"), element(GENERALIZED_TIME, b"20500101000000Z")].concat();
        let extensions = extensions
            .iter()
            .map(|(name, value)| element(SEQUENCE, &[id(name), element(OCTETS, value)].concat()));
        let extensions = element(SEQUENCE, &extensions.collect::<Vec<_>>().concat());
        let body = [
            element(VERSION, &element(INTEGER, &[2])),
            element(INTEGER, &[1]),
            element(SEQUENCE, &[]),
            name.clone(),
            element(SEQUENCE, &times),
            name,
            element(SEQUENCE, &[0; 300]),
            element(EXTENSIONS, &extensions),
        ];
        element(SEQUENCE, &element(SEQUENCE, &body.concat()))
    }

    #[test]
    fn times_names_and_purposes_are_read() {
        let certificate = Certificate::read(&made("localhost", &[])).unwrap();
        assert_eq!((certificate.not_before, certificate.not_after), (10, 2_524_608_000));
        assert!(
            certificate.may_be_a_servers
                && certificate.is_called("LocalHost")
                && !certificate.is_called("other")
        );
        let certificate = Certificate::read(&made(
            "localhost",
            &[
                (OTHER_NAMES, &[]),
                (PURPOSES, &element(SEQUENCE, &element(OBJECT_ID, &[0x2b, 6, 1, 5, 5, 7, 3, 2]))),
            ],
        ))
        .unwrap();
        assert!(!certificate.is_called("localhost") && !certificate.may_be_a_servers);
        let wild = Certificate::read(&made(
            "*.seqera.example",
            &[(PURPOSES, &element(SEQUENCE, &element(OBJECT_ID, SERVER)))],
        ))
        .unwrap();
        assert!(wild.may_be_a_servers && wild.is_called("a.seqera.example"));
        assert!(!wild.is_called("a.b.seqera.example") && !wild.is_called("seqera.example"));
        assert!(!Certificate::read(&made("*.example", &[])).unwrap().is_called("seqera.example"));
    }

    #[test]
    fn what_is_cut_off_or_garbled_is_no_certificate() {
        let whole = made("localhost", &[(OTHER_NAMES, &[1, 2, 3])]);
        for end in 0..whole.len() {
            assert_eq!(Certificate::read(&whole[..end]), None, "{end}");
        }
        for at in 0..whole.len() {
            let mut garbled = whole.clone();
            garbled[at] ^= 0xff;
            let _ = Certificate::read(&garbled);
        }
    }
}
