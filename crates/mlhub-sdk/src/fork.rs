//! State of which every process has its own: after a fork the child starts with
//! a fresh one and leaves its parent's alone, even its lock, which a thread of
//! the parent may have held at that moment and which nobody in the child opens.

use std::sync::{Mutex, MutexGuard, Once, OnceLock, PoisonError};

use crate::mmap;

static WATCH: Once = Once::new();

/// One `T` per process.
#[derive(Debug)]
pub(crate) struct PerProcess<T> {
    generation: u64,
    state: Mutex<T>,
    /// The state of the child, in the child.
    next: OnceLock<Box<PerProcess<T>>>,
}

impl<T> PerProcess<T> {
    /// The state of this process.
    pub(crate) fn new(state: T) -> Self {
        WATCH.call_once(mmap::watch_forks);
        Self {
            generation: mmap::forks(),
            state: Mutex::new(state),
            next: OnceLock::new(),
        }
    }

    /// The state of the process that asks; `fresh` makes it in a child that asks
    /// for the first time.
    pub(crate) fn lock(&self, fresh: impl FnOnce() -> T) -> MutexGuard<'_, T> {
        let generation = mmap::forks();
        let mut own = self;
        let mut fresh = Some(fresh);
        // Forks of forks are further down; there are as many as forks are nested.
        while own.generation != generation {
            own = match own.next.get() {
                Some(next) => next,
                None => match fresh.take() {
                    Some(fresh) => own.next.get_or_init(|| Box::new(Self::new(fresh()))),
                    None => break,
                },
            };
        }
        own.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
