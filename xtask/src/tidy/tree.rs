//! The sources under check, read once and shared by all rules.
//!
//! Git is not asked: what is on disk counts, so that a new file is checked before it is added.

use std::fs;
use std::io;
use std::ops::RangeInclusive;
use std::path::Path;

use super::Finding;
use super::lexer::{self, Token};
use super::syntax::{self, NamedPath};

/// Folders with Rust sources, from the root of the repository. Missing ones are skipped.
const FOLDERS: &[&str] = &["bench", "conformance", "crates", "fuzz", "xtask"];

/// All that the rules look at.
pub(crate) struct Tree {
    pub(crate) sources: Vec<Source>,
    /// The text of ARCHITECTURE.md, empty if there is none.
    pub(crate) architecture: String,
    /// The documents below `docs/`: path and text.
    pub(crate) documents: Vec<(String, String)>,
}

impl Tree {
    pub(crate) fn read(root: &Path) -> io::Result<Self> {
        let mut sources = Vec::new();
        for folder in FOLDERS.iter().filter(|folder| root.join(folder).is_dir()) {
            read_folder(&root.join(folder), folder, &mut sources)?;
        }
        let architecture = match fs::read_to_string(root.join("ARCHITECTURE.md")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            result => result?,
        };
        let documents = read_documents(root)?;
        Ok(Self { sources, architecture, documents })
    }

    /// A tree made of `(path, text)`, for tests.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let sources =
            files.iter().map(|(path, text)| Source::new((*path).to_owned(), (*text).to_owned()));
        let (sources, documents) = (sources.collect(), Vec::new());
        Self { sources, architecture: String::new(), documents }
    }
}

fn read_documents(root: &Path) -> io::Result<Vec<(String, String)>> {
    let mut documents = Vec::new();
    for entry in fs::read_dir(root.join("docs"))? {
        let entry = entry?;
        let path = format!("docs/{}", entry.file_name().to_string_lossy());
        if path.ends_with(".md") {
            documents.push((path, fs::read_to_string(entry.path())?));
        }
    }
    Ok(documents)
}

fn read_folder(folder: &Path, name: &str, sources: &mut Vec<Source>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = format!("{name}/{}", entry.file_name().to_string_lossy());
        let kind = entry.file_type()?;
        if kind.is_dir() && !path.ends_with("/target") {
            read_folder(&entry.path(), &path, sources)?;
        } else if kind.is_file() && path.ends_with(".rs") {
            let text = fs::read_to_string(entry.path())
                .map_err(|error| io::Error::new(error.kind(), format!("{path}: {error}")))?;
            sources.push(Source::new(path, text));
        }
    }
    Ok(())
}

/// One Rust file.
pub(crate) struct Source {
    /// Relative to the root of the repository, with `/` between the parts.
    pub(crate) path: String,
    pub(crate) text: String,
    /// `text` with comments and literals blanked, line for line.
    pub(crate) code: String,
    /// `text` with everything but comments blanked, line for line.
    pub(crate) comments: String,
    test_items: Vec<RangeInclusive<usize>>,
}

impl Source {
    fn new(path: String, text: String) -> Self {
        let lexer::Views { code, comments } = lexer::views(&text);
        let test_items = syntax::test_items(&lexer::tokens(&code));
        Self { path, text, code, comments, test_items }
    }

    pub(crate) fn tokens(&self) -> Vec<Token<'_>> {
        lexer::tokens(&self.code)
    }

    /// The paths named outside of tests, `use` groups taken apart.
    pub(crate) fn shipped_paths(&self) -> Vec<NamedPath<'_>> {
        let mut paths = syntax::named_paths(&self.tokens());
        paths.retain(|path| !self.is_test_line(path.line));
        paths
    }

    /// A file in a `tests` folder, or one called `tests.rs`.
    pub(crate) fn is_test_file(&self) -> bool {
        self.path.contains("/tests/") || self.path.ends_with("/tests.rs")
    }

    /// Whether `line` belongs to a test file or to an item under `#[cfg(test)]`.
    pub(crate) fn is_test_line(&self, line: usize) -> bool {
        self.is_test_file() || self.test_items.iter().any(|item| item.contains(&line))
    }

    pub(crate) fn finding(&self, line: usize, rule: &'static str, advice: &str) -> Finding {
        Finding { path: self.path.clone(), line, rule, advice: advice.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_finds_this_file_and_nothing_that_was_built() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let tree = Tree::read(root).unwrap();
        let has = |path: &str| tree.sources.iter().any(|source| source.path == path);
        assert!(has("xtask/src/tidy/tree.rs"));
        assert!(!tree.sources.iter().any(|source| source.path.contains("/target/")));
    }

    #[test]
    fn tests_are_known_by_their_place() {
        let text = "use a::b;\n#[cfg(test)]\nmod tests {\n    use c::d;\n}\nuse e::f;\n";
        let tree = Tree::of(&[("x/src/a.rs", text), ("x/tests/a.rs", text), ("x/tests.rs", text)]);
        let shipped: Vec<usize> =
            tree.sources.iter().map(|source| source.shipped_paths().len()).collect();
        assert_eq!(shipped, [2, 0, 0]);
    }
}
