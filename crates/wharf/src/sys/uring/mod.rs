//! A ring of requests and completions shared with the kernel (`io_uring`), and all memory that the
//! kernel is told of through it.
//!
//! # Why nothing is freed too early
//!
//! Requests that point to memory are made here alone, and that memory belongs to the [`Ring`]:
//! bytes to be sent are moved into it (`outputs.rs`) and come back with the completion, and
//! received bytes stay in its buffers (`buffers.rs`). So closing a connection, a panic above or
//! forgetting a completion frees nothing. Requests whose last completion has not come are counted.
//! A ring that is dropped cancels them and waits; what is still counted after [`PATIENCE`] may be
//! written to or read at any time, and its memory is leaked rather than freed.
//!
//! # Why no request meets another's descriptor
//!
//! A request names a descriptor by number and takes effect when it is submitted. Until then the
//! number must not become another file's, so that a [`Handle`] is closed by a request as well,
//! which takes effect behind those that were made before.
//!
//! Not here: what is asked for and when (`driver/uring`).

#![expect(unsafe_code, reason = "the kernel is told where memory is")]

mod buffers;
mod mapping;
mod outputs;
mod request;
mod waker;

use std::collections::VecDeque;
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use io_uring::squeue::Flags;
use io_uring::types::{CancelBuilder, Fd, SubmitArgs, Timespec};
use io_uring::{EnterFlags, IoUring, Probe, cqueue, opcode, squeue};

use self::buffers::Buffers;
use self::outputs::Outputs;
pub(crate) use self::outputs::Parts;
use self::request::CANCEL;
pub(crate) use self::request::{Event, MAX_TOKEN, Request, is_interrupted, lacks_buffers};
use self::waker::Bell;
pub(crate) use self::waker::RingWaker;

/// How often the kernel is called in a row as long as it has work left.
const MAX_ROUNDS: u32 = 64;

/// How long a ring that is dropped waits for cancelled requests. Requests on sockets end at once.
const PATIENCE: Duration = Duration::from_secs(2);

/// How large a ring is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// Requests that are submitted together.
    pub(crate) requests: u32,
    /// Completions that wait to be looked at. The kernel puts more aside, at some cost.
    pub(crate) completions: u32,
    /// A power of two.
    pub(crate) buffers: u16,
    pub(crate) buffer_bytes: u32,
}

/// A descriptor that requests may name. It is closed by [`Ring::close`] alone: dropping it leaks
/// the descriptor, since a request may be about to name it.
#[derive(Debug)]
pub(crate) struct Handle(ManuallyDrop<OwnedFd>);

impl Handle {
    pub(crate) fn new(fd: OwnedFd) -> Self {
        Self(ManuallyDrop::new(fd))
    }

    /// The descriptor, which is nobody's but the caller's from now on: no request that has not
    /// completed may name it.
    pub(crate) fn into_fd(self) -> OwnedFd {
        ManuallyDrop::into_inner(self.0)
    }

    fn fd(&self) -> Fd {
        Fd(self.0.as_raw_fd())
    }
}

impl AsFd for Handle {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// One worker's ring.
pub(crate) struct Ring {
    io: ManuallyDrop<IoUring>,
    /// What the kernel knows of, until there is no request left.
    memory: ManuallyDrop<Memory>,
    /// The kernel takes requests, from the thread on which it was told to.
    is_enabled: bool,
    /// Nothing is to be begun any more.
    is_ending: bool,
    waker: Arc<RingWaker>,
    wakes: bool,
    /// Whoever waits for the ring together with other things waits for this.
    bell: Option<Arc<Bell>>,
    /// The kernel has more to do than it does in one call.
    has_work: bool,
    /// Requests that wait for room in the queue.
    backlog: VecDeque<squeue::Entry>,
    completions: VecDeque<cqueue::Entry>,
    /// Requests whose last completion has not come.
    pending: usize,
}

struct Memory {
    buffers: Buffers,
    outputs: Outputs,
}

impl Ring {
    /// A ring that belongs to nobody yet: the first thread that submits is the one that uses it.
    ///
    /// # Errors
    ///
    /// Where the kernel lacks something (it has all since 6.1), or a policy forbids it.
    pub(crate) fn new(sizes: Sizes) -> io::Result<Self> {
        let io = IoUring::builder()
            .setup_r_disabled()
            .setup_single_issuer()
            .setup_defer_taskrun()
            .setup_taskrun_flag()
            .setup_submit_all()
            .setup_clamp()
            .setup_cqsize(sizes.completions)
            .build(sizes.requests)?;
        check(&io)?;
        let buffers = Buffers::new(sizes.buffers, sizes.buffer_bytes)?;
        let memory = ManuallyDrop::new(Memory { buffers, outputs: Outputs::default() });
        let ring = Self {
            io: ManuallyDrop::new(io),
            memory,
            is_enabled: false,
            is_ending: false,
            waker: Arc::new(RingWaker::new()?),
            wakes: false,
            bell: None,
            has_work: false,
            backlog: VecDeque::new(),
            completions: VecDeque::new(),
            pending: 0,
        };
        // SAFETY: `drop` lets go of the buffers only after all requests have completed.
        unsafe { ring.memory.buffers.register(&ring.io.submitter()) }?;
        Ok(ring)
    }

