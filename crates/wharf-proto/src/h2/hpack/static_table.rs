//! The table of usual fields that both sides have from the start (RFC 7541, appendix A).
//!
//! Not here: the table that they fill on the way (`dynamic_table.rs`).

use super::Known;

/// How many entries there are; the first has the index 1.
pub(super) const LEN: usize = FIELDS.len();

const FIELDS: [(Known, &str); 61] = [
    (Known::Authority, ""),
    (Known::Method, "GET"),
    (Known::Method, "POST"),
    (Known::Path, "/"),
    (Known::Path, "/index.html"),
    (Known::Scheme, "http"),
    (Known::Scheme, "https"),
    (Known::Status, "200"),
    (Known::Status, "204"),
    (Known::Status, "206"),
    (Known::Status, "304"),
    (Known::Status, "400"),
    (Known::Status, "404"),
    (Known::Status, "500"),
    (Known::AcceptCharset, ""),
    (Known::AcceptEncoding, "gzip, deflate"),
    (Known::AcceptLanguage, ""),
    (Known::AcceptRanges, ""),
    (Known::Accept, ""),
    (Known::AccessControlAllowOrigin, ""),
    (Known::Age, ""),
    (Known::Allow, ""),
    (Known::Authorization, ""),
    (Known::CacheControl, ""),
    (Known::ContentDisposition, ""),
    (Known::ContentEncoding, ""),
    (Known::ContentLanguage, ""),
    (Known::ContentLength, ""),
    (Known::ContentLocation, ""),
    (Known::ContentRange, ""),
    (Known::ContentType, ""),
    (Known::Cookie, ""),
    (Known::Date, ""),
    (Known::Etag, ""),
    (Known::Expect, ""),
    (Known::Expires, ""),
    (Known::From, ""),
    (Known::Host, ""),
    (Known::IfMatch, ""),
    (Known::IfModifiedSince, ""),
    (Known::IfNoneMatch, ""),
    (Known::IfRange, ""),
    (Known::IfUnmodifiedSince, ""),
    (Known::LastModified, ""),
    (Known::Link, ""),
    (Known::Location, ""),
    (Known::MaxForwards, ""),
    (Known::ProxyAuthenticate, ""),
    (Known::ProxyAuthorization, ""),
    (Known::Range, ""),
    (Known::Referer, ""),
    (Known::Refresh, ""),
    (Known::RetryAfter, ""),
    (Known::Server, ""),
    (Known::SetCookie, ""),
    (Known::StrictTransportSecurity, ""),
    (Known::TransferEncoding, ""),
    (Known::UserAgent, ""),
    (Known::Vary, ""),
    (Known::Via, ""),
    (Known::WwwAuthenticate, ""),
];

/// A field of the table, its value behind its name.
#[derive(Clone, Copy, Debug)]
pub(super) struct StaticField {
    pub(super) text: &'static [u8],
    pub(super) name_len: usize,
    pub(super) known: Known,
}

/// The field of an index from 1 to [`LEN`].
pub(super) fn get(index: usize) -> Option<StaticField> {
    let place = PLACES.get(index.checked_sub(1)?)?;
    let at = usize::from(place.at);
    let name_len = usize::from(place.name_len);
    let text = TEXT.get(at..at + name_len + usize::from(place.value_len))?;
    Some(StaticField { text, name_len, known: place.known })
}

/// The index of the first field of that name, if there is one.
pub(super) fn find_name(known: Known) -> Option<usize> {
    FIRST.get(known as usize).copied().filter(|&first| first != 0).map(usize::from)
}

/// The index of a field, if it is there.
pub(super) fn find(known: Known, value: &[u8]) -> Option<usize> {
    let first = find_name(known)?;
    let fields = FIELDS.get(first - 1..)?.iter().take_while(|field| field.0 == known);
    Some(first + fields.map(|field| field.1).position(|text| text.as_bytes() == value)?)
}

/// Where a field is in [`TEXT`].
#[derive(Clone, Copy)]
struct Place {
    at: u16,
    name_len: u8,
    value_len: u8,
    known: Known,
}

static PLACES: [Place; LEN] = places();
static TEXT: [u8; TEXT_BYTES] = text();
static FIRST: [u8; Known::Other as usize + 1] = first();
const TEXT_BYTES: usize = text_bytes();

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
const fn text_bytes() -> usize {
    let mut bytes = 0;
    let mut index = 0;
    while index < LEN {
        bytes += FIELDS[index].0.name().len() + FIELDS[index].1.len();
        index += 1;
    }
    bytes
}

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
const fn text() -> [u8; TEXT_BYTES] {
    let mut text = [0; TEXT_BYTES];
    let mut at = 0;
    let mut index = 0;
    while index < LEN {
        let parts = [FIELDS[index].0.name().as_bytes(), FIELDS[index].1.as_bytes()];
        let mut part = 0;
        while part < 2 {
            let mut byte = 0;
            while byte < parts[part].len() {
                text[at] = parts[part][byte];
                at += 1;
                byte += 1;
            }
            part += 1;
        }
        index += 1;
    }
    text
}

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
#[expect(clippy::cast_possible_truncation, reason = "the text is shorter than 64 KiB, names short")]
const fn places() -> [Place; LEN] {
    let mut places = [Place { at: 0, name_len: 0, value_len: 0, known: Known::Other }; LEN];
    let mut at = 0;
    let mut index = 0;
    while index < LEN {
        let (known, value) = FIELDS[index];
        let name_len = known.name().len() as u8;
        let value_len = value.len() as u8;
        places[index] = Place { at, name_len, value_len, known };
        at += name_len as u16 + value_len as u16;
        index += 1;
    }
    places
}

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
#[expect(clippy::cast_possible_truncation, reason = "there are 61 fields")]
const fn first() -> [u8; Known::Other as usize + 1] {
    let mut first = [0; Known::Other as usize + 1];
    let mut index = LEN;
    while index > 0 {
        first[FIELDS[index - 1].0 as usize] = index as u8;
        index -= 1;
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_have_the_indices_of_appendix_a() {
        for (index, name, value) in [
            (1, ":authority", ""),
            (2, ":method", "GET"),
            (7, ":scheme", "https"),
            (14, ":status", "500"),
            (16, "accept-encoding", "gzip, deflate"),
            (32, "cookie", ""),
            (61, "www-authenticate", ""),
        ] {
            let field = get(index).unwrap();
            let known = Known::of(name.as_bytes());
            assert_eq!(field.text, [name, value].concat().as_bytes());
            assert_eq!((field.name_len, field.known), (name.len(), known));
            assert_eq!(find(known, value.as_bytes()), Some(index));
        }
        assert!(get(0).is_none() && get(62).is_none());
        assert_eq!(find_name(Known::Status), Some(8));
        assert_eq!(find_name(Known::Te), None);
        assert_eq!(find(Known::Status, b"201"), None);
    }
}
