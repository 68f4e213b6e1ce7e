//! `Retry-After` (RFC 9110 §10.2.3): seconds, or a date.

use std::time::Duration;

use ::http::HeaderMap;
use ::http::header::{DATE, RETRY_AFTER};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::rfc2822;

use crate::os::clock;

/// The longest that a server is left alone, in seconds, whatever it asks for.
pub const LONGEST_WAIT: u64 = 3600;

/// How long the server asks to wait. A date is measured against the server's own clock where it tells the time,
/// since ours may be wrong.
pub(super) fn after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let wish = text(RETRY_AFTER)?;
    if let Ok(seconds) = wish.parse::<f64>() {
        return (seconds.is_finite() && seconds >= 0.0).then(|| Duration::from_secs(seconds.ceil() as u64));
    }
    let then = date(wish)?.as_second();
    let now = text(DATE)
        .and_then(date)
        .map_or_else(|| i64::try_from(clock::now()).unwrap_or(i64::MAX), Timestamp::as_second);
    // A date in the past allows it at once.
    Some(Duration::from_secs(u64::try_from(then.saturating_sub(now)).unwrap_or_default()))
}

/// The three forms of a date (RFC 9110 §5.6.7).
fn date(text: &str) -> Option<Timestamp> {
    if let Ok(date) = rfc2822::DateTimeParser::new().parse_timestamp(text) {
        return Some(date);
    }
    let (_, after_day) = text.split_once(' ')?;
    let forms = [("%d-%b-%y %H:%M:%S GMT", after_day), ("%b %e %H:%M:%S %Y", after_day)];
    let civil = forms.iter().find_map(|(form, text)| DateTime::strptime(form, text).ok())?;
    civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|date| date.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(retry_after: &str, date: Option<&str>) -> Option<u64> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, retry_after.parse().unwrap());
        if let Some(date) = date {
            headers.insert(DATE, date.parse().unwrap());
        }
        after(&headers).map(|wait| wait.as_secs())
    }

    #[test]
    fn seconds_and_all_three_forms_of_a_date_are_read() {
        assert_eq!(wait(" 120 ", None), Some(120));
        assert_eq!(wait("1.5", None), Some(2));
        let now = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        for date in
            ["Sun, 06 Nov 1994 08:51:37 GMT", "Sunday, 06-Nov-94 08:51:37 GMT", "Sun Nov  6 08:51:37 1994"]
        {
            assert_eq!(wait(date, now), Some(120), "{date}");
        }
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:00 GMT", now), Some(0));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:00 GMT", None), Some(0), "by our own clock");
        for bad in ["", "soon", "-5", "NaN", "Sun, 99 Nov 1994 08:49:00 GMT"] {
            assert_eq!(wait(bad, now), None, "{bad}");
        }
    }
}