    pub(crate) fn waker(&self) -> &Arc<RingWaker> {
        &self.waker
    }

    /// Has the ring's descriptor become readable when there is something to do.
    ///
    /// The ring itself does not: what the kernel puts off until the next call (which is what makes
    /// the calls few) wakes nobody who polls the ring.
    pub(crate) fn watch_from_outside(&mut self) -> io::Result<()> {
        let bell = Arc::new(Bell::new()?);
        self.waker.ring(&bell);
        self.io.submitter().register_eventfd(bell.as_fd().as_raw_fd())?;
        self.bell = Some(bell);
        Ok(())
    }

    /// Accepts connections until it is cancelled or fails.
    pub(crate) fn accept(&mut self, token: u64, listener: &Handle) {
        let entry = opcode::AcceptMulti::new(listener.fd()).flags(libc::SOCK_CLOEXEC).build();
        // SAFETY: the request points to no memory.
        unsafe { self.push(Request::Accept, token, entry) }
    }

    /// Receives into the ring's buffers until it is cancelled, fails, or finds no buffer.
    pub(crate) fn receive(&mut self, token: u64, socket: &Handle) {
        let entry = opcode::RecvMulti::new(socket.fd(), buffers::GROUP).build();
        // SAFETY: the memory that is written to is `Memory`'s.
        unsafe { self.push(Request::Receive, token, entry) }
    }

    /// Watches for the end of a connection until it is cancelled, without receiving.
    pub(crate) fn watch(&mut self, token: u64, socket: &Handle) {
        let events = (libc::POLLERR | libc::POLLHUP).cast_unsigned();
        let entry = opcode::PollAdd::new(socket.fd(), events.into()).multi(true).build();
        // SAFETY: the request points to no memory.
        unsafe { self.push(Request::Watch, token, entry) }
    }

    /// Sends as much as the socket takes once it takes anything, but no more than `max` bytes and
    /// without raising a signal. Returns the number of the send.
    pub(crate) fn send(&mut self, token: u64, socket: &Handle, parts: Parts, max: usize) -> u32 {
        let (number, entry) = self.memory.outputs.insert(token, parts, max, socket.fd());
        // SAFETY: the memory that is read is `Memory`'s, and stays there until the completion.
        unsafe { self.push(Request::Send, number.into(), entry) }
        number
    }

    /// How many bytes there were to be sent when that send was begun.
    pub(crate) fn send_len(&self, number: u32) -> usize {
        self.memory.outputs.len(number)
    }

    /// Cancels a request. It completes in any case, with or without an error.
    pub(crate) fn cancel(&mut self, request: Request, token: u64) {
        let number = request.number(token);
        let entry = opcode::AsyncCancel::new(number).build();
        let entry = entry.flags(Flags::SKIP_SUCCESS).user_data(CANCEL | number);
        // SAFETY: the request points to no memory.
        unsafe { self.queue(entry) }
    }

    /// Closes a descriptor, behind all requests that name it. Requests on it that were not
    /// cancelled keep the file open.
    pub(crate) fn close(&mut self, handle: Handle) {
        let fd = ManuallyDrop::into_inner(handle.0).into_raw_fd();
        let entry = opcode::Close::new(Fd(fd)).build().flags(Flags::SKIP_SUCCESS);
        let entry = entry.user_data(Request::Close.number(0));
        // SAFETY: the request points to no memory.
        unsafe { self.queue(entry) }
    }

    /// Submits all requests and waits until something has completed, but no longer than that.
    ///
    /// # Errors
    ///
    /// Where the ring can't be used any more, or not by this thread.
    pub(crate) fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        let is_short = timeout == Some(Duration::ZERO) || !self.completions.is_empty();
        if !self.make_room()? {
            return Ok(());
        }
        self.enter(u32::from(!is_short), timeout.filter(|_| !is_short))?;
        if let Some(bell) = &self.bell {
            bell.reset();
            // What has rung it since the call is not to be missed.
            self.has_work = self.io.submission().taskrun();
        }
        Ok(())
    }

