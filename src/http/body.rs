//! What a body says, whatever it is wrapped in. We ask for none of it, and gateways do it all the same: a
//! compressed answer, a byte-order mark, UTF-16. Behind an answer that we threw away for its wrapping may be a
//! refresh token that has just replaced ours.

use std::io::{self, Read};

use ::http::Response;
use ::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use serde::de::IgnoredAny;
use zeroize::Zeroizing;

use super::{MAX_BODY, Trouble};

/// What came instead of JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oddity {
    /// A page for people.
    Page,
    /// Something compressed that we cannot undo.
    Compressed,
    /// JSON that ends in the middle.
    CutOff,
    /// Nothing at all.
    Empty,
    /// Anything else.
    Other,
}

/// Marks an answer whose end is missing.
#[derive(Clone, Copy)]
pub(super) struct Torn;

/// Undoes compression and byte-order marks. What cannot be undone is left as it is.
///
/// # Errors
/// It unfolds to more than [`MAX_BODY`].
pub(super) fn unwrap(response: &mut Response<Vec<u8>>) -> Result<(), Trouble> {
    let named = response.headers().get_all(CONTENT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let named: Vec<String> =
        named.flat_map(|value| value.split(',')).map(|c| c.trim().to_lowercase()).collect();
    // The last one named was applied last. A server that names none may have compressed all the same.
    let codings = named.iter().rev().map(String::as_str).chain(["gzip"]);
    for coding in codings.take(4) {
        let Some(Unfolded { body, torn }) = unfolded(coding, response.body())? else { continue };
        *response.body_mut() = body;
        if torn {
            response.extensions_mut().insert(Torn);
        }
    }
    if let Some(text) = without_mark(response.body()) {
        *response.body_mut() = text;
    }
    Ok(())
}

struct Unfolded {
    body: Vec<u8>,
    torn: bool,
}

/// The body without this coding; nothing where it is not there, or not one that we know.
fn unfolded(coding: &str, body: &[u8]) -> Result<Option<Unfolded>, Trouble> {
    let found = match coding {
        "gzip" | "x-gzip" if body.starts_with(&[0x1f, 0x8b]) => bounded(MultiGzDecoder::new(body))?,
        // The standard means zlib's wrapping (RFC 9110 §8.4.1.2); some servers send none.
        "deflate" if !is_json(body) => match bounded(ZlibDecoder::new(body))? {
            Some(found) => Some(found),
            None => bounded(DeflateDecoder::new(body))?,
        },
        _ => None,
    };
    Ok(found)
}

/// What a decoder gives; nothing where it makes no sense from the beginning.
fn bounded(decoder: impl Read) -> Result<Option<Unfolded>, Trouble> {
    let mut body = Vec::new();
    let end = decoder.take(MAX_BODY as u64 + 1).read_to_end(&mut body);
    if body.len() > MAX_BODY {
        return Err(Trouble::TooLong);
    }
    Ok(match end {
        Ok(_) => Some(Unfolded { body, torn: false }),
        // The check at its end may be missing or wrong, and everything of worth be there.
        Err(_) if is_json(&body) => Some(Unfolded { body, torn: false }),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Some(Unfolded { body, torn: true }),
        Err(_) => None,
    })
}

/// The text behind a byte-order mark.
fn without_mark(body: &[u8]) -> Option<Vec<u8>> {
    let units = |from: fn([u8; 2]) -> u16| {
        let units = body[2..].chunks_exact(2).map(|pair| from([pair[0], pair[1]]));
        char::decode_utf16(units)
            .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect::<String>()
            .into_bytes()
    };
    match body {
        [0xef, 0xbb, 0xbf, rest @ ..] => Some(rest.to_vec()),
        [0xff, 0xfe, ..] => Some(units(u16::from_le_bytes)),
        [0xfe, 0xff, ..] => Some(units(u16::from_be_bytes)),
        _ => None,
    }
}

/// Whether the whole of it is one JSON value.
pub(super) fn is_json(body: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(body).is_ok()
}

/// What an answer is that is not JSON.
pub(super) fn oddity(response: &Response<Vec<u8>>) -> Oddity {
    let body = response.body().trim_ascii_start();
    let says = |header, word: &str| {
        let values = response.headers().get_all(header).iter();
        values
            .filter_map(|value: &::http::HeaderValue| value.to_str().ok())
            .any(|v| v.to_lowercase().contains(word))
    };
    let cut = || {
        let lossy = Zeroizing::new(String::from_utf8_lossy(body).into_owned());
        serde_json::from_str::<IgnoredAny>(&lossy).is_err_and(|error| error.is_eof())
    };
    let is_text = std::str::from_utf8(body).is_ok();
    if body.is_empty() && response.extensions().get::<Torn>().is_none() {
        Oddity::Empty
    } else if response.extensions().get::<Torn>().is_some() || (body.starts_with(b"{") && cut()) {
        Oddity::CutOff
    } else if ["br", "zstd", "compress", "gzip", "deflate"].iter().any(|word| says(CONTENT_ENCODING, word))
        && !is_text
    {
        Oddity::Compressed
    } else if body.starts_with(b"<") || says(CONTENT_TYPE, "html") {
        Oddity::Page
    } else {
        Oddity::Other
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    const JSON: &[u8] = br#"{"access_token":"a"}"#;

    fn read(codings: &[&str], body: Vec<u8>) -> Result<Response<Vec<u8>>, Trouble> {
        let mut response = Response::new(body);
        for coding in codings {
            response.headers_mut().append(CONTENT_ENCODING, coding.parse().unwrap());
        }
        unwrap(&mut response).map(|()| response)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn every_wrapping_comes_off() {
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        zlib.write_all(JSON).unwrap();
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::default());
        raw.write_all(JSON).unwrap();
        let utf16: Vec<u8> =
            std::str::from_utf8(JSON).unwrap().encode_utf16().flat_map(u16::to_le_bytes).collect();
        let no_check = gzip(JSON);
        for (codings, body) in [
            (&["gzip"][..], gzip(JSON)),
            (&["X-GZIP"], gzip(JSON)),
            (&[], gzip(JSON)),
            (&["identity"], gzip(JSON)),
            (&["deflate"], zlib.finish().unwrap()),
            (&["deflate"], raw.finish().unwrap()),
            (&["gzip, gzip"], gzip(&gzip(JSON))),
            (&["gzip", "gzip"], gzip(&gzip(JSON))),
            (&["gzip"], no_check[..no_check.len() - 4].to_vec()),
            (&["gzip"], JSON.to_vec()),
            (&["deflate"], JSON.to_vec()),
            (&["br"], JSON.to_vec()),
            (&[], [&[0xef, 0xbb, 0xbf], JSON].concat()),
            (&["gzip"], gzip(&[&[0xef, 0xbb, 0xbf], JSON].concat())),
            (&[], [&[0xff, 0xfe], &utf16[..]].concat()),
        ] {
            let response = read(codings, body).unwrap();
            assert_eq!(response.body(), JSON, "{codings:?}");
        }
    }

    #[test]
    fn what_unfolds_without_end_is_refused() {
        let bomb = gzip(&vec![b' '; 64 << 20]);
        assert!(bomb.len() < 100_000);
        assert_eq!(read(&["gzip"], bomb.clone()).map(|_| ()), Err(Trouble::TooLong));
        assert_eq!(read(&["gzip, gzip"], gzip(&bomb)).map(|_| ()), Err(Trouble::TooLong));
    }

    #[test]
    fn what_is_not_json_is_called_what_it_is() {
        let kind = |codings: &[&str], body: &[u8]| oddity(&read(codings, body.to_vec()).unwrap());
        assert_eq!(kind(&["br"], &[0x8b, 0x09, 0x80]), Oddity::Compressed);
        assert_eq!(kind(&["gzip"], &[0x1f, 0x8c, 0, 1]), Oddity::Compressed);
        assert_eq!(kind(&["gzip"], &gzip(JSON)[..12]), Oddity::CutOff);
        assert_eq!(kind(&[], b"{\"access_token\":\"a"), Oddity::CutOff);
        assert_eq!(kind(&[], b" <html>"), Oddity::Page);
        assert_eq!(kind(&[], b"  \n"), Oddity::Empty);
        assert_eq!(kind(&[], b"hello"), Oddity::Other);
    }
}
