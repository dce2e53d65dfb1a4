//! `Last-Modified` and the requests that refer to it (RFC 9110 sections 8.8.2 and 13.1.3).
//!
//! The only place that knows `httpdate`. Not here: entity tags and the preconditions that need
//! them.

use std::time::{Duration, SystemTime};

use crate::Request;

/// The first second that HTTP dates can't express, the start of the year 10,000.
const END_OF_TIME: Duration = Duration::from_secs(253_402_300_800);

/// When something was last modified, in whole seconds as HTTP tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Modified(SystemTime);

impl Modified {
    /// `None` before 1970 and after 9999.
    pub(super) fn new(time: SystemTime) -> Option<Self> {
        let since_epoch = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        let seconds = Duration::from_secs(since_epoch.as_secs());
        (seconds < END_OF_TIME).then(|| Self(SystemTime::UNIX_EPOCH + seconds))
    }

    /// As [`new`](Self::new), but never in the future of the server, in which no client would
    /// believe (RFC 9110 section 8.8.2.1).
    pub(super) fn before(now: SystemTime, time: SystemTime) -> Option<Self> {
        Self::new(time.min(now))
    }

    /// The value of `Last-Modified`.
    pub(super) fn http_date(self) -> String {
        httpdate::fmt_http_date(self.0)
    }

    /// Whether a GET or HEAD already has this state (RFC 9110 section 13.1.3).
    pub(super) fn is_known_to(self, request: &Request) -> bool {
        let headers = request.headers();
        // There are no entity tags, so one that is asked for differs.
        if headers.contains("if-none-match") {
            return false;
        }
        let mut dates = headers.get_all("if-modified-since");
        let (Some(date), None) = (dates.next(), dates.next()) else { return false };
        let date =
            std::str::from_utf8(date).ok().and_then(|date| httpdate::parse_http_date(date).ok());
        date.is_some_and(|date| self.0 <= date)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::request;

    fn seconds(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn dates_are_those_that_http_can_express() {
        let date = |time| Modified::new(time).map(Modified::http_date);
        let expected = Some("Sun, 06 Nov 1994 08:49:37 GMT".to_owned());
        assert_eq!(date(seconds(784_111_777) + Duration::from_millis(999)), expected);
        assert_eq!(date(seconds(0)).as_deref(), Some("Thu, 01 Jan 1970 00:00:00 GMT"));
        assert_eq!(
            date(seconds(253_402_300_799)).as_deref(),
            Some("Fri, 31 Dec 9999 23:59:59 GMT")
        );
        assert_eq!(date(seconds(253_402_300_800)), None);
        assert_eq!(date(seconds(0) - Duration::from_secs(1)), None);
    }

    #[test]
    fn the_future_is_not_told() {
        let now = seconds(1000);
        assert_eq!(Modified::before(now, seconds(2000)), Modified::new(now));
        assert_eq!(Modified::before(now, seconds(10)), Modified::new(seconds(10)));
    }

    #[test]
    fn a_client_that_has_seen_it_knows_it() {
        let modified = Modified::new(seconds(784_111_777)).unwrap();
        let since = |value| ("If-Modified-Since", value);
        let rows: &[(&[(&str, &str)], bool)] = &[
            (&[], false),
            (&[since("Sun, 06 Nov 1994 08:49:37 GMT")], true),
            (&[since("Sun, 06 Nov 1994 08:49:38 GMT")], true),
            (&[since("Sun, 06 Nov 1994 08:49:36 GMT")], false),
            (&[since("Sunday, 06-Nov-94 08:49:37 GMT")], true),
            (&[since("Sun Nov  6 08:49:37 1994")], true),
            (&[since("Fri, 31 Dec 9999 23:59:59 GMT")], true),
            (&[since("yesterday")], false),
            (&[since("")], false),
            // RFC 9110 section 13.1.3: more than one, or `If-None-Match` beside it.
            (&[since("Sun, 06 Nov 1994 08:49:37 GMT"), since("yesterday")], false),
            (&[since("Sun, 06 Nov 1994 08:49:37 GMT"), ("If-None-Match", "\"a\"")], false),
        ];
        for (fields, expected) in rows {
            let request = request("GET", "/", fields);
            assert_eq!(modified.is_known_to(&request), *expected, "{fields:?}");
        }
    }
}
