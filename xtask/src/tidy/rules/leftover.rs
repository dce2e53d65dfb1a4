//! Rule `leftover`: nothing is left for later without a name.
//!
//! Finds the usual markers in comments and code, macros for missing code, and ignored tests that
//! don't say why. Markers in string literals pass, and so do empty reasons.

use super::super::Finding;
use super::super::tree::{Source, Tree};

const MARKERS: &[&str] = &["FIXME", "TODO", "XXX"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.sources.iter().flat_map(check_source).collect()
}

fn check_source(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, comment) in source.comments.lines().enumerate() {
        if comment.split(|char: char| !char.is_alphanumeric()).any(|word| MARKERS.contains(&word)) {
            let advice = "do it now, or write down today's behaviour and test it";
            findings.push(source.finding(index + 1, "leftover", advice));
        }
    }
    let tokens = source.tokens();
    let text = |at: usize| tokens.get(at).map(|token| token.text);
    for (at, token) in tokens.iter().enumerate() {
        let before = at.checked_sub(1).and_then(text);
        let advice = match (before, token.text, text(at + 1)) {
            (_, word, _) if MARKERS.contains(&word) => "give it a name that says what it is",
            (_, "todo" | "unimplemented", Some("!")) => "write the code, or return an error",
            (Some("["), "ignore", Some("]")) => "give the reason: `#[ignore = \"...\"]`",
            (Some(","), "ignore", Some(")")) if text(at + 2) == Some("]") => "give the reason",
            _ => continue,
        };
        findings.push(source.finding(token.line, "leftover", advice));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::lines;
    use super::*;

    #[test]
    fn markers_missing_code_and_silently_ignored_tests_are_found() {
        for text in [
            "\n// TODO: more",
            "\n/* FIXME(me) */",
            "\n/// XXX",
            "\nfn f() { todo!() }",
            "\nfn f() { unimplemented!(\"x\") }",
            "\nconst TODO: u8 = 1;",
            "\n#[ignore]\n#[test]\nfn f() {}",
            "\n#[cfg_attr(miri, ignore)]\n#[test]\nfn f() {}",
        ] {
            assert_eq!(lines(check, "a.rs", text), [2], "{text}");
        }
    }

    #[test]
    fn similar_words_literals_and_reasons_pass() {
        for text in [
            "// Mastodon, xxx and XXXL.",
            "let a = \"TODO\";",
            "fn todo() {}",
            "#[ignore = \"needs a network\"]",
            "#[cfg_attr(miri, ignore = \"too slow\")]",
            "f(a, ignore);",
        ] {
            assert_eq!(lines(check, "a.rs", text), [0; 0], "{text}");
        }
    }
}
