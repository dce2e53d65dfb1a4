//! [`Paths`] and [`Prefixes`]: from a path to the entry that was added for it.
//!
//! The only place that knows `matchit`. Entries are numbers, whose meaning is the router's. Paths
//! are given in normal form (`normal.rs`).

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::pattern::{Pattern, head};

/// Entries by the pattern of the whole path.
///
/// Where several match, a literal segment goes before a parameter, from left to right.
#[derive(Default)]
pub(super) struct Paths {
    /// Every pattern. Those with parameters have braces, which no path in normal form has, so a
    /// path finds only its exact match here.
    by_text: HashMap<String, usize, BuildHasherDefault<TextHasher>>,
    /// The patterns with parameters.
    tree: matchit::Router<usize>,
}

/// Hashes texts quickly. The keys are what the program has written: whoever asks for a path may
/// know which have the same hash, and can add none.
#[derive(Default)]
struct TextHasher(u64);

impl Hasher for TextHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks();
        for word in words {
            self.write_u64(u64::from_le_bytes(*word));
        }
        let last = rest.iter().fold(0, |last, &byte| last << 8 | u64::from(byte));
        self.write_u64(last);
    }

    fn write_u8(&mut self, byte: u8) {
        self.write_u64(byte.into());
    }

    fn write_u64(&mut self, word: u64) {
        /// An odd number whose bits look random.
        const FACTOR: u64 = 0xf135_7aea_2e62_a9c5;
        self.0 = (self.0 ^ word).wrapping_mul(FACTOR);
    }

    fn finish(&self) -> u64 {
        // A product's upper bits depend on all of its factors', its lower ones do not.
        self.0.rotate_left(26)
    }
}

/// An entry whose pattern matches the same paths, if it is known which.
#[derive(Debug)]
pub(super) struct Conflict(pub(super) Option<usize>);

impl Paths {
    /// The entry of the very same pattern.
    pub(super) fn entry(&self, pattern: &Pattern) -> Option<usize> {
        self.written(pattern.text())
    }

    pub(super) fn insert(&mut self, pattern: &Pattern, entry: usize) -> Result<(), Conflict> {
        if let Some(other) = self.entry(pattern) {
            return Err(Conflict(Some(other)));
        }
        if pattern.has_params() {
            self.tree.insert(pattern.text(), entry).map_err(|error| match error {
                matchit::InsertError::Conflict { with } => {
                    Conflict(self.by_text.get(&with).copied())
                }
                // `Pattern` lets through only what is well-formed for the tree too.
                _ => Conflict(None),
            })?;
        }
        self.by_text.insert(pattern.text().to_owned(), entry);
        Ok(())
    }

    /// The entry of the pattern that is written like this.
    pub(super) fn written(&self, text: &str) -> Option<usize> {
        self.by_text.get(text).copied()
    }

    pub(super) fn find(&self, path: &str) -> Option<usize> {
        if let Some(entry) = self.written(path) {
            return Some(entry);
        }
        self.tree.at(path).ok().map(|found| *found.value)
    }
}

/// Entries by the first segments of the path. The more segments, the better the match.
#[derive(Default)]
pub(super) struct Prefixes {
    /// The patterns of so many segments each, most first.
    by_segments: Vec<(usize, Paths)>,
}

impl Prefixes {
    pub(super) fn insert(&mut self, pattern: &Pattern, entry: usize) -> Result<(), Conflict> {
        let segments = pattern.segments();
        let place = self.by_segments.binary_search_by(|(other, _)| segments.cmp(other));
        let place = place.unwrap_or_else(|place| {
            self.by_segments.insert(place, (segments, Paths::default()));
            place
        });
        self.by_segments[place].1.insert(pattern, entry)
    }

    pub(super) fn find(&self, path: &str) -> Option<usize> {
        self.by_segments.iter().find_map(|(segments, paths)| paths.find(head(path, *segments)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that are the same in each run.
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, bound: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            usize::try_from(self.0 >> 33).unwrap() % bound
        }

        fn path(&mut self, alphabet: &[&'static str]) -> String {
            let segments = 1 + self.below(4);
            (0..segments).map(|_| alphabet[self.below(alphabet.len())]).collect()
        }
    }

    /// How well `pattern` matches, if it does: less is better.
    fn rank(pattern: &str, path: &str) -> Option<Vec<u8>> {
        let mut ranks = Vec::new();
        let mut segments = path[1..].split('/');
        for part in pattern[1..].split('/') {
            if part.starts_with("{*") {
                let rest: Vec<&str> = segments.collect();
                return (rest.concat() != "" || rest.len() > 1).then(|| [ranks, vec![2]].concat());
            }
            let segment = segments.next()?;
            let is_param = part.starts_with('{');
            if segment != part && (!is_param || segment.is_empty()) {
                return None;
            }
            ranks.push(u8::from(is_param));
        }
        segments.next().is_none().then_some(ranks)
    }

    #[test]
    fn the_tree_agrees_with_trying_every_pattern() {
        let mut matches = 0;
        for seed in 0..2000 {
            let mut numbers = Numbers(seed);
            let mut patterns: Vec<String> = Vec::new();
            let mut paths = Paths::default();
            for _ in 0..1 + numbers.below(12) {
                let mut text = numbers.path(&["/a", "/b", "/ab", "/", "/{p}"]);
                if numbers.below(4) == 0 {
                    text.push_str("/{*r}");
                }
                while let Some(at) = text.find("{p}") {
                    text.replace_range(at..at + 3, &format!("{{p{at}}}"));
                }
                let pattern = Pattern::route(&text).unwrap();
                if paths.insert(&pattern, patterns.len()).is_ok() {
                    patterns.push(text);
                }
            }
            for _ in 0..50 {
                let path = numbers.path(&["/a", "/b", "/ab", "/", "/abc"]);
                let ranked = patterns.iter().filter_map(|text| Some((rank(text, &path)?, text)));
                let best = ranked.min().map(|(_, text)| text);
                let found = paths.find(&path).map(|entry| &patterns[entry]);
                assert_eq!(found, best, "{path} in {patterns:?}, seed {seed}");
                matches += usize::from(found.is_some());
            }
        }
        assert!(matches > 10_000, "{matches} paths matched");
    }
}
