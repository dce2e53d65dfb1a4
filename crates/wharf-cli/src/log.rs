//! The log: a line for each request, written by a thread of its own.
//!
//! Workers append lines to a buffer of bounded size, and the thread writes out in one go whatever
//! has come together. A terminal that is slow, or stopped with Ctrl-S, so costs lines, which are
//! counted, but never holds a worker up. Not here: what a line says of a request, which is the
//! library's [`Access`].

use std::fmt::{self, Display};
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use wharf::Access;

use crate::complain;

/// How much waits to be written, in bytes: some 10,000 lines.
const BUFFER_BYTES: usize = 1 << 20;

/// A log that is being written.
pub(crate) struct Log {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Whole lines.
    waiting: Vec<u8>,
    /// How many lines found no room.
    dropped: u64,
    /// No more lines are taken.
    is_closed: bool,
    /// The thread writes nothing more.
    is_done: bool,
}

impl Log {
    /// Starts the thread that writes to `out`.
    pub(crate) fn start(out: impl Write + Send + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let writer = Arc::clone(&shared);
        thread::Builder::new().name("log".to_owned()).spawn(move || writer.write_to(out))?;
        Ok(Self { shared })
    }

    /// What the server calls after each request.
    pub(crate) fn recorder(&self) -> impl Fn(&Access<'_>) + Send + Sync + 'static {
        let shared = Arc::clone(&self.shared);
        move |access| shared.add(SystemTime::now(), access)
    }

    /// Takes no more lines, waits until the others are written, but no longer than `patience`, and
    /// tells how many were dropped.
    pub(crate) fn finish(self, patience: Duration) -> u64 {
        let deadline = Instant::now() + patience;
        let mut state = self.shared.lock();
        state.is_closed = true;
        self.shared.changed.notify_all();
        while !state.is_done {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.shared.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.dropped
    }
}

impl Shared {
    /// A panic elsewhere can't leave half a line: it is cut off by the next.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, at: SystemTime, what: impl Display) {
        let mut state = self.lock();
        if state.is_closed {
            return;
        }
        let len = state.waiting.len();
        let written = writeln!(state.waiting, "{} {what}", Timestamp(at));
        if written.is_err() || state.waiting.len() > BUFFER_BYTES {
            state.waiting.truncate(len);
            state.dropped += 1;
            return;
        }
        drop(state);
        if len == 0 {
            self.changed.notify_all();
        }
    }

    fn write_to(&self, mut out: impl Write) {
        let mut lines = Vec::new();
        while self.take(&mut lines) {
            if let Err(error) = out.write_all(&lines).and_then(|()| out.flush()) {
                complain(format_args!("can't write the log, and go on without: {error}"));
                break;
            }
        }
        let mut state = self.lock();
        state.is_closed = true;
        state.is_done = true;
        state.waiting = Vec::new();
        self.changed.notify_all();
    }

    /// Waits for lines and puts them in place of those in `lines`. No, if none will come.
    fn take(&self, lines: &mut Vec<u8>) -> bool {
        lines.clear();
        let mut state = self.lock();
        while state.waiting.is_empty() && !state.is_closed {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::swap(&mut state.waiting, lines);
        !lines.is_empty()
    }
}

/// A time as RFC 3339 writes it, in UTC: `2026-03-01T12:00:00.000Z`.
struct Timestamp(SystemTime);

impl Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A clock that stands before 1970 was never set.
        let since = self.0.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
        let (year, month, day) = date(days);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        let millis = since.subsec_millis();
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
    }
}

/// Year, month and day of the Gregorian calendar, from the days since 1970-01-01.
fn date(days: u64) -> (u64, u64, u64) {
    // Counted from 1 March of the year 0, every leap day is the last day of its year, its century
    // and its cycle of 400 years.
    let days = days + 719_468;
    let (cycle, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // From March on, every five months have 153 days.
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next_year) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (cycle * 400 + year + next_year, month, day)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{self, Receiver, Sender};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    /// Tells of each write, and waits for leave to go on.
    struct Terminal {
        written: Sender<Vec<u8>>,
        leave: Receiver<io::Result<()>>,
    }

    impl Write for Terminal {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.written.send(bytes.to_vec()).unwrap();
            self.leave.recv().unwrap_or(Ok(()))?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn terminal() -> (Terminal, Receiver<Vec<u8>>, Sender<io::Result<()>>) {
        let (written, reads) = mpsc::channel();
        let (leaves, leave) = mpsc::channel();
        (Terminal { written, leave }, reads, leaves)
    }

    #[test]
    fn lines_are_written_in_order_with_their_time() {
        let (terminal, written, leave) = terminal();
        drop(leave);
        let log = Log::start(terminal).unwrap();
        for line in ["one", "two"] {
            log.shared.add(SystemTime::UNIX_EPOCH, line);
        }
        assert_eq!(log.finish(PATIENCE), 0);
        let text = String::from_utf8(written.iter().flatten().collect()).unwrap();
        assert_eq!(text, "1970-01-01T00:00:00.000Z one\n1970-01-01T00:00:00.000Z two\n");
    }

    #[test]
    fn a_terminal_that_stands_still_costs_lines_and_nothing_else() {
        let (terminal, written, leave) = terminal();
        let log = Log::start(terminal).unwrap();
        log.shared.add(SystemTime::UNIX_EPOCH, "first");
        let first = written.recv().unwrap();

        let line = "x".repeat(1000);
        let count = 2 * BUFFER_BYTES / line.len();
        for _ in 0..count {
            log.shared.add(SystemTime::UNIX_EPOCH, &line);
        }
        drop(leave);
        let dropped = usize::try_from(log.finish(PATIENCE)).unwrap();
        let rest: Vec<u8> = written.iter().flatten().collect();
        assert!(dropped > 0 && rest.len() <= BUFFER_BYTES);
        assert_eq!(rest.split_inclusive(|&byte| byte == b'\n').count(), count - dropped);
        assert!(first.ends_with(b" first\n") && rest.ends_with(b"x\n"));
    }

    #[test]
    fn a_terminal_that_never_moves_does_not_hold_up_the_end() {
        let (terminal, written, leave) = terminal();
        let log = Log::start(terminal).unwrap();
        log.shared.add(SystemTime::UNIX_EPOCH, "first");
        written.recv().unwrap();
        assert_eq!(log.finish(Duration::ZERO), 0);
        drop(leave);
    }

    #[test]
    fn nothing_is_kept_for_a_terminal_that_is_gone() {
        let (terminal, written, leave) = terminal();
        let log = Log::start(terminal).unwrap();
        log.shared.add(SystemTime::UNIX_EPOCH, "first");
        written.recv().unwrap();
        leave.send(Err(io::ErrorKind::BrokenPipe.into())).unwrap();
        // The thread drops the terminal at its end.
        assert!(written.recv().is_err());
        log.shared.add(SystemTime::UNIX_EPOCH, "second");
        assert!(log.shared.lock().waiting.is_empty());
        assert_eq!(log.finish(PATIENCE), 0);
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399, "2000-02-28T23:59:59.000Z"),
            (951_868_800, "2000-03-01T00:00:00.000Z"),
            (1_709_164_800, "2024-02-29T00:00:00.000Z"),
            (1_735_689_599, "2024-12-31T23:59:59.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
        ] {
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!(Timestamp(time).to_string(), expected);
        }
    }
}
