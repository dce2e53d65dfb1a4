//! [`Files`]: a directory as a handler.
//!
//! `resolve.rs` alone decides which file a path leads to, `conditional.rs` whether the client has
//! it already, `mime.rs` what type it is of; `listing.rs` reads a directory and `page.rs` shows it.
//! This file joins them, and maps what the file system says to statuses.
//!
//! Not here yet, with the place where it will go: entity tags and their preconditions
//! (`conditional.rs`), ranges (`range.rs`), precompressed variants (`encoding.rs`), a fallback page
//! for applications that route in the browser (this file), open files kept for the next request
//! (`cache.rs`). Everything here blocks the worker for as long as the file system does.

mod conditional;
mod listing;
mod mime;
mod name;
mod page;
mod resolve;
#[cfg(test)]
mod tests;

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::SystemTime;

use self::conditional::Modified;
use self::listing::{Listing, Order};
use self::resolve::{DotFiles, Symlinks, Wanted};
use crate::{
    Body, Handler, HandlerError, IntoResponse, Method, Reply, Request, Response, StatusCode,
};

/// The value of `Allow`.
const METHODS: &str = "GET, HEAD, OPTIONS";

/// Serves the files below a directory, to GET and HEAD.
///
/// ```no_run
/// use wharf::{Files, Router};
///
/// let site = Router::new()
///     .get("/health", "ok")
///     .prefix("/downloads", Files::new("/srv/downloads").listing(true))
///     .fallback(Files::new("public"))
///     .build()?;
/// # Ok::<(), wharf::HandlerError>(())
/// ```
///
/// The file is found by [`Request::rest_path`], so below a prefix the prefix is left out.
///
/// # Defaults
///
/// * [`index`](Self::index): `index.html`.
/// * [`listing`](Self::listing): off. A directory without an index is 404.
/// * [`hidden`](Self::hidden): off. Names that begin with a dot are 404, but for a `.well-known` at
///   the top (RFC 8615).
/// * [`follow_symlinks`](Self::follow_symlinks): off. A symbolic link that leads out of the
///   directory is 404; one that stays within is followed.
///
/// # Responses
///
/// Files have a `Content-Type` by the extension of their name, with UTF-8 as the charset of text,
/// `X-Content-Type-Options: nosniff`, and `Last-Modified`; `If-Modified-Since` is answered with
/// 304. A directory without a slash at the end of the path is redirected to the path with one.
///
/// Whatever is not a file or a directory, such as a socket or a named pipe, is 404 and never
/// opened. A file that the program may not read is 403. Of an unexpected error the client learns no
/// more than the status 500.
#[derive(Debug)]
#[must_use]
pub struct Files {
    /// Absolute, as far as the system could tell.
    directory: PathBuf,
    /// The canonical form of `directory`, once it was found.
    root: OnceLock<PathBuf>,
    index: Vec<String>,
    dot_files: DotFiles,
    symlinks: Symlinks,
    directories: Directories,
}

/// What becomes of directories without an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Directories {
    NotFound,
    Listed,
}

/// Why there is nothing to serve.
#[derive(Debug)]
enum Failure {
    NotFound,
    Forbidden,
    Io(io::Error),
}

