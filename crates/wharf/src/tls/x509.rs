//! The few fields of a certificate that wharf looks at: its names and its time.
//!
//! Certificates come here that the program gave, or that the engine has verified before. Not here:
//! signatures, chains, and what a certificate may be used for.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

/// What a certificate says of its subject (RFC 5280, section 4).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Fields {
    pub(super) common_name: Option<String>,
    pub(super) dns_names: Vec<String>,
    pub(super) ip_addrs: Vec<IpAddr>,
    pub(super) emails: Vec<String>,
    pub(super) uris: Vec<String>,
    /// `None` if it never ends, or before anything begins.
    pub(super) not_after: Option<SystemTime>,
}

const BOOLEAN: u8 = 0x01;
const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const OBJECT: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;

const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const SUBJECT_ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1d, 0x11];

/// Reads a certificate in DER. `None` if it is none.
pub(super) fn read(der: &[u8]) -> Option<Fields> {
    let mut fields = Fields::default();
    let mut rest = Der(Der(Der(der).take(SEQUENCE)?).take(SEQUENCE)?);
    rest.skip(VERSION);
    // The serial number, the algorithm of the signature, and the issuer.
    rest.take(INTEGER)?;
    rest.take(SEQUENCE)?;
    rest.take(SEQUENCE)?;
    let mut validity = Der(rest.take(SEQUENCE)?);
    validity.next()?;
    fields.not_after = validity.next().and_then(|(tag, text)| time(tag, text));
    fields.common_name = common_name(Der(rest.take(SEQUENCE)?));
    while let Some((tag, content)) = rest.next() {
        if tag == EXTENSIONS {
            read_extensions(Der(Der(content).take(SEQUENCE)?), &mut fields)?;
        }
    }
    Some(fields)
}

/// The last, which is the closest.
fn common_name(mut subject: Der<'_>) -> Option<String> {
    let mut name = None;
    while let Some(set) = subject.take(SET) {
        let mut set = Der(set);
        while let Some(attribute) = set.take(SEQUENCE) {
            let mut attribute = Der(attribute);
            if attribute.take(OBJECT) == Some(COMMON_NAME) {
                name = attribute.next().and_then(|(tag, bytes)| text(tag, bytes)).or(name);
            }
        }
    }
    name
}

fn read_extensions(mut extensions: Der<'_>, fields: &mut Fields) -> Option<()> {
    while let Some(extension) = extensions.take(SEQUENCE) {
        let mut extension = Der(extension);
        let is_names = extension.take(OBJECT)? == SUBJECT_ALTERNATIVE_NAME;
        extension.skip(BOOLEAN);
        if is_names {
            read_names(Der(Der(extension.take(OCTET_STRING)?).take(SEQUENCE)?), fields);
        }
    }
    Some(())
}

fn read_names(mut names: Der<'_>, fields: &mut Fields) {
    while let Some((tag, content)) = names.next() {
        let (addrs, list) = match tag {
            0x81 => (None, &mut fields.emails),
            0x82 => (None, &mut fields.dns_names),
            0x86 => (None, &mut fields.uris),
            0x87 => (ip_addr(content), &mut Vec::new()),
            _ => continue,
        };
        if tag != 0x87 && content.is_ascii() {
            list.extend(String::from_utf8(content.to_vec()));
        }
        fields.ip_addrs.extend(addrs);
    }
}

fn ip_addr(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}

fn text(tag: u8, bytes: &[u8]) -> Option<String> {
    const UTF8: u8 = 0x0c;
    const PRINTABLE: u8 = 0x13;
    const TELETEX: u8 = 0x14;
    const IA5: u8 = 0x16;
    const BMP: u8 = 0x1e;
    match tag {
        UTF8 => String::from_utf8(bytes.to_vec()).ok(),
        PRINTABLE | TELETEX | IA5 if bytes.is_ascii() => String::from_utf8(bytes.to_vec()).ok(),
        BMP => {
            let (pairs, rest) = bytes.as_chunks::<2>();
            let units: Vec<_> = pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
            String::from_utf16(&units).ok().filter(|_| rest.is_empty())
        }
        _ => None,
    }
}

/// `YYMMDDhhmmssZ` or, with all digits of the year, `YYYYMMDDhhmmssZ` (RFC 5280, section 4.1.2.5).
pub(super) fn time(tag: u8, text: &[u8]) -> Option<SystemTime> {
    let (year, rest) = match tag {
        UTC_TIME => {
            let (year, rest) = text.split_first_chunk::<2>()?;
            let year = number(year)?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        GENERALIZED_TIME => {
            let (year, rest) = text.split_first_chunk::<4>()?;
            (number(year)?, rest)
        }
        _ => return None,
    };
    let (pairs, rest) = rest.as_chunks::<2>();
    let [month, day, hour, minute, second] = pairs else { return None };
    let (month, day) = (number(month)?, number(day)?);
    if rest != b"Z" || year < 1970 || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let seconds = number(hour)? * 3600 + number(minute)? * 60 + number(second)?;
    let days = days_since_1970(year, month, day);
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(days * 86_400 + seconds))
}

