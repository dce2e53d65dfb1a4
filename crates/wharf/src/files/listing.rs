//! [`Listing`]: what is in a directory, and in which [`Order`].
//!
//! Not here: how it looks (`page.rs`).

use std::cmp::Ordering;
use std::fs::{self, DirEntry};
use std::path::{Path, PathBuf};

use super::conditional::Modified;
use super::resolve::{DotFiles, is_servable};
use super::{Failure, name};

/// How many entries of a directory are looked at. With about 300 bytes for each, the page has 3 MB.
pub(super) const MAX_ENTRIES: usize = 10_000;

/// What is in a directory and would be served.
pub(super) struct Listing {
    pub(super) entries: Vec<Entry>,
    /// Whether there are more than [`MAX_ENTRIES`].
    pub(super) is_cut: bool,
}

pub(super) struct Entry {
    pub(super) name: Vec<u8>,
    pub(super) kind: Kind,
    pub(super) modified: Option<Modified>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Directory,
    /// A file of so many bytes.
    File(u64),
}

/// By what the entries are sorted. Directories come first in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) column: Column,
    pub(super) direction: Direction,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Name,
    Size,
    Date,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Ascending,
    Descending,
}

impl Listing {
    /// Reads the directory at `path`; `place` says where the path of a link in it leads.
    pub(super) fn read(
        path: &Path,
        dot_files: DotFiles,
        place: impl Fn(PathBuf) -> Result<PathBuf, Failure>,
    ) -> Result<Self, Failure> {
        let mut listing = Self { entries: Vec::new(), is_cut: false };
        for (count, entry) in fs::read_dir(place(path.to_owned())?)?.enumerate() {
            if count == MAX_ENTRIES {
                listing.is_cut = true;
                break;
            }
            // One that was removed meanwhile, or leads nowhere, is left out.
            listing.entries.extend(Entry::read(&entry?, dot_files, &place));
        }
        Ok(listing)
    }

    pub(super) fn sort(&mut self, order: Order) {
        let by_name = |a: &(Vec<u8>, Entry), b: &(Vec<u8>, Entry)| {
            compare_names(&a.0, &b.0).then_with(|| a.1.name.cmp(&b.1.name))
        };
        let entries = std::mem::take(&mut self.entries);
        let mut keyed: Vec<_> =
            entries.into_iter().map(|entry| (entry.sort_key(), entry)).collect();
        keyed.sort_by(|a, b| {
            let by_column = match order.column {
                Column::Name => by_name(a, b),
                Column::Size => a.1.kind.bytes().cmp(&b.1.kind.bytes()),
                Column::Date => a.1.modified.cmp(&b.1.modified),
            };
            let by_column = match order.direction {
                Direction::Ascending => by_column,
                Direction::Descending => by_column.reverse(),
            };
            let by_kind = b.1.kind.is_directory().cmp(&a.1.kind.is_directory());
            by_kind.then(by_column).then_with(|| by_name(a, b))
        });
        self.entries = keyed.into_iter().map(|(_, entry)| entry).collect();
    }
}

impl Entry {
    fn read(
        entry: &DirEntry,
        dot_files: DotFiles,
        place: impl Fn(PathBuf) -> Result<PathBuf, Failure>,
    ) -> Option<Self> {
        let name = entry.file_name();
        let name = name::to_bytes(&name).filter(|name| is_servable(name, dot_files))?;
        let metadata = if entry.file_type().ok()?.is_symlink() {
            fs::metadata(place(entry.path()).ok()?)
        } else {
            entry.metadata()
        };
        let metadata = metadata.ok()?;
        let kind = match (metadata.is_dir(), metadata.is_file()) {
            (true, _) => Kind::Directory,
            (_, true) => Kind::File(metadata.len()),
            (false, false) => return None,
        };
        let modified = metadata.modified().ok().and_then(Modified::new);
        Some(Self { name: name.to_owned(), kind, modified })
    }

    /// The name without regard to case.
    fn sort_key(&self) -> Vec<u8> {
        String::from_utf8_lossy(&self.name).to_lowercase().into_bytes()
    }
}

impl Kind {
    pub(super) const fn is_directory(self) -> bool {
        matches!(self, Self::Directory)
    }

    pub(super) const fn bytes(self) -> u64 {
        match self {
            Self::Directory => 0,
            Self::File(bytes) => bytes,
        }
    }
}

impl Order {
    /// By name, A to Z.
    pub(super) const DEFAULT: Self = Self { column: Column::Name, direction: Direction::Ascending };

    /// Reads `sort` and `order`; what makes no sense is as if it were not there.
    pub(super) fn from_query(pairs: impl Iterator<Item = (String, String)>) -> Self {
        let (mut column, mut direction) = (None, None);
        for (name, value) in pairs {
            match name.as_str() {
                "sort" => column = Column::ALL.into_iter().find(|column| column.word() == value),
                "order" => {
                    direction = Direction::ALL.into_iter().find(|other| other.word() == value);
                }
                _ => {}
            }
        }
        let column = column.unwrap_or(Self::DEFAULT.column);
        Self { column, direction: direction.unwrap_or(column.first_direction()) }
    }

