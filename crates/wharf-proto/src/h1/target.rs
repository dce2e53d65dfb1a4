//! The forms of a request-target (RFC 9112 section 3.2), and its parts.
//!
//! Not here: which bytes belong to a target (`scan.rs`), and whether its host is ours.

use http::Method;

use crate::authority;
use crate::head::Span;
use crate::headers::{offset, slice};
use crate::{Reject, RequestHead, TargetForm};

/// Finds authority, path and query, and refuses forms that the method does not allow
/// (RFC 9112 section 3.2).
pub(super) fn split(input: &[u8], head: &mut RequestHead) -> Result<(), Reject> {
    let target = slice(input, head.target.at, head.target.len);
    let path_at = if head.method == Method::CONNECT {
        head.form = TargetForm::Authority;
        head.authority = head.target;
        if !authority::is_valid_with_port(target) {
            return Err(Reject::BadTarget);
        }
        target.len()
    } else if target.first() == Some(&b'/') {
        head.form = TargetForm::Origin;
        0
    } else if target == b"*" {
        head.form = TargetForm::Asterisk;
        if head.method != Method::OPTIONS && !is_preface(head) {
            return Err(Reject::BadTarget);
        }
        0
    } else {
        head.form = TargetForm::Absolute;
        let scheme_len = scheme_len(target).ok_or(Reject::BadTarget)?;
        let rest = target.get(scheme_len..).unwrap_or_default();
        let len = rest.iter().position(|byte| b"/?".contains(byte)).unwrap_or(rest.len());
        if !rest.get(..len).is_some_and(authority::is_valid) {
            return Err(Reject::BadTarget);
        }
        head.scheme = Span { at: head.target.at, len: offset(scheme_len - b"://".len()) };
        head.authority = Span { at: head.target.at + offset(scheme_len), len: offset(len) };
        scheme_len + len
    };
    let rest = target.get(path_at..).unwrap_or_default();
    let path_len = rest.iter().position(|&byte| byte == b'?').unwrap_or(rest.len());
    head.path = Span { at: head.target.at + offset(path_at), len: offset(path_len) };
    head.query = (path_len < rest.len()).then(|| Span {
        at: head.path.at + head.path.len + 1,
        len: offset(rest.len() - path_len - 1),
    });
    Ok(())
}

/// Refuses what began as the preface of HTTP/2, `PRI * HTTP/2.0`, and turned out to have a version
/// that we speak (RFC 9113 section 3.4).
pub(super) fn check_preface(head: &RequestHead) -> Result<(), Reject> {
    if head.form == TargetForm::Asterisk && is_preface(head) {
        return Err(Reject::BadTarget);
    }
    Ok(())
}

fn is_preface(head: &RequestHead) -> bool {
    head.method.as_str() == "PRI"
}

/// Whether `Host` names the same host and port as the absolute form of the target, if it was sent.
pub(super) fn agrees_with_host(head: &RequestHead) -> bool {
    let authority = slice(head.headers.received(), head.authority.at, head.authority.len);
    let scheme_len = head.authority.at - head.target.at;
    let default_port = if scheme_len == offset(b"https://".len()) { 443 } else { 80 };
    let host = head.headers.get_bytes("host");
    host.is_none_or(|host| authority::is_same(authority, host, default_port))
}

/// The length of `http://` or `https://` at the start of an absolute form.
fn scheme_len(target: &[u8]) -> Option<usize> {
    ["http://", "https://"].iter().map(|scheme| scheme.len()).find(|&len| {
        let scheme = target.get(..len).unwrap_or_default();
        scheme.eq_ignore_ascii_case(b"http://") || scheme.eq_ignore_ascii_case(b"https://")
    })
}