    /// Submits all requests without waiting, and lets happen what can happen. There may be more: a
    /// send that the system calls possible and then does not do comes up again and again, until the
    /// peer has taken something.
    pub(crate) fn submit(&mut self) -> io::Result<()> {
        if !self.make_room()? {
            return Ok(());
        }
        self.enter(0, None)?;
        for _ in 0..MAX_ROUNDS {
            if !self.has_work {
                break;
            }
            self.enter(0, None)?;
        }
        Ok(())
    }

    /// Whether there is something for which nobody needs to wait.
    pub(crate) fn has_events(&self) -> bool {
        self.has_work || !self.completions.is_empty()
    }

    /// How many results there are.
    pub(crate) fn event_count(&self) -> usize {
        self.completions.len()
    }

    /// The next result, if there is one and it is of interest.
    pub(crate) fn next_event(&mut self) -> Option<Event> {
        let completion = self.completions.pop_front()?;
        self.read(&completion)
    }

    /// What is in a buffer that was received.
    pub(crate) fn bytes(&self, buffer: u16) -> &[u8] {
        self.memory.buffers.bytes(buffer)
    }

    /// Gives a buffer back, so that the kernel can receive into it again.
    pub(crate) fn recycle(&mut self, buffer: u16) {
        self.memory.buffers.recycle(buffer);
    }

    fn read(&mut self, completion: &cqueue::Entry) -> Option<Event> {
        let (number, flags) = (completion.user_data(), completion.flags());
        let (request, token) = (Request::of(number)?, number & MAX_TOKEN);
        if number & CANCEL != 0 {
            return Some(Event::NotCancelled { request, token });
        }
        let is_last = !cqueue::more(flags);
        if is_last && request != Request::Close {
            self.pending -= 1;
        }
        let result = u32::try_from(completion.result())
            .map_err(|_| io::Error::from_raw_os_error(-completion.result()));
        Some(match request {
            Request::Accept => {
                // SAFETY: the kernel has just made this descriptor, and tells nobody else of it.
                let own = |_| unsafe { OwnedFd::from_raw_fd(completion.result()) };
                Event::Accepted { token, socket: result.map(own), is_last }
            }
            Request::Receive => {
                let id = cqueue::buffer_select(flags);
                if let Some(id) = id {
                    self.memory.buffers.note_filled(id, *result.as_ref().unwrap_or(&0));
                }
                let buffer = result.map(|len| id.filter(|_| len > 0));
                Event::Received { token, buffer, is_last }
            }
            Request::Watch => {
                let broken = (libc::POLLERR | libc::POLLHUP).cast_unsigned();
                let is_broken = result.is_ok_and(|events| events & u32::from(broken) != 0);
                Event::Watched { token, is_broken, is_last }
            }
            Request::Send => {
                let number = u32::try_from(token).expect("it was one");
                // SAFETY: this is the completion, and a send has one.
                let (token, parts) = unsafe { self.memory.outputs.remove(number) };
                Event::Sent { token, parts, result: result.map(|len| len as usize) }
            }
            Request::Wake => {
                self.wakes &= !is_last;
                return None;
            }
            Request::Close => return None,
        })
    }

    /// Queues a request that completes.
    ///
    /// # Safety
    ///
    /// The memory that it points to must stay where it is until it has completed.
    unsafe fn push(&mut self, request: Request, token: u64, entry: squeue::Entry) {
        debug_assert!(token <= MAX_TOKEN);
        self.pending += 1;
        // SAFETY: as for this function.
        unsafe { self.queue(entry.user_data(request.number(token))) }
    }

    /// # Safety
    ///
    /// As for [`push`](Self::push).
    unsafe fn queue(&mut self, entry: squeue::Entry) {
        // SAFETY: as for this function.
        if !self.backlog.is_empty() || unsafe { self.io.submission().push(&entry) }.is_err() {
            self.backlog.push_back(entry);
        }
    }

