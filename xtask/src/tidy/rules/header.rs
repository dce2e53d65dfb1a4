//! Rule `header`: each file begins by saying in a sentence what it is.
//!
//! Whether the sentence says anything is for the reader.

use super::super::Finding;
use super::super::tree::{Source, Tree};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let faulty = tree.sources.iter().filter(|source| !has_sentence(source));
    let advice = "begin the file with a `//!` header of at least one sentence with its full stop";
    faulty.map(|source| source.finding(1, "header", advice)).collect()
}

fn has_sentence(source: &Source) -> bool {
    let header = source.text.lines().map_while(|line| line.strip_prefix("//!"));
    let words: Vec<&str> = header.flat_map(str::split_whitespace).collect();
    // A sentence has at least two words, and `e.g.` ends none.
    let ends_sentence = |word: &&str| word.trim_end_matches(')').ends_with('.');
    words.iter().skip(1).any(|word| ends_sentence(word) && !matches!(*word, "e.g." | "i.e."))
}

#[cfg(test)]
mod tests {
    use super::super::lines;
    use super::*;

    const GOOD: &[&str] = &[
        "//! Parses heads.\n",
        "//! Parses heads (and no\n//! bodies.)\n\nuse a::b;\n",
        "//! # Title\n//!\n//! It parses. And more\n#![no_main]\n",
    ];

    const BAD: &[&str] = &[
        "",
        "fn f() {}\n",
        "\n//! Parses heads.\n",
        "// Parses heads.\n",
        "/// Parses heads.\n",
        "//! Parses heads\n",
        "//! Parsing.\n",
        "//! Parses e.g. heads\n",
        "#![no_main]\n//! Parses heads.\n",
    ];

    #[test]
    fn a_header_is_the_first_thing_and_a_sentence() {
        for text in GOOD {
            assert_eq!(lines(check, "a.rs", text), [0; 0], "{text}");
        }
        for text in BAD {
            assert_eq!(lines(check, "a.rs", text), [1], "{text}");
        }
    }
}
