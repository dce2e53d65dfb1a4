//! Rule `cfg`: what is compiled in is decided item by item, in `crates/wharf/src`.
//!
//! A `cfg` on a feature or a platform may stand on a module, a `use` or another item. On a field, a
//! variant, an argument, a statement or a match arm it makes the code around it hard to read, and
//! so does the macro `cfg!`. Items within functions pass.

use super::super::Finding;
use super::super::lexer::Token;
use super::super::syntax::{after_attributes, attribute_at, closing};
use super::super::tree::{Source, Tree};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let sources = tree.sources.iter().filter(|source| source.path.starts_with("crates/wharf/src/"));
    sources.flat_map(check_source).collect()
}

fn check_source(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    let tokens = source.tokens();
    let text = |at: usize| tokens.get(at).map(|token| token.text);
    for (at, token) in tokens.iter().enumerate() {
        let is_misplaced = if let Some(attribute) = attribute_at(&tokens, at) {
            matches!(text(attribute.start), Some("cfg" | "cfg_attr"))
                && names_platform(&tokens, attribute.start + 1)
                && !is_item(&tokens, after_attributes(&tokens, at))
        } else {
            (token.text, text(at + 1), text(at + 2)) == ("cfg", Some("!"), Some("("))
                && names_platform(&tokens, at + 2)
        };
        if is_misplaced {
            let advice = "put the `cfg` on a `mod`, `use` or item, one per variant of the code";
            findings.push(source.finding(token.line, "cfg", advice));
        }
    }
    findings
}

/// Whether the condition in the parentheses at `open` asks for a feature or a platform.
fn names_platform(tokens: &[Token<'_>], open: usize) -> bool {
    let mut at = open + 1;
    let end = closing(tokens, open);
    while at < end {
        match tokens[at].text {
            // Behind it stand the attributes of a `cfg_attr`; inner commas are in parentheses.
            "," => return false,
            "(" if names_in_list(&tokens[at..closing(tokens, at)]) => return true,
            "(" => at = closing(tokens, at),
            _ if names_in_list(&tokens[at..=at]) => return true,
            _ => {}
        }
        at += 1;
    }
    false
}

fn names_in_list(tokens: &[Token<'_>]) -> bool {
    tokens.iter().any(|token| {
        matches!(token.text, "feature" | "unix" | "windows") || token.text.starts_with("target_")
    })
}

/// Whether an item begins at `at`.
fn is_item(tokens: &[Token<'_>], mut at: usize) -> bool {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text);
    if text(at) == "pub" {
        at = if text(at + 1) == "(" { closing(tokens, at + 1) + 1 } else { at + 1 };
    }
    match text(at) {
        "async" | "unsafe" => matches!(text(at + 1), "extern" | "fn" | "impl" | "trait" | "unsafe"),
        "const" | "enum" | "extern" | "fn" | "impl" | "macro_rules" | "mod" | "static"
        | "struct" | "trait" | "type" | "use" => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::lines;
    use super::*;

    const GOOD: &[&str] = &[
        "#[cfg(unix)]\nmod a;",
        "#[cfg(feature = \"tls\")]\n#[doc(hidden)]\n/// Docs.\npub(crate) use a::b;",
        "#[cfg(all(target_os = \"linux\", feature = \"uring\"))] pub fn f() {}",
        "#[cfg(not(windows))]\npub(in crate::a) unsafe fn f() {}",
        "#[cfg_attr(feature = \"serde\", derive(Serialize))]\nstruct A;",
        "#![cfg_attr(docsrs, feature(doc_cfg))]\n",
        "#[cfg(test)]\nfield: u8,",
        "#[cfg(debug_assertions)]\nf();",
        "// #[cfg(unix)]\nf();",
        "if cfg != (unix) {}",
    ];

    const BAD: &[&str] = &[
        "struct A {\n    #[cfg(unix)]\n    pub(crate) b: u8,\n}",
        "enum A {\n    #[cfg(feature = \"tls\")]\n    Tls(u8),\n}",
        "match a {\n    #[cfg(target_os = \"linux\")]\n    A => b,\n}",
        "fn f() {\n    #[cfg(not(windows))]\n    f();\n}",
        "fn f() {\n    #[cfg(any(test, unix))]\n    unsafe { f() }\n}",
        "fn f(\n    #[cfg_attr(unix, expect(unused))] a: u8,\n) {}",
        "fn f() {\n    if cfg!(target_family = \"unix\") {}\n}",
    ];

    #[test]
    fn features_and_platforms_are_chosen_on_items_only() {
        for text in GOOD {
            assert_eq!(lines(check, "crates/wharf/src/a.rs", text), [0; 0], "{text}");
        }
        for text in BAD {
            assert_eq!(lines(check, "crates/wharf/src/a.rs", text), [2], "{text}");
            assert_eq!(lines(check, "crates/wharf/tests/a.rs", text), [0; 0], "{text}");
        }
    }
}
