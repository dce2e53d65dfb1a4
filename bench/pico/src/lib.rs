//! The parser of H2O for request heads, in C with SSE4.2, behind a safe function.
//!
//! Not here: timing (`micro`).

use std::ptr::null;

use picohttpparser_sys::{phr_header, phr_parse_request};

/// The fields that a head may have.
const MAX_FIELDS: usize = 64;

/// Room for the fields of a head.
pub struct Parser {
    fields: [phr_header; MAX_FIELDS],
}

impl Default for Parser {
    fn default() -> Self {
        Self { fields: [phr_header::default(); MAX_FIELDS] }
    }
}

impl Parser {
    /// Parses `head` and returns its length and how many fields it has, if it is there in full and
    /// good.
    pub fn parse(&mut self, head: &[u8]) -> Option<(usize, usize)> {
        let (mut method, mut method_len, mut path, mut path_len) = (null(), 0, null(), 0);
        let (mut minor_version, mut fields) = (0, self.fields.len());
        // SAFETY: no more than `head` is read, and no more than `fields` fields are written; the
        // other pointers are to values that live until the call is over.
        let len = unsafe {
            phr_parse_request(
                head.as_ptr().cast(),
                head.len(),
                &mut method,
                &mut method_len,
                &mut path,
                &mut path_len,
                &mut minor_version,
                self.fields.as_mut_ptr(),
                &mut fields,
                0,
            )
        };
        usize::try_from(len).ok().map(|len| (len, fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_taken_whole_or_not_at_all() {
        let mut parser = Parser::default();
        let head = b"GET / HTTP/1.1\r\nHost: a\r\nAccept: b\r\n\r\n";
        assert_eq!(parser.parse(head), Some((head.len(), 2)));
        assert_eq!(parser.parse(&head[..head.len() - 1]), None);
        assert_eq!(parser.parse(b"GET\r\n\r\n"), None);
    }
}
