//! Unix sockets that listen, and the files that they have.
//!
//! A file that is in the way is removed only if it is a socket on which nobody listens, and our own
//! only if it is still ours. Whoever does either has the directory locked meanwhile, so that of
//! two servers that find the same leftover none removes what the other has just made. Not here:
//! what the system is asked (`sys`).

use std::fs::{self, File, Metadata, Permissions};
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};

use super::options::ListenOptions;
use super::{Listener, Place, Siblings, set_buffers};
use crate::driver::ListenSocket;
use crate::service::ServiceId;
use crate::sys;

/// How often, and how long in between, somebody else's lock on the directory is waited for. Who
/// binds has it for much less than a millisecond.
const LOCK_TRIES: u32 = 100;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// Binds a path and listens.
pub(super) fn bind(path: &Path, options: &ListenOptions) -> io::Result<Listener> {
    // The process may change its directory before the file is removed.
    let path = std::path::absolute(path)?;
    let (socket, file) = bind_file(&path, options)?;
    Ok(listener(socket, Place::Unix(path), options, Some(file)))
}

/// Binds a name that has no file and listens.
pub(super) fn bind_abstract(name: &[u8], options: &ListenOptions) -> io::Result<Listener> {
    if !sys::HAS_ABSTRACT_NAMES {
        let what = "there are no abstract names of Unix sockets here";
        return Err(io::Error::new(ErrorKind::Unsupported, what));
    }
    let mut path = vec![0];
    path.extend_from_slice(name);
    let socket = open(options)?;
    socket.bind(&SockAddr::unix(std::ffi::OsStr::from_bytes(&path))?)?;
    socket.listen(options.backlog())?;
    Ok(listener(socket, Place::Abstract(name.to_vec()), options, None))
}

/// Binds a path, with the rights that are wanted from the first moment, and listens.
pub(super) fn bind_file(path: &Path, options: &ListenOptions) -> io::Result<(Socket, SocketFile)> {
    let addr = SockAddr::unix(path)?;
    let socket = open(options)?;
    if let Some(mode) = options.mode {
        // Linux makes the file with the rights that the socket has, less the umask. Elsewhere this
        // may fail, and the file's rights are set afterwards.
        let _ = set_mode(&socket, mode);
    }
    let _lock = lock_directory_of(path);
    match socket.bind(&addr) {
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            remove_leftover(path, &addr)?;
            socket.bind(&addr)?;
        }
        bound => bound?,
    }
    let file = SocketFile::find(path)?;
    if let Some(mode) = options.mode {
        file.complete_mode(mode)?;
    }
    socket.listen(options.backlog())?;
    Ok((socket, file))
}

/// A Unix socket on its way to a driver.
pub(super) fn listen_socket(socket: Socket) -> ListenSocket {
    ListenSocket::Unix(socket.into())
}

/// The place of a Unix address that has one.
pub(super) fn place_of(addr: &SockAddr) -> Option<Place> {
    if let Some(path) = addr.as_pathname() {
        return Some(Place::Unix(std::path::absolute(path).unwrap_or_else(|_| path.to_owned())));
    }
    addr.as_abstract_namespace().map(|name| Place::Abstract(name.to_vec()))
}

fn listener(
    socket: Socket,
    place: Place,
    options: &ListenOptions,
    file: Option<SocketFile>,
) -> Listener {
    Listener {
        sockets: vec![socket],
        addr: place.with(options),
        siblings: Siblings::None,
        file,
        service: ServiceId::FIRST,
    }
}

fn open(options: &ListenOptions) -> io::Result<Socket> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    set_buffers(&socket, options)?;
    Ok(socket)
}

fn set_mode(socket: &Socket, mode: u32) -> io::Result<()> {
    let file = File::from(socket.as_fd().try_clone_to_owned()?);
    file.set_permissions(Permissions::from_mode(mode))
}

/// Removes a socket on which nobody listens.
fn remove_leftover(path: &Path, addr: &SockAddr) -> io::Result<()> {
    let found = fs::symlink_metadata(path)?;
    if !found.file_type().is_socket() {
        let what = "there is a file that is no socket, which is left alone";
        return Err(io::Error::new(ErrorKind::AlreadyExists, what));
    }
    let probe = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    probe.set_nonblocking(true)?;
    match probe.connect(addr) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
        // Somebody is there, even if more wait than fit.
        Ok(()) => return Err(ErrorKind::AddrInUse.into()),
        Err(error) if error.kind() == ErrorKind::WouldBlock => {
            return Err(ErrorKind::AddrInUse.into());
        }
        // Nobody can say.
        Err(error) => return Err(error),
    }
    if !is_same(&found, &fs::symlink_metadata(path)?) {
        return Err(ErrorKind::AddrInUse.into());
    }
    fs::remove_file(path)
}

/// Keeps other servers from binding in the directory. One that can't be opened is not locked, as
/// who may not read it may still make files there; nor is one that somebody keeps locked, as
/// everybody may who reads it.
fn lock_directory_of(path: &Path) -> Option<File> {
    let directory = path.parent().unwrap_or(path);
    for _ in 0..LOCK_TRIES {
        match sys::lock_directory(directory) {
            Ok(lock) => return Some(lock),
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(LOCK_PAUSE),
            Err(_) => return None,
        }
    }
    None
}

fn is_same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// The file of a socket, which is removed when this is dropped, if it is still the same.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    found: Metadata,
    /// It is this server's to remove.
    is_owned: bool,
}

impl SocketFile {
    /// The file of a socket that this process has bound.
    fn find(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), found: fs::symlink_metadata(path)?, is_owned: true })
    }

    /// The file of a socket that another process still has.
    pub(super) fn of_other(path: &Path) -> Option<Self> {
        let mut file = Self::find(path).ok()?;
        file.is_owned = false;
        Some(file)
    }

    /// Makes it this server's, or leaves it to another.
    pub(super) const fn own(&mut self, is_owned: bool) {
        self.is_owned = is_owned;
    }

    /// Gives the file the rights that the umask has kept from it.
    fn complete_mode(&self, mode: u32) -> io::Result<()> {
        if self.found.mode() & 0o777 == mode {
            return Ok(());
        }
        if !is_same(&self.found, &fs::symlink_metadata(&self.path)?) {
            return Err(io::Error::other("the socket's file was replaced"));
        }
        fs::set_permissions(&self.path, Permissions::from_mode(mode))
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if !self.is_owned {
            return;
        }
        let _lock = lock_directory_of(&self.path);
        let is_ours = |now: Metadata| now.file_type().is_socket() && is_same(&self.found, &now);
        if fs::symlink_metadata(&self.path).is_ok_and(is_ours) {
            // What can't be removed is taken for a leftover by whoever comes next.
            let _ = fs::remove_file(&self.path);
        }
    }
}