    /// Submits what there is no room for in one call. Returns whether the rest fits into the next.
    fn make_room(&mut self) -> io::Result<bool> {
        self.make_ready()?;
        while self.fill() {
            if self.enter(0, None)? == 0 && self.fill() {
                // The kernel takes none for now. It does once completions are looked at.
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Moves requests from the backlog to the queue. Returns whether some have to wait.
    fn fill(&mut self) -> bool {
        while let Some(entry) = self.backlog.front() {
            // SAFETY: whoever queued it guarantees that it stays valid until it has completed.
            if unsafe { self.io.submission().push(entry) }.is_err() {
                return true;
            }
            self.backlog.pop_front();
        }
        false
    }

    /// Makes this thread the ring's, and has the waker watched.
    fn make_ready(&mut self) -> io::Result<()> {
        if !self.is_enabled {
            self.io.submitter().register_enable_rings()?;
            self.is_enabled = true;
        }
        if !self.wakes && !self.is_ending {
            self.wakes = true;
            let readable = libc::POLLIN.cast_unsigned().into();
            let entry = opcode::PollAdd::new(self.waker.fd(), readable).multi(true).build();
            // SAFETY: the request points to no memory.
            unsafe { self.push(Request::Wake, 0, entry) }
        }
        Ok(())
    }

    /// Calls the kernel, and takes over what has completed. Returns how many requests it took.
    fn enter(&mut self, want: u32, timeout: Option<Duration>) -> io::Result<usize> {
        let count = self.io.submission().len();
        let timeout = timeout.map(Timespec::from);
        let mut args = SubmitArgs::new();
        if let Some(timeout) = &timeout {
            args = args.timespec(timeout);
        }
        let flags = (EnterFlags::GETEVENTS | EnterFlags::EXT_ARG).bits();
        let count = u32::try_from(count).expect("a queue has fewer places");
        // SAFETY: the flags announce arguments of that type, which live until the call returns.
        let entered = unsafe { self.io.submitter().enter(count, want, flags, Some(&args)) };
        self.completions.extend(self.io.completion());
        self.has_work = self.io.submission().taskrun();
        match entered {
            Ok(taken) => Ok(taken),
            // A timeout, a signal, or a lack of memory or room that will pass.
            Err(error) if error.raw_os_error().is_some_and(|code| PASSING.contains(&code)) => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Cancels everything and waits for it to complete.
    fn settle(&mut self) -> io::Result<()> {
        self.is_ending = true;
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.submit()?;
            while self.event_count() > 0 {
                let event = self.next_event();
                // A panic is the program's, which may own what was to be sent.
                let _ = catch_unwind(AssertUnwindSafe(|| drop(event)));
            }
            if self.pending == 0 || Instant::now() > deadline {
                return Ok(());
            }
            let entry = opcode::AsyncCancel2::new(CancelBuilder::any()).build();
            // SAFETY: the request points to no memory.
            unsafe { self.queue(entry.user_data(Request::Close.number(0))) }
        }
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        if self.is_enabled || !self.io.submission().is_empty() {
            // If it fails, there are requests left, those to close descriptors among them.
            let _ = self.settle();
        }
        // SAFETY: nothing uses the ring after this.
        unsafe { ManuallyDrop::drop(&mut self.io) };
        if self.pending == 0 {
            // SAFETY: nothing uses the memory after this, the kernel included: all requests have
            // completed.
            unsafe { ManuallyDrop::drop(&mut self.memory) };
        }
    }
}

impl AsFd for Ring {
    /// See [`watch_from_outside`](Ring::watch_from_outside).
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bell.as_ref().map_or_else(|| self.io.as_fd(), |bell| bell.as_fd())
    }
}

/// What a call may fail with without anything being wrong with the ring.
const PASSING: [i32; 4] = [libc::ETIME, libc::EINTR, libc::EBUSY, libc::EAGAIN];

/// Whether the kernel can do all that is asked of a ring. That it takes the flags of the setup
/// means that it knows requests with several results.
fn check(io: &IoUring) -> io::Result<()> {
    let params = io.params();
    let mut probe = Probe::new();
    io.submitter().register_probe(&mut probe)?;
    let codes = [
        opcode::AcceptMulti::CODE,
        opcode::AsyncCancel::CODE,
        opcode::Close::CODE,
        opcode::PollAdd::CODE,
        opcode::RecvMulti::CODE,
        opcode::Send::CODE,
        opcode::SendMsg::CODE,
    ];
    let is_complete = params.is_feature_ext_arg()
        && params.is_feature_nodrop()
        && params.is_feature_submit_stable()
        && params.is_feature_skip_cqe_on_success()
        && codes.into_iter().all(|code| probe.is_supported(code));
    if is_complete { Ok(()) } else { Err(io::ErrorKind::Unsupported.into()) }
}
