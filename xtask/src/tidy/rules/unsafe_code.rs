//! Rule `unsafe`: unsafe code stays where it is allowed, and each block there says why it is sound.
//!
//! Unsafe code that a macro of another crate expands to is not seen. Nor is judged whether the
//! reason is right.

use super::super::Finding;
use super::super::tables::UNSAFE_CODE;
use super::super::tree::{Source, Tree};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.sources.iter().flat_map(check_source).collect()
}

fn check_source(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    let tokens = source.tokens();
    for (at, token) in tokens.iter().enumerate().filter(|(_, token)| token.text == "unsafe") {
        let next = tokens.get(at + 1).map(|token| token.text);
        let advice = if !UNSAFE_CODE.iter().any(|path| source.path.starts_with(path)) {
            "move unsafe code to `crates/wharf/src/sys/`"
        } else if matches!(next, Some("{" | "impl")) && !is_justified(source, token.line) {
            "say directly above in a `// SAFETY:` comment who guarantees what"
        } else {
            continue;
        };
        findings.push(source.finding(token.line, "unsafe", advice));
    }
    findings
}

/// Whether a `// SAFETY:` comment ends right above the statement that holds `line`.
fn is_justified(source: &Source, line: usize) -> bool {
    let code: Vec<&str> = source.code.lines().map(str::trim).collect();
    let comments: Vec<&str> = source.comments.lines().map(str::trim).collect();
    let continues = |code: &str| !code.is_empty() && !code.ends_with([';', ',', '{', '}']);
    let mut at = line - 1;
    while at > 0 && continues(code[at - 1]) {
        at -= 1;
    }
    while at > 0 && code[at - 1].is_empty() && !comments[at - 1].is_empty() {
        at -= 1;
        if comments[at].starts_with("// SAFETY:") {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::lines;
    use super::*;

    #[test]
    fn unsafe_code_is_found_outside_of_its_places_even_in_tests() {
        for text in ["unsafe { f() }", "unsafe fn f() {}", "#[cfg(test)] mod t { unsafe { f() } }"]
        {
            assert_eq!(lines(check, "crates/wharf/src/body.rs", text), [1], "{text}");
            assert_eq!(lines(check, "bench/x/src/main.rs", text), [1], "{text}");
            assert_eq!(lines(check, "crates/wharf-scan/src/lib.rs", text), [1], "{text}");
        }
    }

    #[test]
    fn the_word_alone_is_not_unsafe_code() {
        let text = "#![forbid(unsafe_code)]\n// unsafe {\nlet a = \"unsafe {\"; /* unsafe */";
        assert_eq!(lines(check, "crates/wharf/src/body.rs", text), [0; 0]);
    }

    #[test]
    fn a_block_needs_its_reason_directly_above() {
        let good = [
            "// SAFETY: it is open.\nunsafe { f() }",
            "f();\n// SAFETY: it is open,\n// and stays so.\nlet a =\n    unsafe { f() };",
            "// SAFETY: no data.\nunsafe impl Send for A {}",
            "/// # Safety\n///\n/// Must be open.\nunsafe fn f() {}",
        ];
        for text in good {
            assert_eq!(lines(check, "crates/wharf/src/sys/a.rs", text), [0; 0], "{text}");
        }
        let bad = [
            "f();\nunsafe { f() }",
            "// Fast.\nunsafe { f() }",
            "// SAFETY: for another.\nf();\nunsafe { f() }",
            "// SAFETY: too far up.\n\nunsafe { f() }",
            "\nunsafe impl Send for A {}",
        ];
        for text in bad {
            assert_eq!(lines(check, "crates/wharf/src/sys/a.rs", text).len(), 1, "{text}");
        }
    }
}
