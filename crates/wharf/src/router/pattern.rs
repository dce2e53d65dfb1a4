//! [`Pattern`]: what the path of a route or a prefix is written as.
//!
//! A pattern is kept in the normal form of paths (`normal.rs`), with parameters in braces. Paths in
//! normal form have no braces, so the two can't be mistaken for each other. Not here: finding the
//! pattern that a path matches (`paths.rs`).

use std::fmt;

use super::normal;
use crate::Request;

/// The most parameters that one pattern may have. No sensible one comes close.
const MAX_PARAMS: usize = 16;

/// The request-target of `OPTIONS *`.
pub(super) const ASTERISK: &str = "*";

/// A path in which some segments are parameters.
pub(super) struct Pattern {
    text: String,
    segments: usize,
    params: Vec<Param>,
}

struct Param {
    name: Box<str>,
    /// How many segments stand before it.
    segment: usize,
    extent: Extent,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// `{name}`
    Segment,
    /// `{*name}`
    Remainder,
}

/// Why something is not a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Malformed {
    /// Another method than OPTIONS for `*`.
    Asterisk,
    /// A brace that neither is doubled nor encloses a whole segment.
    Brace,
    /// A `.` or `..` segment.
    DotSegment,
    /// Two parameters of the same name.
    DuplicateName,
    /// A parameter's name that is empty or has other characters than letters, digits, `_`, `-`.
    Name,
    /// No slash at the start.
    NoSlash,
    /// A percent sign without two hexadecimal digits.
    Percent,
    /// A prefix with `{*name}`.
    PrefixRemainder,
    /// A prefix with a slash at the end.
    PrefixSlash,
    /// A question mark or a number sign.
    Query,
    /// Something behind `{*name}`.
    Remainder,
    /// More than [`MAX_PARAMS`] parameters.
    TooManyParams,
}

impl Pattern {
    /// Reads the path of a route.
    pub(super) fn route(written: &str) -> Result<Self, Malformed> {
        if written == ASTERISK {
            return Ok(Self { text: written.to_owned(), segments: 0, params: Vec::new() });
        }
        Self::parse(written)
    }

    /// Reads the path of a prefix.
    pub(super) fn prefix(written: &str) -> Result<Self, Malformed> {
        let pattern = Self::parse(written)?;
        if written == "/" {
            return Ok(Self { text: String::new(), segments: 0, params: Vec::new() });
        }
        if written.ends_with('/') {
            return Err(Malformed::PrefixSlash);
        }
        if pattern.params.iter().any(|param| param.extent == Extent::Remainder) {
            return Err(Malformed::PrefixRemainder);
        }
        Ok(pattern)
    }

    /// How many segments stand before `{*name}`, if there is one.
    pub(super) fn remainder_at(&self) -> Option<usize> {
        let last = self.params.last().filter(|param| param.extent == Extent::Remainder)?;
        Some(last.segment)
    }

    fn parse(written: &str) -> Result<Self, Malformed> {
        let rest = written.strip_prefix('/').ok_or(Malformed::NoSlash)?;
        let mut pattern = Self { text: String::new(), segments: 0, params: Vec::new() };
        for segment in rest.split('/') {
            pattern.push_segment(segment)?;
        }
        Ok(pattern)
    }

    fn push_segment(&mut self, written: &str) -> Result<(), Malformed> {
        if self.params.last().is_some_and(|param| param.extent == Extent::Remainder) {
            return Err(Malformed::Remainder);
        }
        self.text.push('/');
        if let Some(inner) = written.strip_prefix('{').filter(|inner| !inner.starts_with('{')) {
            let inner = inner.strip_suffix('}').ok_or(Malformed::Brace)?;
            self.push_param(inner)?;
            self.text.push_str(written);
        } else {
            let start = self.text.len();
            normal::push(&literal(written)?, &mut self.text);
            if self.text.get(start..).is_some_and(normal::is_dot_segment) {
                return Err(Malformed::DotSegment);
            }
        }
        self.segments += 1;
        Ok(())
    }

    fn push_param(&mut self, inner: &str) -> Result<(), Malformed> {
        let (name, extent) = match inner.strip_prefix('*') {
            Some(name) => (name, Extent::Remainder),
            None => (inner, Extent::Segment),
        };
        let is_in_names = |char: char| char.is_alphanumeric() || matches!(char, '_' | '-');
        if name.is_empty() || !name.chars().all(is_in_names) {
            return Err(Malformed::Name);
        }
        if self.params.iter().any(|param| *param.name == *name) {
            return Err(Malformed::DuplicateName);
        }
        if self.params.len() == MAX_PARAMS {
            return Err(Malformed::TooManyParams);
        }
        self.params.push(Param { name: name.into(), segment: self.segments, extent });
        Ok(())
    }