impl Files {
    /// Serves the files below `directory`.
    ///
    /// A relative path is taken from the current directory as it is now. Symbolic links in
    /// `directory` itself are resolved when the first request comes or a server begins to listen,
    /// and not again.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        let directory = directory.into();
        Self {
            directory: std::path::absolute(&directory).unwrap_or(directory),
            root: OnceLock::new(),
            index: vec!["index.html".to_owned()],
            dot_files: DotFiles::Refused,
            symlinks: Symlinks::BelowRoot,
            directories: Directories::NotFound,
        }
    }

    /// The names of the file to serve in place of a directory; the first that is there is taken.
    pub fn index(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.index = names.into_iter().map(Into::into).collect();
        self
    }

    /// Whether a directory without an index is shown as a page that lists what is in it.
    ///
    /// The page shows at most 10,000 entries, and only what would be served. It needs no scripts
    /// and nothing from elsewhere.
    pub fn listing(mut self, is_on: bool) -> Self {
        self.directories = if is_on { Directories::Listed } else { Directories::NotFound };
        self
    }

    /// Whether to serve files and directories whose names begin with a dot. They often hold what is
    /// not for everybody, such as `.git` and `.env`.
    pub fn hidden(mut self, is_on: bool) -> Self {
        self.dot_files = if is_on { DotFiles::Served } else { DotFiles::Refused };
        self
    }

    /// Whether to follow symbolic links out of the directory. Whoever can make links below it can
    /// then show everything that the program may read.
    pub fn follow_symlinks(mut self, is_on: bool) -> Self {
        self.symlinks = if is_on { Symlinks::Anywhere } else { Symlinks::BelowRoot };
        self
    }

    fn root(&self) -> io::Result<&Path> {
        if let Some(root) = self.root.get() {
            return Ok(root);
        }
        let root = fs::canonicalize(&self.directory)?;
        Ok(self.root.get_or_init(|| root))
    }

    /// Where `path`, made of plain names below the root, leads.
    fn place(&self, path: PathBuf) -> Result<PathBuf, Failure> {
        resolve::place(self.root()?, path, self.symlinks)
    }

    fn serve(&self, request: &Request) -> Result<Response, Failure> {
        let wanted = Wanted::parse(request.rest_path(), self.dot_files).ok_or(Failure::NotFound)?;
        let path = self.root()?.join(&wanted.path);
        let place = self.place(path.clone())?;
        let metadata = fs::metadata(&place)?;
        match (metadata.is_dir(), wanted.is_directory) {
            (true, true) => self.serve_directory(request, &path),
            (true, false) => Ok(redirect_to_slash(request)),
            (false, true) => Err(Failure::NotFound),
            (false, false) => serve_file(request, &path, &place, &metadata),
        }
    }

    fn serve_directory(&self, request: &Request, directory: &Path) -> Result<Response, Failure> {
        for name in &self.index {
            let path = directory.join(name);
            let found = self.place(path.clone()).and_then(|place| {
                let metadata = fs::metadata(&place)?;
                serve_file(request, &path, &place, &metadata)
            });
            match found {
                Err(Failure::NotFound) => {}
                found => return found,
            }
        }
        if self.directories == Directories::NotFound {
            return Err(Failure::NotFound);
        }
        let listing = Listing::read(directory, self.dot_files, |path| self.place(path))?;
        let order = Order::from_query(request.query_pairs());
        Ok(page::response(request, listing, order))
    }
}

impl Handler for Files {
    fn call(&self, request: Request) -> Reply {
        match *request.method() {
            Method::GET | Method::HEAD => Reply::ready(self.serve(&request)),
            Method::OPTIONS => Reply::ready(allow(Response::new(StatusCode::NO_CONTENT))),
            _ => Reply::ready(allow(Response::status_page(StatusCode::METHOD_NOT_ALLOWED))),
        }
    }

    /// Says whether there is such a directory and the program may read it.
    fn check(&self) -> Result<(), HandlerError> {
        let read = self.root().and_then(fs::read_dir);
        let directory = self.directory.display();
        read.map_err(|error| HandlerError::new(format!("can't serve `{directory}`: {error}")))?;
        Ok(())
    }
}

/// The file at `place`, which was asked for as `path`.
fn serve_file(
    request: &Request,
    path: &Path,
    place: &Path,
    metadata: &Metadata,
) -> Result<Response, Failure> {
    // Opening a named pipe would wait for a writer.
    if !metadata.is_file() {
        return Err(Failure::NotFound);
    }
    let file = File::open(place)?;
    // What is open now counts, should the name have got another file in between.
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(Failure::NotFound);
    }
    let modified = metadata.modified().ok();
    let modified = modified.and_then(|time| Modified::before(SystemTime::now(), time));
    let is_known = modified.is_some_and(|modified| modified.is_known_to(request));
    let response = if is_known {
        Response::new(StatusCode::NOT_MODIFIED)
    } else {
        Response::of_type(&mime::content_type(path), Body::file(file, metadata.len()))
            .with_header("X-Content-Type-Options", "nosniff")
    };
    Ok(match modified {
        Some(modified) => response.with_header("Last-Modified", modified.http_date()),
        None => response,
    })
}

/// A redirect to the same path with a slash at the end.
fn redirect_to_slash(request: &Request) -> Response {
    // With two slashes at its start, or what a browser takes for them, the path would be taken for
    // another host.
    let path = request.path().trim_start_matches(['/', '\\']);
    let location = match request.query() {
        Some(query) => format!("/{path}/?{query}"),
        None => format!("/{path}/"),
    };
    Response::redirect(location).with_status(StatusCode::MOVED_PERMANENTLY)
}

fn allow(response: Response) -> Response {
    response.with_header("Allow", METHODS)
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // The last one is a name that is longer than the system's names can be.
            ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidFilename => {
                Self::NotFound
            }
            ErrorKind::PermissionDenied => Self::Forbidden,
            _ => Self::Io(error),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::NotFound => Response::status_page(StatusCode::NOT_FOUND),
            Self::Forbidden => Response::status_page(StatusCode::FORBIDDEN),
            Self::Io(error) => error.into_response(),
        }
    }
}
