//! The page that shows a directory.
//!
//! Plain HTML and one style sheet, which stands in the page and is named by its hash, so that the
//! policy allows nothing else: no scripts, no images, nothing from elsewhere. Every text goes
//! through [`Escaped`], every name in a link through `percent`. Links are relative, which keeps
//! them right wherever the directory is mounted. Not here: what is listed, and in which order
//! (`listing.rs`).

use std::fmt::{self, Write};

use super::conditional::Modified;
use super::listing::{Column, Direction, Entry, Kind, Listing, MAX_ENTRIES, Order};
use crate::percent;
use crate::{Request, Response};

pub(super) const STYLE: &str = include_str!("page.css");

/// The page needs its own style sheet and nothing else. A test tells the hash when that has
/// changed.
pub(super) const POLICY: &str = "default-src 'none'; \
    style-src 'sha256-SYHe1C9ZDI4i2Hrt9fc45LSwD+OqvLF/D6pfrRPeijo='; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The signs before the names, drawn once and used by reference.
const SIGNS: &str = include_str!("page.svg");

/// The page for the directory that `request` asks for.
pub(super) fn response(request: &Request, mut listing: Listing, order: Order) -> Response {
    listing.sort(order);
    let mut html = String::with_capacity(8192 + 320 * listing.entries.len());
    write_page(&mut html, request, &listing, order).expect("a string takes everything");
    Response::html(html)
        .with_header("Content-Security-Policy", POLICY)
        .with_header("X-Content-Type-Options", "nosniff")
}

fn write_page(
    html: &mut String,
    request: &Request,
    listing: &Listing,
    order: Order,
) -> fmt::Result {
    let path = percent::decode(request.path());
    let path = path.as_deref().unwrap_or(request.path());
    let query = Query(order);
    write!(
        html,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Index of {}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{SIGNS}",
        Escaped(path)
    )?;
    let is_top = write_crumbs(html, request, query)?;
    write_head(html, order)?;
    if !is_top {
        writeln!(
            html,
            "<tr><td><a href=\"../{query}\"><svg aria-hidden=\"true\"><use href=\"#u\"/></svg>\
             Parent directory</a></td><td></td><td></td></tr>"
        )?;
    }
    for entry in &listing.entries {
        write_entry(html, entry, query)?;
    }
    if listing.entries.is_empty() {
        html.push_str("<tr><td colspan=\"3\" class=\"none\">This directory is empty</td></tr>\n");
    }
    html.push_str("</tbody>\n</table>\n</main>\n");
    write_foot(html, listing)
}

/// Writes where the directory is, with links up to where the files are mounted, and says whether it
/// is there itself.
fn write_crumbs(html: &mut String, request: &Request, query: Query) -> Result<bool, fmt::Error> {
    let rest = request.rest_path();
    let mount = request.path().strip_suffix(rest).unwrap_or_default();
    let names = rest.split('/').filter(|name| !name.is_empty());
    let mut above = names.clone().count();
    let is_top = above == 0;
    html.push_str("<main>\n<nav aria-label=\"Path\"><h1>");
    for name in std::iter::once(mount).chain(names) {
        let name = percent::decode_bytes(name);
        let name = match &*name {
            b"" => "Home".into(),
            name => String::from_utf8_lossy(name),
        };
        let name = Escaped(&name);
        if above == 0 {
            write!(html, "<bdi aria-current=\"page\">{name}</bdi>")?;
            break;
        }
        let up = "../".repeat(above);
        write!(html, "<a href=\"{up}{query}\"><bdi>{name}</bdi></a><i>/</i>")?;
        above -= 1;
    }
    html.push_str("</h1></nav>\n");
    Ok(is_top)
}

fn write_head(html: &mut String, order: Order) -> fmt::Result {
    html.push_str("<table>\n<thead><tr>");
    for column in Column::ALL {
        let label = match column {
            Column::Name => "Name",
            Column::Size => "Size",
            Column::Date => "Modified",
        };
        let state = match order.direction {
            _ if order.column != column => "",
            Direction::Ascending => " aria-sort=\"ascending\"",
            Direction::Descending => " aria-sort=\"descending\"",
        };
        let link = Query(order.after_click(column)).in_full();
        write!(html, "<th scope=\"col\"{state}><a href=\"./{link}\">{label}</a></th>")?;
    }
    html.push_str("</tr></thead>\n<tbody>\n");
    Ok(())
}

fn write_entry(html: &mut String, entry: &Entry, query: Query) -> fmt::Result {
    let name = String::from_utf8_lossy(&entry.name);
    let (name, link) = (Escaped(&name), percent::encode_segment(&entry.name));
    match entry.kind {
        Kind::Directory => write!(
            html,
            "<tr><td><a href=\"./{link}/{query}\"><svg class=\"folder\" aria-hidden=\"true\">\
             <use href=\"#d\"/></svg><bdi>{name}</bdi></a></td><td></td>"
        )?,
        Kind::File(bytes) => write!(
            html,
            "<tr><td><a href=\"./{link}\"><svg aria-hidden=\"true\"><use href=\"#f\"/></svg>\
             <bdi>{name}</bdi></a></td><td title=\"{} bytes\">{}</td>",
            Grouped(bytes),
            Size(bytes)
        )?,
    }
    match entry.modified.map(Modified::http_date) {
        Some(date) => {
            let (day, time) = parts_of_date(&date);
            writeln!(html, "<td title=\"{date}\">{day}<span> {time}</span></td></tr>")
        }
        None => {
            html.push_str("<td></td></tr>\n");
            Ok(())
        }
    }
}

