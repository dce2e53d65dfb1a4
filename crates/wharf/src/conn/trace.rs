//! TRACE: the request as it came, for those who ask what is in between (RFC 9110 section 9.3.8).
//!
//! Off unless the program allows it, since scripts have used it to read what browsers keep from
//! them. Not here: any other method.

use http::{StatusCode, Version};
use wharf_proto::RequestHead;

use crate::response::Response;

/// Fields that may hold credentials (RFC 9110 section 9.3.8 has them left out).
const SENSITIVE: &[&str] = &["authorization", "proxy-authorization", "cookie"];

/// Fields of unknown name that speak of a secret are left out as well.
const SUSPICIOUS: &[&str] = &["auth", "cookie", "key", "secret", "session", "token"];

/// The response to TRACE: `head` without what is nobody else's business, or 501.
pub(super) fn trace(head: &RequestHead, is_allowed: bool) -> Response {
    if !is_allowed {
        return Response::status_page(StatusCode::NOT_IMPLEMENTED);
    }
    let version = if head.version() == Version::HTTP_10 { "HTTP/1.0" } else { "HTTP/1.1" };
    let mut echo = format!("{} {} {version}\r\n", head.method(), head.target()).into_bytes();
    for (name, value) in head.headers().iter().filter(|(name, _)| !is_sensitive(name)) {
        echo.extend_from_slice(name.as_bytes());
        echo.extend_from_slice(b": ");
        echo.extend_from_slice(value);
        echo.extend_from_slice(b"\r\n");
    }
    echo.extend_from_slice(b"\r\n");
    Response::of_type("message/http", echo)
}

fn is_sensitive(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SENSITIVE.contains(&&*name) || SUSPICIOUS.iter().any(|word| name.contains(word))
}