    /// The pattern in normal form. That of a prefix has no slash at the end, so `/` is empty.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) const fn segments(&self) -> usize {
        self.segments
    }

    pub(super) const fn has_params(&self) -> bool {
        !self.params.is_empty()
    }

    /// Gives `request` the parameters of this pattern, which its rest path matches.
    ///
    /// Segments are counted in the path as it came: the normal form has as many.
    #[inline]
    pub(super) fn push_params(&self, request: &mut Request) {
        if !self.params.is_empty() {
            self.push_all_params(request);
        }
    }

    fn push_all_params(&self, request: &mut Request) {
        let mut at = request.path().len() - request.rest_path().len();
        let mut segment = 0;
        // Behind the slash at the start.
        at += 1;
        for param in &self.params {
            let next_slash = |at: usize| {
                let rest = request.path().get(at..).unwrap_or_default();
                rest.find('/').map(|len| at + len)
            };
            while segment < param.segment {
                let Some(slash) = next_slash(at) else { return };
                at = slash + 1;
                segment += 1;
            }
            let path_end = request.path().len();
            let end = match param.extent {
                Extent::Segment => next_slash(at).unwrap_or(path_end),
                Extent::Remainder => path_end,
            };
            request.push_param(&param.name, at..end);
        }
    }
}

/// The first `count` segments of `path`, each with the slash before it, if there are so many.
pub(super) fn head(path: &str, count: usize) -> Option<&str> {
    let mut missing = count;
    for (at, _) in path.match_indices('/') {
        if missing == 0 {
            return path.get(..at);
        }
        missing -= 1;
    }
    (missing == 0).then_some(path)
}

/// A segment without parameters, with its doubled braces made one.
fn literal(written: &str) -> Result<String, Malformed> {
    if written.contains(['?', '#']) {
        return Err(Malformed::Query);
    }
    if !normal::is_well_encoded(written) {
        return Err(Malformed::Percent);
    }
    let mut plain = String::with_capacity(written.len());
    let mut chars = written.chars();
    while let Some(char) = chars.next() {
        if matches!(char, '{' | '}') && chars.next() != Some(char) {
            return Err(Malformed::Brace);
        }
        plain.push(char);
    }
    Ok(plain)
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Asterisk => "only OPTIONS has the target `*`",
            Self::Brace => "a parameter is a whole segment like `{id}`; a brace itself is doubled",
            Self::DotSegment => "paths with `.` or `..` segments are never matched",
            Self::DuplicateName => "two parameters have the same name",
            Self::Name => "the name of a parameter is made of letters, digits, `_` and `-`",
            Self::NoSlash => "a path begins with a slash",
            Self::Percent => "a percent sign is followed by two hexadecimal digits",
            Self::PrefixRemainder => "a prefix has a remainder anyway: leave the `{*name}` out",
            Self::PrefixSlash => "a prefix is written without a slash at the end",
            Self::Query => "a path has neither a query nor a fragment",
            Self::Remainder => "nothing can follow a remainder like `{*rest}`",
            Self::TooManyParams => "a path has at most 16 parameters",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_kept_in_normal_form() {
        let rows = [
            ("/", "/"),
            ("/a/{id}/", "/a/{id}/"),
            ("/{*rest}", "/{*rest}"),
            ("/über/a b", "/%C3%BCber/a%20b"),
            ("/%41%2f", "/A%2F"),
            ("/{{id}}", "/%7Bid%7D"),
            ("/a//b", "/a//b"),
            ("*", "*"),
        ];
        for (written, expected) in rows {
            let pattern = Pattern::route(written);
            assert_eq!(pattern.as_ref().map(Pattern::text), Ok(expected), "{written}");
        }
        for (written, text, segments) in
            [("/", "", 0), ("/a", "/a", 1), ("/{tenant}/files", "/{tenant}/files", 2)]
        {
            let pattern = Pattern::prefix(written).ok().unwrap();
            assert_eq!((pattern.text(), pattern.segments()), (text, segments), "{written}");
        }
    }

    #[test]
    fn a_head_is_a_number_of_segments() {
        let rows = [
            ("/a/b", 0, Some("")),
            ("/a/b", 1, Some("/a")),
            ("/a/b", 2, Some("/a/b")),
            ("/a/b", 3, None),
            ("/a/", 1, Some("/a")),
            ("/a/", 2, Some("/a/")),
            ("/", 1, Some("/")),
            ("/", 2, None),
            ("", 0, Some("")),
            ("", 1, None),
        ];
        for (path, count, expected) in rows {
            assert_eq!(head(path, count), expected, "{count} of {path}");
        }
    }

    impl fmt::Debug for Pattern {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(&self.text)
        }
    }
}