fn write_foot(html: &mut String, listing: &Listing) -> fmt::Result {
    let directories = listing.entries.iter().filter(|entry| entry.kind.is_directory()).count();
    let files = listing.entries.len() - directories;
    let bytes = listing.entries.iter().map(|entry| entry.kind.bytes()).fold(0, u64::saturating_add);
    let count = |number: usize, one: &str, many: &str| {
        let name = if number == 1 { one } else { many };
        format!("{} {name}", Grouped(number as u64))
    };
    write!(
        html,
        "<footer>\n<p>{}, {}, {}. Times are UTC.</p>\n",
        count(directories, "directory", "directories"),
        count(files, "file", "files"),
        Size(bytes)
    )?;
    if listing.is_cut {
        let max = Grouped(MAX_ENTRIES as u64);
        writeln!(
            html,
            "<p>This directory has more than {max} entries; the others are not shown.</p>"
        )?;
    }
    html.push_str("</footer>\n</body>\n</html>\n");
    Ok(())
}

/// Day and time of a date like `Sun, 06 Nov 1994 08:49:37 GMT`: `6 Nov 1994` and `08:49`.
fn parts_of_date(date: &str) -> (&str, &str) {
    let day = date.get(5..16).unwrap_or_default().trim_start_matches('0');
    (day, date.get(17..22).unwrap_or_default())
}

/// The query that asks for an order, if it is not the default.
#[derive(Clone, Copy)]
struct Query(Order);

impl Query {
    fn in_full(self) -> String {
        let Order { column, direction } = self.0;
        format!("?sort={}&amp;order={}", column.word(), direction.word())
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == Order::DEFAULT { Ok(()) } else { f.write_str(&self.in_full()) }
    }
}

/// Text in which nothing has a meaning for HTML.
///
/// Control characters are made visible, and those that would change the order in which the rest is
/// read are replaced: what one sees is what the name is.
struct Escaped<'t>(&'t str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for char in self.0.chars() {
            match char {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                // U+2400 begins the pictures of the control characters.
                '\0'..=' ' if char != ' ' => {
                    let picture = char::from_u32(0x2400 + u32::from(char));
                    f.write_char(picture.unwrap_or(char::REPLACEMENT_CHARACTER))?;
                }
                '\u{7f}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                    f.write_char(char::REPLACEMENT_CHARACTER)?;
                }
                _ => f.write_char(char)?,
            }
        }
        Ok(())
    }
}

/// A number of bytes with three digits and a unit.
struct Size(u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
        if self.0 < 1000 {
            return write!(f, "{} B", self.0);
        }
        let bytes = u128::from(self.0);
        let mut scale = 1000;
        for unit in UNITS {
            let tenths = (bytes * 10 + scale / 2) / scale;
            if tenths < 1000 {
                return write!(f, "{}.{} {unit}", tenths / 10, tenths % 10);
            }
            let whole = (bytes + scale / 2) / scale;
            if whole < 1000 {
                return write!(f, "{whole} {unit}");
            }
            scale *= 1000;
        }
        unreachable!("2^64 bytes are fewer than 1000 EB")
    }
}

/// A number with commas between thousands.
struct Grouped(u64);

impl fmt::Display for Grouped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                f.write_char(',')?;
            }
            f.write_char(digit)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_has_a_meaning_for_html() {
        let text = "<b>\"a\" & 'b'</b>\n\0\u{7f}\u{202e}gpj.exe ü";
        let expected =
            "&lt;b&gt;&quot;a&quot; &amp; &#39;b&#39;&lt;/b&gt;␊␀\u{fffd}\u{fffd}gpj.exe ü";
        assert_eq!(Escaped(text).to_string(), expected);
    }

    #[test]
    fn sizes_have_three_digits_and_a_unit() {
        let rows = [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (1049, "1.0 kB"),
            (1050, "1.1 kB"),
            (99_949, "99.9 kB"),
            (99_950, "100 kB"),
            (999_499, "999 kB"),
            (1_000_000, "1.0 MB"),
            (1_234_567_890, "1.2 GB"),
            (u64::MAX, "18.4 EB"),
        ];
        for (bytes, expected) in rows {
            assert_eq!(Size(bytes).to_string(), expected, "{bytes}");
        }
    }

    #[test]
    fn thousands_are_kept_apart() {
        for (number, expected) in
            [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")]
        {
            assert_eq!(Grouped(number).to_string(), expected);
        }
    }

    #[test]
    fn dates_are_short() {
        assert_eq!(parts_of_date("Sun, 06 Nov 1994 08:49:37 GMT"), ("6 Nov 1994", "08:49"));
    }
}