/// Counts years from March on, so that the day that some years have more is the last.
fn days_since_1970(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month < 3 { (year - 1, month + 9) } else { (year, month - 3) };
    let leap_days = year / 4 - year / 100 + year / 400;
    // March, and every fifth month behind it, begin the same pattern of 153 days.
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    // From the first of March of the year 0 to the beginning of 1970.
    year * 365 + leap_days + day_of_year - 719_468
}

fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |number, digit| {
        digit.is_ascii_digit().then(|| number * 10 + u64::from(digit - b'0'))
    })
}

/// Values in DER, one behind the other.
pub(super) struct Der<'d>(pub(super) &'d [u8]);

impl<'d> Der<'d> {
    /// The next one, if it has that tag.
    pub(super) fn take(&mut self, tag: u8) -> Option<&'d [u8]> {
        (self.0.first() == Some(&tag)).then(|| self.next()).flatten().map(|(_, content)| content)
    }

    /// Goes past the next one if it has that tag.
    fn skip(&mut self, tag: u8) {
        self.take(tag);
    }

    /// The next one's tag and content. `None` at the end, and for what is not DER.
    fn next(&mut self) -> Option<(u8, &'d [u8])> {
        let (&[tag, first], mut rest) = self.0.split_first_chunk()?;
        let mut len = usize::from(first);
        // Lengths from 128 on take as many bytes as the low bits say; 16 MiB are enough.
        if first >= 0x80 {
            let (bytes, behind) = rest.split_at_checked(usize::from(first & 0x7f))?;
            if bytes.is_empty() || bytes.len() > 3 {
                return None;
            }
            len = bytes.iter().fold(0, |len, byte| len << 8 | usize::from(*byte));
            rest = behind;
        }
        let (content, rest) = rest.split_at_checked(len)?;
        self.0 = rest;
        Some((tag, content))
    }
}

#[cfg(test)]
mod tests {
    use super::{BOOLEAN, Der, GENERALIZED_TIME, UTC_TIME, read, text, time};

    #[test]
    fn times_are_read_as_seconds_since_1970() {
        for (tag, text, seconds) in [
            (UTC_TIME, "700101000000Z", Some(0)),
            (UTC_TIME, "000229120000Z", Some(951_825_600)),
            (UTC_TIME, "261121175600Z", Some(1_795_283_760)),
            (UTC_TIME, "491231235959Z", Some(2_524_607_999)),
            (GENERALIZED_TIME, "20500101000000Z", Some(2_524_608_000)),
            (GENERALIZED_TIME, "21000301000000Z", Some(4_107_542_400)),
            (GENERALIZED_TIME, "99991231235959Z", Some(253_402_300_799)),
            (UTC_TIME, "500101000000Z", None),
            (UTC_TIME, "2611211756Z", None),
            (UTC_TIME, "261121175600+0100", None),
            (UTC_TIME, "261321175600Z", None),
            (UTC_TIME, "26112117560xZ", None),
            (GENERALIZED_TIME, "", None),
            (BOOLEAN, "700101000000Z", None),
        ] {
            let read = time(tag, text.as_bytes());
            let read = read.map(|at| at.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs());
            assert_eq!(read, seconds, "{text}");
        }
    }

    #[test]
    fn values_are_taken_apart_by_their_lengths() {
        let long = [&[4, 0x81, 0x80][..], &[7; 128]].concat();
        for (name, bytes, len) in [
            ("nothing", &b""[..], None),
            ("only a tag", b"\x04", None),
            ("empty", b"\x04\x00", Some(0)),
            ("two bytes", b"\x04\x02ab", Some(2)),
            ("cut off", b"\x04\x03ab", None),
            ("128 bytes", &long, Some(128)),
            ("a length that is cut off", b"\x04\x82\x01", None),
            ("a length without an end", b"\x04\x80ab\x00\x00", None),
            ("a length of four bytes", b"\x04\x84\x00\x00\x00\x01a", None),
        ] {
            assert_eq!(Der(bytes).next().map(|(_, content)| content.len()), len, "{name}");
        }
    }

    #[test]
    fn texts_of_several_kinds_are_read() {
        for (tag, bytes, expected) in [
            (0x0c, "Nä".as_bytes(), Some("Nä")),
            (0x13, b"plain", Some("plain")),
            (0x13, b"\xff", None),
            (0x1e, b"\x00N\x00\xe4", Some("Nä")),
            (0x1e, b"\x00N\x00", None),
            (0x0c, b"\xff", None),
            (0x02, b"1", None),
        ] {
            assert_eq!(text(tag, bytes).as_deref(), expected);
        }
    }

    #[test]
    fn what_is_no_certificate_is_none() {
        for bytes in [&b""[..], b"\x30\x00", b"\x30\x02\x30\x00", &[0x30; 100], &[0xff; 100]] {
            assert_eq!(read(bytes), None);
        }
    }
}
