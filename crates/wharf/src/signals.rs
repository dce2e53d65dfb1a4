//! [`Signals`]: what a server does when its process is told to end or to look at its settings anew.
//!
//! A thread of its own waits for them, so that what is called may lock and allocate. Not here: what
//! a drain is (`worker/drain.rs`).

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::stop::StopSwitch;

/// How long a drain may take by default: what Kubernetes gives a process.
const DRAIN: Duration = Duration::from_secs(30);

/// The first SIGTERM or SIGINT (Ctrl-C) has the server drain, the second has it stop, and the
/// third ends the process as if nobody had minded. SIGHUP calls a function, if there is one.
///
/// Signals are the whole process's: of several servers that mind them, each does the same. When the
/// last of them is over, SIGTERM and SIGINT end the process as they do by default, whatever else in
/// the program minds them. On Windows there is Ctrl-C alone.
///
/// ```
/// use std::time::Duration;
/// use wharf::{Server, Signals};
///
/// let signals = Signals::default()
///     .drain(Duration::from_secs(10))
///     .on_hangup(|| println!("reload"));
/// let server = Server::new("hello").signals(signals).listen("127.0.0.1:0")?;
/// # server.start()?.stop();
/// # Ok::<(), wharf::Error>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct Signals {
    drain: Duration,
    on_hangup: Option<Arc<dyn Fn() + Send + Sync>>,
}

impl Default for Signals {
    fn default() -> Self {
        Self { drain: DRAIN, on_hangup: None }
    }
}

impl Signals {
    /// How long the drain may take that the first signal begins. Default 30 s (Kubernetes).
    pub const fn drain(mut self, deadline: Duration) -> Self {
        self.drain = deadline;
        self
    }

    /// Has SIGHUP call `hook`, on a thread of the server's. Without, it ends the process, as it
    /// does by default. There is none on Windows.
    pub fn on_hangup(mut self, hook: impl Fn() + Send + Sync + 'static) -> Self {
        self.on_hangup = Some(Arc::new(hook));
        self
    }

    /// Begins to mind the signals. What is returned ends it.
    pub(crate) fn mind(self, switch: StopSwitch) -> io::Result<Box<dyn FnOnce() + Send>> {
        let waiter = waiter::Waiter::new(self.on_hangup.is_some())?;
        let (minding, end) = (Minding::begin()?, waiter.end());
        thread::Builder::new().name("wharf-signals".to_owned()).spawn(move || {
            waiter.each(|signal| match signal {
                SIGINT | SIGTERM if !switch.is_used() => switch.drain(self.drain),
                SIGINT | SIGTERM if !switch.is_stopped() => switch.stop(),
                SIGINT | SIGTERM => {
                    // Somebody is in earnest, and the server's end is not what they wait for.
                    let _ = signal_hook::low_level::emulate_default_handler(signal);
                }
                _ => {
                    if let Some(hook) = &self.on_hangup {
                        hook();
                    }
                }
            });
        })?;
        Ok(Box::new(move || {
            end();
            drop(minding);
        }))
    }
}

/// How many servers mind signals, and what tells the process's handlers that none does.
static MINDED: Mutex<(usize, Option<Arc<AtomicBool>>)> = Mutex::new((0, None));

/// A server minds signals for as long as this lives.
struct Minding;

impl Minding {
    fn begin() -> io::Result<Self> {
        let mut minded = MINDED.lock().unwrap_or_else(PoisonError::into_inner);
        let nobody = match &minded.1 {
            Some(nobody) => Arc::clone(nobody),
            None => {
                let nobody = Arc::new(AtomicBool::new(false));
                // A handler can't be taken back altogether: signals would have no effect at all.
                for signal in [SIGINT, SIGTERM] {
                    flag::register_conditional_default(signal, Arc::clone(&nobody))?;
                }
                Arc::clone(minded.1.insert(nobody))
            }
        };
        nobody.store(false, Ordering::SeqCst);
        minded.0 += 1;
        Ok(Self)
    }
}

impl Drop for Minding {
    fn drop(&mut self) {
        let mut minded = MINDED.lock().unwrap_or_else(PoisonError::into_inner);
        minded.0 -= 1;
        if let (0, Some(nobody)) = &*minded {
            nobody.store(true, Ordering::SeqCst);
        }
    }
}

impl fmt::Debug for Signals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signals")
            .field("drain", &self.drain)
            .field("on_hangup", &self.on_hangup.is_some())
            .finish()
    }
}

#[cfg(unix)]
mod waiter {
    //! Signals come through a pipe.

    use std::io;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    pub(super) struct Waiter(Signals);

    impl Waiter {
        pub(super) fn new(minds_hangup: bool) -> io::Result<Self> {
            let signals = Signals::new([SIGINT, SIGTERM])?;
            if minds_hangup {
                signals.add_signal(SIGHUP)?;
            }
            Ok(Self(signals))
        }

        pub(super) fn end(&self) -> impl FnOnce() + Send + use<> {
            let handle = self.0.handle();
            move || handle.close()
        }

        pub(super) fn each(mut self, mut act: impl FnMut(i32)) {
            for signal in self.0.forever() {
                // The next signal counts as well, whatever the program's function made of this one.
                let _ = catch_unwind(AssertUnwindSafe(|| act(signal)));
            }
        }
    }
}

#[cfg(not(unix))]
mod waiter {
    //! Nothing but a flag tells of a signal here, which has to be looked at.

    use std::io;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;
    use std::time::Duration;

    use signal_hook::consts::SIGINT;
    use signal_hook::flag;

    /// How often the flags are looked at.
    const LOOK: Duration = Duration::from_millis(100);

    pub(super) struct Waiter {
        raised: Arc<AtomicBool>,
        ended: Arc<AtomicBool>,
    }

    impl Waiter {
        pub(super) fn new(_minds_hangup: bool) -> io::Result<Self> {
            let raised = Arc::default();
            flag::register(SIGINT, Arc::clone(&raised))?;
            Ok(Self { raised, ended: Arc::default() })
        }

        pub(super) fn end(&self) -> impl FnOnce() + Send + use<> {
            let ended = Arc::clone(&self.ended);
            move || ended.store(true, Ordering::Release)
        }

        pub(super) fn each(self, mut act: impl FnMut(i32)) {
            while !self.ended.load(Ordering::Acquire) {
                if self.raised.swap(false, Ordering::AcqRel) {
                    act(SIGINT);
                }
                thread::sleep(LOOK);
            }
        }
    }
}
