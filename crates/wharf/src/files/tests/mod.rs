//! Directories that are made for a test, and what is served of them.

mod evil;
#[cfg(unix)]
mod links;
mod pages;
mod serving;
mod sha256;

use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

/// A directory that is removed with everything in it.
struct Temporary(PathBuf);

impl Temporary {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("wharf-files-{}-{}-{count}", std::process::id(), now.as_nanos());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    /// A directory with these files, which contain their paths.
    fn with(files: &[&str]) -> Self {
        let directory = Self::new();
        for file in files {
            directory.write(file, file);
        }
        directory
    }

    fn write(&self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn create_directory(&self, path: &str) {
        fs::create_dir_all(self.0.join(path)).unwrap();
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let removed = fs::remove_dir_all(&self.0);
        assert!(removed.is_ok() || std::thread::panicking(), "{removed:?}");
    }
}

const NOT_FOUND: &str = "404 Not Found\n";
