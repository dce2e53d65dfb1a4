//! [`Store`]: the certificates of a [`Tls`](crate::Tls) in all its clones, by name, and how they
//! are read again.
//!
//! Not here: reading one (`certificate.rs`).

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use super::certificate::Certificate;
use super::engine::Identity;
use super::error::TlsConfigError;
use crate::sync::{Mutex, MutexGuard};

/// How often files are looked at that may change: each time costs a call per file.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Certificates by name. The first is the one for who asks for none.
#[derive(Debug)]
pub(super) struct Store {
    table: Mutex<Arc<Table>>,
    watch: Mutex<Watch>,
    /// Held by who reads files, so that what was read last is what is in use.
    reading: Mutex<()>,
}

/// What does not change once it is made.
#[derive(Debug)]
struct Table {
    certificates: Vec<Certificate>,
    /// Places in `certificates`, in its order, by the name in small letters. A wildcard stands
    /// under its `*.` and what follows.
    by_name: HashMap<String, Vec<usize>>,
}

#[derive(Debug, Default)]
struct Watch {
    /// When files are to be looked at next, if they are.
    next: Option<Instant>,
    /// What went wrong the last time.
    error: Option<Arc<TlsConfigError>>,
}

impl Store {
    pub(super) fn new(certificates: Vec<Certificate>) -> Self {
        Self {
            table: Mutex::new(Arc::new(Table::new(certificates))),
            watch: Mutex::default(),
            reading: Mutex::default(),
        }
    }

    /// Those that are in use now.
    pub(super) fn certificates(&self) -> Vec<Certificate> {
        self.table().certificates.clone()
    }

    /// The certificate for a name: one that has it, or else one with a wildcard for it, of those
    /// the first that `fits` the client. `None` if nobody knows the name.
    pub(super) fn find(&self, name: &str, fits: impl Fn(&Identity) -> bool) -> Option<Identity> {
        let table = self.table();
        let name = name.to_ascii_lowercase();
        let places = table.by_name.get(&name).or_else(|| {
            let (_, domain) = name.split_once('.')?;
            table.by_name.get(&format!("*.{domain}"))
        })?;
        let of = |place: &usize| &table.certificates[*place].identity;
        places.iter().map(of).find(|pair| fits(pair)).or_else(|| places.first().map(of)).cloned()
    }

    /// The one for who asks for no name, or for one that nobody knows.
    pub(super) fn default(&self, fits: impl Fn(&Identity) -> bool) -> Option<Identity> {
        let table = self.table();
        let first = table.certificates.first()?;
        // Others can stand in for the first only if they are for the same names.
        let same = table.certificates.iter().filter(|other| other.names == first.names);
        let fitting = same.map(|other| &other.identity).find(|pair| fits(pair));
        Some(fitting.unwrap_or(&first.identity).clone())
    }

    /// Reads again what is from files. A pair that can't be used leaves the one before.
    ///
    /// # Errors
    ///
    /// The first of what is wrong; the other pairs are taken all the same.
    pub(super) fn reload(&self) -> Result<(), TlsConfigError> {
        let _reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let result = self.read_those(|_| true);
        if result.is_ok() {
            self.watching().error = None;
        }
        result
    }

    /// The same with some of them, as a test wants it.
    #[cfg(test)]
    pub(super) fn reload_those(
        &self,
        is_wanted: impl Fn(&Certificate) -> bool,
    ) -> Result<(), TlsConfigError> {
        let _reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        self.read_those(is_wanted)
    }

    /// Has [`look`](Self::look) look.
    pub(super) fn watch(&self) {
        self.watching().next = Some(Instant::now());
    }

    /// Reads again what has changed, if files are watched and it is time.
    pub(super) fn look(&self, now: impl FnOnce() -> Instant) {
        {
            let mut watch = self.watching();
            let Some(next) = watch.next else { return };
            let now = now();
            if now < next {
                return;
            }
            // Others that come now do not look.
            watch.next = Some(now + LOOK_EVERY);
        }
        // A worker does not wait for another thread to read: what that one takes is looked at the
        // next time.
        let _reading = match self.reading.try_lock() {
            Ok(reading) => reading,
            Err(TryLockError::Poisoned(error)) => error.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        let error = self.read_those(Certificate::has_changed).err();
        self.watching().error = error.map(Arc::new);
    }

    /// What went wrong when files were last looked at.
    pub(super) fn error(&self) -> Option<Arc<TlsConfigError>> {
        self.watching().error.clone()
    }

    /// For who holds `reading`.
    fn read_those(&self, is_wanted: impl Fn(&Certificate) -> bool) -> Result<(), TlsConfigError> {
        let mut certificates = self.certificates();
        let mut first_error = None;
        for certificate in certificates.iter_mut().filter(|certificate| is_wanted(certificate)) {
            match certificate.read_again() {
                Some(Ok(pair)) => *certificate = pair,
                Some(Err(error)) => first_error = first_error.or(Some(error)),
                None => {}
            }
        }
        *self.table.lock().unwrap_or_else(PoisonError::into_inner) =
            Arc::new(Table::new(certificates));
        first_error.map_or(Ok(()), Err)
    }

    fn table(&self) -> Arc<Table> {
        Arc::clone(&self.table.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn watching(&self) -> MutexGuard<'_, Watch> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn new(certificates: Vec<Certificate>) -> Self {
        let mut by_name = HashMap::<_, Vec<_>>::new();
        for (place, certificate) in certificates.iter().enumerate() {
            for name in &certificate.names {
                by_name.entry(name.clone()).or_default().push(place);
            }
        }
        Self { certificates, by_name }
    }
}
