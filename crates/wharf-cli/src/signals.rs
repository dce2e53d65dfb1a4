//! Signals: the first stops the server, the second ends the process.
//!
//! Not here: what a server does when it stops.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use wharf::StopSwitch;

/// The signals that mean "stop": Ctrl-C's, and the one that service managers send.
const STOP_SIGNALS: [i32; 2] = [SIGINT, SIGTERM];

/// The exit code after a second signal, as shells report a process that Ctrl-C has ended.
pub(crate) const INTERRUPTED: u8 = 130;

/// Has the first signal use `switch`, and the second end the process at once.
pub(crate) fn stop(switch: StopSwitch) -> io::Result<()> {
    let is_stopping = Arc::new(AtomicBool::new(false));
    for signal in STOP_SIGNALS {
        // In this order: the first signal finds the flag down, and raises it for the second.
        let code = INTERRUPTED.into();
        flag::register_conditional_shutdown(signal, code, Arc::clone(&is_stopping))?;
        flag::register(signal, Arc::clone(&is_stopping))?;
    }
    let wait = waiter(is_stopping)?;
    // A switch takes locks, which signal handlers must not.
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        wait();
        switch.stop();
    })?;
    Ok(())
}

/// What waits for a signal.
#[cfg(unix)]
fn waiter(_raised: Arc<AtomicBool>) -> io::Result<impl FnOnce() + Send + 'static> {
    let mut signals = signal_hook::iterator::Signals::new(STOP_SIGNALS)?;
    Ok(move || {
        signals.forever().next();
    })
}

/// What waits for a signal: nothing but the flag tells of it here.
#[cfg(not(unix))]
fn waiter(raised: Arc<AtomicBool>) -> io::Result<impl FnOnce() + Send + 'static> {
    Ok(move || {
        while !raised.load(std::sync::atomic::Ordering::Relaxed) {
            thread::sleep(std::time::Duration::from_millis(100));
        }
    })
}
