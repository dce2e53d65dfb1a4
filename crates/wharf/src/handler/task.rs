//! The futures of handlers, kept in boxes that are used again by futures of the same type.
//!
//! A future that is ready at its first poll therefore costs no allocation in steady state, and
//! nothing here needs `unsafe`: a box holds an `Option` that is filled and emptied in place.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::response::{IntoResponse, Response};

/// How many empty boxes of one type a thread keeps.
const MAX_KEPT: usize = 64;

/// A future of a response.
pub(crate) struct Task(Option<Pin<Box<dyn Slot>>>);

impl Task {
    pub(crate) fn new<F>(future: F) -> Self
    where
        F: Future<Output: IntoResponse> + 'static,
    {
        let mut slot = take::<F>();
        slot.set(Some(future));
        Self(Some(slot))
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Response> {
        self.0.as_mut().expect("the slot is only taken by drop").as_mut().poll(cx)
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if let Some(slot) = self.0.take() {
            slot.recycle();
        }
    }
}

/// A place for a future of some type.
trait Slot {
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response>;

    /// Drops the future and keeps the box.
    fn recycle(self: Pin<Box<Self>>);
}

impl<F> Slot for Option<F>
where
    F: Future<Output: IntoResponse> + 'static,
{
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response> {
        let future = self.as_pin_mut().expect("a slot in a task is filled");
        future.poll(cx).map(IntoResponse::into_response)
    }

    fn recycle(mut self: Pin<Box<Self>>) {
        self.set(None);
        // A thread that is ending frees the box instead.
        let _ = SLOTS.try_with(|slots| {
            let mut slots = slots.borrow_mut();
            let list = slots.entry(TypeId::of::<F>()).or_insert_with(|| {
                let list: FreeList<F> = Vec::new();
                Box::new(list)
            });
            if let Some(list) = list.downcast_mut::<FreeList<F>>()
                && list.len() < MAX_KEPT
            {
                list.push(self);
            }
        });
    }
}

type FreeList<F> = Vec<Pin<Box<Option<F>>>>;

/// A free list for each type of future.
type Slots = HashMap<TypeId, Box<dyn Any>, BuildHasherDefault<TypeIdHasher>>;

thread_local! {
    static SLOTS: RefCell<Slots> = RefCell::default();
}

fn take<F: 'static>() -> Pin<Box<Option<F>>> {
    let kept = SLOTS.try_with(|slots| {
        let mut slots = slots.borrow_mut();
        slots.get_mut(&TypeId::of::<F>())?.downcast_mut::<FreeList<F>>()?.pop()
    });
    kept.ok().flatten().unwrap_or_else(|| Box::pin(None))
}

/// A type's id is a hash already.
#[derive(Default)]
struct TypeIdHasher(u64);

impl Hasher for TypeIdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u64(&mut self, id: u64) {
        self.0 = id;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;
    use std::task::Waker;

    use super::*;

    fn slot_address(task: &Task) -> *const () {
        (&raw const **task.0.as_ref().unwrap()).cast()
    }

    #[test]
    fn a_box_is_used_again_by_futures_of_the_same_type() {
        fn task(dropped: &Rc<Cell<u32>>) -> Task {
            struct Count(Rc<Cell<u32>>);
            impl Drop for Count {
                fn drop(&mut self) {
                    self.0.set(self.0.get() + 1);
                }
            }
            let count = Count(Rc::clone(dropped));
            Task::new(async move {
                drop(count);
                "done"
            })
        }

        let dropped = Rc::new(Cell::new(0));
        let first = task(&dropped);
        let address = slot_address(&first);
        drop(first);
        assert_eq!(dropped.get(), 1, "an unfinished future is dropped with its task");
        let mut second = task(&dropped);
        assert_eq!(slot_address(&second), address);
        let polled = second.poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_ready());
        assert_eq!(dropped.get(), 2);
    }
}
