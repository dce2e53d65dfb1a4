//! Names of fields that are told apart by a number, once for each time they come spelt out.
//!
//! Those of the static table, and those that HTTP/2 has rules for. Not here: what they mean.

macro_rules! known {
    ($($variant:ident = $name:literal,)*) => {
        /// A name that many fields have, so that nobody needs to compare names again.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[repr(u8)]
        pub enum Known {
            $(#[doc = concat!("`", $name, "`.")] $variant,)*
            /// Any other name that begins with a colon: no request may have it.
            OtherPseudo,
            /// Any other name.
            Other,
        }

        impl Known {
            /// What is known of a name in lower case.
            #[must_use]
            #[expect(non_upper_case_globals, reason = "the patterns are named like the variants")]
            pub fn of(name: &[u8]) -> Self {
                $(const $variant: &[u8] = $name.as_bytes();)*
                match name {
                    $($variant => Self::$variant,)*
                    [b':', ..] => Self::OtherPseudo,
                    _ => Self::Other,
                }
            }

            /// The name; empty where it is none of those listed.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::OtherPseudo | Self::Other => "",
                }
            }
        }
    };
}

known! {
    Authority = ":authority",
    Method = ":method",
    Path = ":path",
    Scheme = ":scheme",
    Status = ":status",
    AcceptCharset = "accept-charset",
    AcceptEncoding = "accept-encoding",
    AcceptLanguage = "accept-language",
    AcceptRanges = "accept-ranges",
    Accept = "accept",
    AccessControlAllowOrigin = "access-control-allow-origin",
    Age = "age",
    Allow = "allow",
    Authorization = "authorization",
    CacheControl = "cache-control",
    ContentDisposition = "content-disposition",
    ContentEncoding = "content-encoding",
    ContentLanguage = "content-language",
    ContentLength = "content-length",
    ContentLocation = "content-location",
    ContentRange = "content-range",
    ContentType = "content-type",
    Cookie = "cookie",
    Date = "date",
    Etag = "etag",
    Expect = "expect",
    Expires = "expires",
    From = "from",
    Host = "host",
    IfMatch = "if-match",
    IfModifiedSince = "if-modified-since",
    IfNoneMatch = "if-none-match",
    IfRange = "if-range",
    IfUnmodifiedSince = "if-unmodified-since",
    LastModified = "last-modified",
    Link = "link",
    Location = "location",
    MaxForwards = "max-forwards",
    ProxyAuthenticate = "proxy-authenticate",
    ProxyAuthorization = "proxy-authorization",
    Range = "range",
    Referer = "referer",
    Refresh = "refresh",
    RetryAfter = "retry-after",
    Server = "server",
    SetCookie = "set-cookie",
    StrictTransportSecurity = "strict-transport-security",
    TransferEncoding = "transfer-encoding",
    UserAgent = "user-agent",
    Vary = "vary",
    Via = "via",
    WwwAuthenticate = "www-authenticate",
    Protocol = ":protocol",
    Connection = "connection",
    KeepAlive = "keep-alive",
    ProxyConnection = "proxy-connection",
    Te = "te",
    Trailer = "trailer",
    Upgrade = "upgrade",
    Priority = "priority",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_in_lower_case_alone() {
        for known in [Known::Authority, Known::Te, Known::StrictTransportSecurity] {
            assert_eq!(Known::of(known.name().as_bytes()), known);
        }
        assert_eq!(Known::of(b"Te"), Known::Other);
        assert_eq!(Known::of(b""), Known::Other);
        assert_eq!(Known::of(b":other"), Known::OtherPseudo);
    }
}
