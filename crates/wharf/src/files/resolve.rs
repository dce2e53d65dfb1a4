//! From the path of a request to a place below the root, or to nothing.
//!
//! [`Wanted`] looks at the path alone: it is decoded once, and every segment must be the plain name
//! of a file. [`place`] then asks the file system where that leads. Not here: what is at the place,
//! and the rights to it.
//!
//! A link that is exchanged between the check and the opening is followed. Whoever can do that can
//! write below the root, and could have put the contents there as well.

use std::fs;
use std::path::{Path, PathBuf};

use super::Failure;
use super::name;
use crate::percent;

/// What becomes of names that begin with a dot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DotFiles {
    Refused,
    Served,
}

/// Where symbolic links may lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Symlinks {
    BelowRoot,
    Anywhere,
}

/// The one directory with a dot that is meant for everybody (RFC 8615).
const WELL_KNOWN: &[u8] = b".well-known";

/// What a request asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Relative to the root, made of plain names only.
    pub(super) path: PathBuf,
    /// Whether the path of the request ends with a slash, and so means a directory.
    pub(super) is_directory: bool,
}

impl Wanted {
    /// Reads what is left of the path of a request. `None` if it is something that is not served.
    pub(super) fn parse(rest_path: &str, dot_files: DotFiles) -> Option<Self> {
        let mut wanted = Self { path: PathBuf::new(), is_directory: false };
        if rest_path.is_empty() {
            return Some(wanted);
        }
        let mut segments = rest_path.strip_prefix('/')?.split('/').peekable();
        while let Some(segment) = segments.next() {
            if segment.is_empty() && segments.peek().is_none() {
                wanted.is_directory = true;
                break;
            }
            let name = percent::decode_bytes(segment);
            let is_first = wanted.path.as_os_str().is_empty();
            if !(is_servable(&name, dot_files) || is_first && *name == *WELL_KNOWN) {
                return None;
            }
            wanted.path.push(name::from_bytes(name.into_owned())?);
        }
        Some(wanted)
    }
}

/// Whether `name`, decoded, is the plain name of a file that may be served.
pub(super) fn is_servable(name: &[u8], dot_files: DotFiles) -> bool {
    if name.is_empty() || matches!(name, b"." | b"..") || name.contains(&b'/') || name.contains(&0)
    {
        return false;
    }
    let is_hidden = name.starts_with(b".") && dot_files == DotFiles::Refused;
    !is_hidden && !name::is_special(name)
}

/// Where `path` leads, which is below `root`, a canonical path, unless links may lead anywhere.
///
/// # Errors
///
/// [`Failure::NotFound`] if it leads out, or nowhere.
pub(super) fn place(root: &Path, path: PathBuf, symlinks: Symlinks) -> Result<PathBuf, Failure> {
    if symlinks == Symlinks::Anywhere {
        return Ok(path);
    }
    let place = fs::canonicalize(path)?;
    if place.starts_with(root) { Ok(place) } else { Err(Failure::NotFound) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(rest_path: &str) -> Option<(String, bool)> {
        let wanted = Wanted::parse(rest_path, DotFiles::Refused)?;
        Some((wanted.path.to_str().unwrap().to_owned(), wanted.is_directory))
    }

    #[test]
    fn plain_names_are_wanted() {
        let rows = [
            ("", "", false),
            ("/", "", true),
            ("/a", "a", false),
            ("/a/", "a", true),
            ("/a/b.txt", "a/b.txt", false),
            ("/a%20b/%C3%BC", "a b/ü", false),
            ("/%61", "a", false),
            ("/100%", "100%", false),
            ("/%252e%252e", "%2e%2e", false),
            ("/...", "...", false),
            ("/a..b", "a..b", false),
            ("/.well-known/acme", ".well-known/acme", false),
            ("/~root", "~root", false),
        ];
        for (rest_path, path, is_directory) in rows {
            // Three dots are hidden like any name with a dot.
            let expected = (rest_path != "/...").then(|| (path.to_owned(), is_directory));
            assert_eq!(parse(rest_path), expected, "{rest_path}");
        }
    }

    #[test]
    fn everything_else_is_not() {
        let rows = [
            "*",
            "a",
            "//",
            "//a",
            "/a//",
            "/a//b",
            "/.",
            "/..",
            "/./",
            "/../a",
            "/a/..",
            "/a/../b",
            "/%2e",
            "/%2e%2e",
            "/.%2E/a",
            "/%2e./a",
            "/a%2fb",
            "/a%2Fb",
            "/..%2fb",
            "/%2f",
            "/a%00",
            "/%00",
            "/.git/config",
            "/a/.env",
            "/%2egit",
            "/a/.well-known/b",
            "/.well-known.bak",
        ];
        for rest_path in rows {
            assert_eq!(parse(rest_path), None, "{rest_path}");
        }
    }

    #[test]
    fn hidden_files_are_served_on_request_but_dot_segments_never() {
        for (rest_path, is_served) in
            [("/.git/config", true), ("/...", true), ("/..", false), ("/a/%2e", false)]
        {
            let wanted = Wanted::parse(rest_path, DotFiles::Served);
            assert_eq!(wanted.is_some(), is_served, "{rest_path}");
        }
    }
}
