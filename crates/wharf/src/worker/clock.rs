//! A worker's time: the instant of the turn and the `Date` that goes with it.
//!
//! The date is written once a second and the wall clock read only then, so that neither is on the
//! path of a request. Not here: deadlines (`timer.rs`).

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use wharf_proto::h1::{DATE_BYTES, DateField};

/// The time of one worker.
#[derive(Debug)]
pub(crate) struct Clock {
    now: Instant,
    began: Instant,
    /// When the date has to be written again.
    date_until: Instant,
    date: DateField,
}

impl Clock {
    pub(crate) fn new(now: Instant) -> Self {
        let mut clock =
            Self { now, began: now, date_until: now, date: DateField::new(&[b' '; DATE_BYTES]) };
        clock.write_date(SystemTime::now());
        clock
    }

    /// Moves on to the time of a new turn.
    pub(crate) fn set(&mut self, now: Instant) {
        self.now = now;
        if now >= self.date_until {
            self.write_date(SystemTime::now());
        }
    }

    /// The time at which this turn began.
    pub(crate) const fn now(&self) -> Instant {
        self.now
    }

    /// How long the worker had been there when this turn began, in tenths of a second: thirteen
    /// years fit into four bytes.
    pub(crate) fn uptime(&self) -> u32 {
        let uptime = self.now.saturating_duration_since(self.began).as_millis() / 100;
        u32::try_from(uptime).unwrap_or(u32::MAX)
    }

    /// The value of `Date` (RFC 9110 section 6.6.1).
    pub(crate) const fn date(&self) -> &DateField {
        &self.date
    }

    fn write_date(&mut self, wall_clock: SystemTime) {
        // A clock before 1970 is taken as 1970: a wrong date is better than none.
        let since_epoch = wall_clock.duration_since(UNIX_EPOCH).unwrap_or_default();
        self.date = DateField::new(&imf_fixdate(since_epoch.as_secs()));
        let into_second = Duration::from_nanos(since_epoch.subsec_nanos().into());
        self.date_until = self.now + (Duration::from_secs(1) - into_second);
    }
}

const DAYS: [&[u8; 3]; 7] = [b"Thu", b"Fri", b"Sat", b"Sun", b"Mon", b"Tue", b"Wed"];
const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// Seconds since 1970 as in `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 section 5.6.7).
fn imf_fixdate(seconds: u64) -> [u8; DATE_BYTES] {
    let (days, second_of_day) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let mut date = *b"Thu, 01 Jan 1970 00:00:00 GMT";
    date[..3].copy_from_slice(DAYS[(days % 7) as usize]);
    two_digits(&mut date[5..7], day);
    date[8..11].copy_from_slice(MONTHS[month - 1]);
    two_digits(&mut date[12..14], year / 100 % 100);
    two_digits(&mut date[14..16], year % 100);
    two_digits(&mut date[17..19], second_of_day / 3600);
    two_digits(&mut date[20..22], second_of_day / 60 % 60);
    two_digits(&mut date[23..25], second_of_day % 60);
    date
}

fn two_digits(place: &mut [u8], number: u64) {
    place.copy_from_slice(&[b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8]);
}

/// Year, month and day of a day since 1970 in the Gregorian calendar. Years are counted from March
/// in cycles of 400, so that the leap day comes last.
#[expect(clippy::cast_possible_truncation, reason = "a month is at most 12")]
const fn civil(days: u64) -> (u64, usize, u64) {
    let days = days + 719_468;
    let (cycle, day_of_cycle) = (days / 146_097, days % 146_097);
    let year_of_cycle = (day_of_cycle - day_of_cycle / 1_460 + day_of_cycle / 36_524
        - day_of_cycle / 146_096)
        / 365;
    let day_of_year =
        day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = 400 * cycle + year_of_cycle + (month <= 2) as u64;
    (year, month as usize, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        let rows: [(u64, &[u8; DATE_BYTES]); 6] = [
            (0, b"Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, b"Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400, b"Tue, 29 Feb 2000 00:00:00 GMT"),
            (1_709_251_199, b"Thu, 29 Feb 2024 23:59:59 GMT"),
            (1_735_689_599, b"Tue, 31 Dec 2024 23:59:59 GMT"),
            (4_107_542_400, b"Mon, 01 Mar 2100 00:00:00 GMT"),
        ];
        for (seconds, date) in rows {
            assert_eq!(
                imf_fixdate(seconds).escape_ascii().to_string(),
                date.escape_ascii().to_string()
            );
        }
    }

    #[test]
    fn the_date_is_written_again_when_its_second_is_over() {
        let now = Instant::now();
        let mut clock = Clock::new(now);
        assert!(clock.date_until > now && clock.date_until <= now + Duration::from_secs(1));
        clock.date = DateField::new(&[b'x'; DATE_BYTES]);
        clock.set(clock.date_until);
        assert_ne!(clock.date().value(), &[b'x'; DATE_BYTES]);
    }

    /// Somebody sets the machine's clock: that is nobody's business but the date's, for which it is
    /// read again within a second.
    #[test]
    fn a_wall_clock_that_jumps_is_followed_within_a_second() {
        let mut now = Instant::now();
        let mut clock = Clock::new(now);
        let rows: [(Duration, &[u8; DATE_BYTES]); 5] = [
            (Duration::from_millis(784_111_777_250), b"Sun, 06 Nov 1994 08:49:37 GMT"),
            (Duration::from_millis(784_108_177_999), b"Sun, 06 Nov 1994 07:49:37 GMT"),
            (Duration::from_secs(4_107_542_400), b"Mon, 01 Mar 2100 00:00:00 GMT"),
            (Duration::ZERO, b"Thu, 01 Jan 1970 00:00:00 GMT"),
            (Duration::from_millis(951_782_400_001), b"Tue, 29 Feb 2000 00:00:00 GMT"),
        ];
        for (since_epoch, date) in rows {
            clock.write_date(UNIX_EPOCH + since_epoch);
            assert_eq!(clock.date().value(), date);
            let second = Duration::from_secs(1);
            let left = second - Duration::from_nanos(since_epoch.subsec_nanos().into());
            assert_eq!(clock.date_until, now + left);
            assert_eq!(clock.now(), now, "nothing else depends on it");
            now += left;
            clock.now = now;
        }
        clock.write_date(UNIX_EPOCH - Duration::from_secs(1));
        assert_eq!(clock.date().value(), b"Thu, 01 Jan 1970 00:00:00 GMT");
    }
}
