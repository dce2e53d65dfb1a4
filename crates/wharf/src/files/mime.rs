//! The media type of a file, by its name alone.
//!
//! The only place that knows `mime_guess`. Not here: looking into files, which `nosniff` asks
//! clients not to do either.

use std::borrow::Cow;
use std::path::Path;

/// For names that tell nothing: clients then save the file instead of showing it.
const UNKNOWN: &str = "application/octet-stream";

/// Types by extension that differ from the table's: RFC 9239, and what is on the web under `ts`.
const CORRECTIONS: &[(&str, &str)] = &[("mjs", "text/javascript"), ("ts", "video/mp2t")];

/// Types whose text is UTF-8, besides `text/*`, `*+json` and `*+xml`.
const UTF_8_TYPES: &[&str] = &[
    "application/javascript",
    "application/json",
    "application/rtf",
    "application/sql",
    "application/x-sh",
    "application/xml",
];

/// The value of `Content-Type` for a file of that name.
pub(super) fn content_type(path: &Path) -> Cow<'static, str> {
    let media_type = media_type(path);
    let is_utf_8 = media_type.starts_with("text/")
        || media_type.ends_with("+json")
        || media_type.ends_with("+xml")
        || UTF_8_TYPES.contains(&media_type);
    if is_utf_8 { format!("{media_type}; charset=utf-8").into() } else { media_type.into() }
}

fn media_type(path: &Path) -> &'static str {
    let Some(extension) = path.extension().and_then(|extension| extension.to_str()) else {
        return UNKNOWN;
    };
    let correction = CORRECTIONS.iter().find(|(other, _)| extension.eq_ignore_ascii_case(other));
    match correction {
        Some((_, media_type)) => media_type,
        None => mime_guess::from_ext(extension).first_raw().unwrap_or(UNKNOWN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_a_charset() {
        let rows = [
            ("a.html", "text/html; charset=utf-8"),
            ("a.HTM", "text/html; charset=utf-8"),
            ("a.css", "text/css; charset=utf-8"),
            ("a.js", "text/javascript; charset=utf-8"),
            ("a.mjs", "text/javascript; charset=utf-8"),
            ("a.json", "application/json; charset=utf-8"),
            ("a.webmanifest", "application/manifest+json; charset=utf-8"),
            ("a.svg", "image/svg+xml; charset=utf-8"),
            ("a.xml", "text/xml; charset=utf-8"),
            ("a.txt", "text/plain; charset=utf-8"),
            ("a.md", "text/markdown; charset=utf-8"),
            ("a.png", "image/png"),
            ("a.woff2", "font/woff2"),
            ("a.wasm", "application/wasm"),
            ("a.pdf", "application/pdf"),
            ("a.tar.gz", "application/gzip"),
            ("a.TS", "video/mp2t"),
            ("Makefile", "application/octet-stream"),
            (".html", "application/octet-stream"),
            ("a.unheard-of", "application/octet-stream"),
            ("a.", "application/octet-stream"),
        ];
        for (name, expected) in rows {
            assert_eq!(content_type(Path::new(name)), expected, "{name}");
        }
    }
}