    /// The order that a click on the head of `column` asks for.
    pub(super) fn after_click(self, column: Column) -> Self {
        let direction = match self.direction {
            _ if self.column != column => column.first_direction(),
            Direction::Ascending => Direction::Descending,
            Direction::Descending => Direction::Ascending,
        };
        Self { column, direction }
    }
}

impl Column {
    pub(super) const ALL: [Self; 3] = [Self::Name, Self::Size, Self::Date];

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Size => "size",
            Self::Date => "date",
        }
    }

    /// What one is likely to look for: the start of the alphabet, the largest, the newest.
    const fn first_direction(self) -> Direction {
        match self {
            Self::Name => Direction::Ascending,
            Self::Size | Self::Date => Direction::Descending,
        }
    }
}

impl Direction {
    const ALL: [Self; 2] = [Self::Ascending, Self::Descending];

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Ascending => "asc",
            Self::Descending => "desc",
        }
    }
}

/// Compares names as people do: `file 9` comes before `file 10`.
fn compare_names(mut a: &[u8], mut b: &[u8]) -> Ordering {
    loop {
        let (number_a, number_b) = (leading_number(a), leading_number(b));
        let (order, len_a, len_b) = if number_a.is_empty() || number_b.is_empty() {
            let (Some(byte_a), Some(byte_b)) = (a.first(), b.first()) else {
                return a.len().cmp(&b.len());
            };
            (byte_a.cmp(byte_b), 1, 1)
        } else {
            (compare_numbers(number_a, number_b), number_a.len(), number_b.len())
        };
        if order != Ordering::Equal {
            return order;
        }
        a = a.get(len_a..).unwrap_or_default();
        b = b.get(len_b..).unwrap_or_default();
    }
}

/// The digits that `name` begins with.
fn leading_number(name: &[u8]) -> &[u8] {
    let len = name.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(name.len());
    name.get(..len).unwrap_or_default()
}

/// Compares digits by the number they make, which may be too large for an integer.
fn compare_numbers(a: &[u8], b: &[u8]) -> Ordering {
    let significant = |digits: &[u8]| {
        let zeros = digits.iter().take_while(|&&digit| digit == b'0').count();
        digits.len() - zeros
    };
    let (len_a, len_b) = (significant(a), significant(b));
    len_a.cmp(&len_b).then_with(|| a[a.len() - len_a..].cmp(&b[b.len() - len_b..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_as_people_do() {
        let sorted = [
            "",
            "!",
            "1",
            "01",
            "2",
            "10",
            "a",
            "a1",
            "a1b",
            "a2",
            "a10",
            "a10b",
            "a99999999999999999999",
            "a100000000000000000000",
            "b",
            "ä",
        ];
        for (index, a) in sorted.iter().enumerate() {
            for (other, b) in sorted.iter().enumerate() {
                let expected = if a.trim_start_matches('0') == b.trim_start_matches('0') {
                    Ordering::Equal
                } else {
                    index.cmp(&other)
                };
                assert_eq!(compare_names(a.as_bytes(), b.as_bytes()), expected, "{a:?} {b:?}");
            }
        }
    }

    fn listing(names: &[(&str, Kind, u64)]) -> Listing {
        let entries = names.iter().map(|(name, kind, seconds)| Entry {
            name: name.as_bytes().to_owned(),
            kind: *kind,
            modified: Modified::new(
                std::time::UNIX_EPOCH + std::time::Duration::from_secs(*seconds),
            ),
        });
        Listing { entries: entries.collect(), is_cut: false }
    }

    #[test]
    fn each_column_sorts_in_both_directions_and_directories_come_first() {
        use Kind::{Directory, File};
        let rows = [
            ("name", "asc", "d x a C"),
            ("name", "desc", "x d C a"),
            ("size", "asc", "d x a C"),
            ("size", "desc", "d x C a"),
            ("date", "asc", "d x C a"),
            ("date", "desc", "x d a C"),
            ("nonsense", "asc", "d x a C"),
            ("size", "nonsense", "d x C a"),
        ];
        for (sort, direction, expected) in rows {
            let mut listing = listing(&[
                ("C", File(20), 5),
                ("a", File(10), 9),
                ("x", Directory, 7),
                ("d", Directory, 3),
            ]);
            let pairs = [("sort", sort), ("order", direction)];
            let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
            listing.sort(Order::from_query(pairs.into_iter()));
            let names: Vec<_> = listing.entries.iter().map(|entry| &entry.name[..]).collect();
            assert_eq!(names.join(&b' '), expected.as_bytes(), "{sort} {direction}");
        }
    }

    #[test]
    fn a_second_click_reverses() {
        let order = Order::DEFAULT.after_click(Column::Date);
        assert_eq!(order, Order { column: Column::Date, direction: Direction::Descending });
        let order = order.after_click(Column::Date);
        assert_eq!(order, Order { column: Column::Date, direction: Direction::Ascending });
        assert_eq!(order.after_click(Column::Name), Order::DEFAULT);
    }
}
