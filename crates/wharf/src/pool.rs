//! Free lists of boxes, one per thread, so that steady traffic allocates nothing.
//!
//! A [`Pooled`] value goes back to the list of the thread that drops it. Each list is bounded, and
//! a value that has grown past [`MAX_KEPT_BYTES`] is freed instead. Not here: futures, which are
//! told apart by type (`handler/task.rs`).

use std::cell::{Cell, RefCell};
use std::ops::{Deref, DerefMut};
use std::thread::LocalKey;

use crate::handler::Later;
use crate::{request, response};

/// How many values one list keeps beside the last: more than one turn of a worker uses at a time,
/// in most programs.
const MAX_KEPT: usize = 256;

/// The largest storage that a kept value may hold, in bytes: enough for a usual body.
const MAX_KEPT_BYTES: usize = 64 << 10;

/// A free list of one type.
pub(crate) struct FreeList<T> {
    /// The value that was freed last, most often the next to be used: a place of its own takes
    /// half of what the list does.
    last: Cell<Option<Box<T>>>,
    others: RefCell<Vec<Box<T>>>,
}

impl<T> FreeList<T> {
    pub(crate) const fn new() -> Self {
        Self { last: Cell::new(None), others: RefCell::new(Vec::new()) }
    }

    #[inline(always)]
    fn take(&self) -> Option<Box<T>> {
        self.last.take().or_else(|| self.take_other())
    }

    #[inline(never)]
    fn take_other(&self) -> Option<Box<T>> {
        self.others.borrow_mut().pop()
    }

    #[inline(always)]
    fn put(&self, value: Box<T>) {
        if let Some(before) = self.last.replace(Some(value)) {
            self.put_other(before);
        }
    }

    #[inline(never)]
    fn put_other(&self, value: Box<T>) {
        let mut others = self.others.borrow_mut();
        if others.len() < MAX_KEPT {
            others.push(value);
        }
    }

    /// Frees everything. Destructors may be the program's code, and are not run under the borrow.
    fn clear(&self) {
        drop(self.last.take());
        drop(self.others.take());
    }
}

/// A value that can be used again.
pub(crate) trait Reusable: Default + 'static {
    /// The list of this type.
    fn free_list() -> &'static LocalKey<FreeList<Self>>;

    /// Makes the value as good as new, but keeps its storage. What each user writes before anybody
    /// reads it may be left; the field says so then.
    fn reset(&mut self);

    /// The size of the storage that [`reset`](Self::reset) keeps, in bytes.
    fn storage_bytes(&self) -> usize;
}

/// A box that returns to a free list when dropped.
#[derive(Debug)]
pub(crate) struct Pooled<T: Reusable>(Option<Box<T>>);

impl<T: Reusable> Pooled<T> {
    /// Takes a value from this thread's list, or makes one.
    #[inline]
    pub(crate) fn take() -> Self {
        // A thread that is ending has no list any more.
        let kept = T::free_list().try_with(FreeList::take).ok().flatten();
        Self(Some(kept.unwrap_or_default()))
    }
}

impl<T: Reusable> Drop for Pooled<T> {
    #[inline]
    fn drop(&mut self) {
        let Some(mut value) = self.0.take() else { return };
        value.reset();
        if value.storage_bytes() > MAX_KEPT_BYTES {
            return;
        }
        // A thread that is ending frees the value instead.
        let _ = T::free_list().try_with(|list| list.put(value));
    }
}

impl<T: Reusable> Deref for Pooled<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().expect("the box is only taken by drop")
    }
}

impl<T: Reusable> DerefMut for Pooled<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.as_mut().expect("the box is only taken by drop")
    }
}

/// Frees what this thread's list of a type holds.
fn clear<T: Reusable>() {
    let _ = T::free_list().try_with(FreeList::clear);
}

/// How many buffers a thread keeps that nobody fills at the moment.
const MAX_BUFFERS: usize = 64;

/// The largest that is kept, in bytes: what two receives fill.
const MAX_BUFFER_BYTES: usize = (128 + 8) << 10;

thread_local! {
    static BUFFERS: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Gives a buffer the storage of one that was kept, if it has none.
pub(crate) fn fill_up(buffer: &mut Vec<u8>) {
    if buffer.capacity() == 0 {
        let kept = BUFFERS.try_with(|buffers| buffers.borrow_mut().pop());
        *buffer = kept.ok().flatten().unwrap_or_default();
    }
}

/// Keeps the storage of a buffer, if it is empty, for others.
pub(crate) fn give_back(buffer: &mut Vec<u8>) {
    if !buffer.is_empty() || buffer.capacity() == 0 {
        return;
    }
    let empty = std::mem::take(buffer);
    if empty.capacity() <= MAX_BUFFER_BYTES {
        // A thread that is ending frees it instead.
        let _ = BUFFERS.try_with(|buffers| {
            let mut buffers = buffers.borrow_mut();
            if buffers.len() < MAX_BUFFERS {
                buffers.push(empty);
            }
        });
    }
}

/// Frees what this thread keeps for requests to come.
pub(crate) fn clear_all() {
    drop(BUFFERS.try_with(RefCell::take));
    clear::<request::Parts>();
    clear::<response::Parts>();
    clear::<Later>();
    clear::<Vec<u8>>();
}

/// Declares the free list of a type.
macro_rules! reusable {
    ($type:ty, |$value:ident| $reset:expr, $storage:expr) => {
        impl $crate::pool::Reusable for $type {
            fn free_list() -> &'static std::thread::LocalKey<$crate::pool::FreeList<Self>> {
                thread_local! {
                    static LIST: $crate::pool::FreeList<$type> =
                        const { $crate::pool::FreeList::new() };
                }
                &LIST
            }

            #[inline(always)]
            fn reset(&mut self) {
                let $value = self;
                $reset
            }

            #[inline(always)]
            fn storage_bytes(&self) -> usize {
                let $value = self;
                $storage
            }
        }
    };
}
pub(crate) use reusable;

reusable!(Vec<u8>, |bytes| bytes.clear(), bytes.capacity());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_value_is_used_again_empty_and_with_its_storage() {
        let mut first = Pooled::<Vec<u8>>::take();
        first.extend_from_slice(b"something");
        let storage = first.as_ptr();
        drop(first);
        let second = Pooled::<Vec<u8>>::take();
        assert!(second.is_empty());
        assert_eq!(second.as_ptr(), storage);
    }

    #[test]
    fn so_many_are_kept_and_no_more() {
        let values: Vec<_> = (0..MAX_KEPT + 10).map(|_| Pooled::<Vec<u8>>::take()).collect();
        drop(values);
        let kept = || <Vec<u8>>::free_list().with(|list| list.others.borrow().len());
        assert_eq!(kept(), MAX_KEPT);
        let values: Vec<_> = (0..10).map(|_| Pooled::<Vec<u8>>::take()).collect();
        assert_eq!(kept(), MAX_KEPT - 9, "one had a place of its own");
        drop(values);
        clear::<Vec<u8>>();
        assert_eq!(kept(), 0);
    }

    #[test]
    fn a_value_that_grew_too_large_is_freed() {
        let mut large = Pooled::<Vec<u8>>::take();
        large.reserve_exact(MAX_KEPT_BYTES + 1);
        drop(large);
        assert!(Pooled::<Vec<u8>>::take().capacity() <= MAX_KEPT_BYTES);
    }
}
