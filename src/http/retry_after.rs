//! `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date in one of three forms.

use std::time::Duration;

use ::http::HeaderMap;
use ::http::header::{DATE, RETRY_AFTER};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::rfc2822::DateTimeParser;
use jiff::tz::TimeZone;

/// How long a server asks to wait. A date counts from the server's own `Date`, whose clock may differ from ours;
/// without one from `now` (seconds since 1970).
pub fn of(headers: &HeaderMap, now: u64) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let wait = text(RETRY_AFTER)?;
    if let Ok(seconds) = wait.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = date(wait)?;
    let since = text(DATE).and_then(date).or_else(|| i64::try_from(now).ok())?;
    // A date that has passed asks for no wait at all.
    Some(Duration::from_secs(u64::try_from(until.saturating_sub(since)).unwrap_or(0)))
}

/// An HTTP date (RFC 9110, section 5.6.7), in seconds since 1970.
fn date(text: &str) -> Option<i64> {
    let in_words = || DateTimeParser::new().parse_timestamp(text).ok();
    // The two forms that are obsolete and still to be read.
    let old = |format| {
        let then = DateTime::strptime(format, text).ok()?;
        then.to_zoned(TimeZone::UTC).ok().map(|then| then.timestamp())
    };
    let then: Option<Timestamp> =
        in_words().or_else(|| old("%A, %d-%b-%y %H:%M:%S GMT")).or_else(|| old("%a %b %e %H:%M:%S %Y"));
    then.map(Timestamp::as_second)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::http::HeaderValue;

    const NOW: u64 = 784_111_777; // Sun, 06 Nov 1994 08:49:37 GMT

    fn wait(retry_after: &'static str, date: Option<&'static str>) -> Option<u64> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_static(retry_after));
        if let Some(date) = date {
            headers.insert(DATE, HeaderValue::from_static(date));
        }
        of(&headers, NOW).map(|wait| wait.as_secs())
    }

    #[test]
    fn seconds_and_each_form_of_a_date_are_understood() {
        assert_eq!(wait("120", None), Some(120));
        assert_eq!(wait(" 0 ", None), Some(0));
        for date in
            ["Sun, 06 Nov 1994 08:51:37 GMT", "Sunday, 06-Nov-94 08:51:37 GMT", "Sun Nov  6 08:51:37 1994"]
        {
            assert_eq!(wait(date, None), Some(120), "{date}");
        }
        assert_eq!(wait("Sun, 06 Nov 1994 08:00:00 GMT", None), Some(0), "it has passed");
        for not_said in ["", "soon", "-5", "1.5"] {
            assert_eq!(wait(not_said, None), None, "{not_said}");
        }
    }

    #[test]
    fn a_date_counts_by_the_server_s_own_clock() {
        let hour_ahead = Some("Sun, 06 Nov 1994 09:49:37 GMT");
        assert_eq!(wait("Sun, 06 Nov 1994 09:50:07 GMT", hour_ahead), Some(30));
    }
}
