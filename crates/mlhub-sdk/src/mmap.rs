//! The only unsafe code of this crate: a window of a file mapped into memory,
//! and a notice of forks.
//!
//! Soundness rests on three facts. The mapped range was allocated on disk before
//! it is touched (`log_file`), so that a full disk is an error there and no
//! SIGBUS here; what remains is a file that somebody shortens while it is
//! mapped, which nothing can guard against. The range is written by this process
//! only: readers are other processes, which see bytes change and bear with it.
//! And a forked child never touches what its parent mapped (`fork`).
#![expect(
    unsafe_code,
    reason = "mapping a file and registering a fork handler have no safe interface"
)]

use std::fs::File;
use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use rustix::mm::{Advice, MapFlags, ProtFlags};

/// A writable, shared mapping of a range of a file.
#[derive(Debug)]
pub(crate) struct Window {
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: the window owns its mapping; all access goes through `&mut self` or an
// atomic store, so moving it to another thread is moving a buffer.
unsafe impl Send for Window {}

impl Window {
    /// Maps `length` bytes of `file` from `offset` on, a multiple of the page size.
    /// The range lies inside the file.
    pub(crate) fn map(file: &File, offset: u64, length: usize) -> io::Result<Self> {
        // SAFETY: the address is the kernel's choice, so no other mapping is
        // replaced; the length is not zero (checked by the kernel).
        let start = unsafe {
            rustix::mm::mmap(
                std::ptr::null_mut(),
                length,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::SHARED,
                file,
                offset,
            )
        }?;
        let start = NonNull::new(start.cast::<u8>())
            .ok_or_else(|| io::Error::other("the kernel mapped the file at address zero"))?;
        Ok(Self { start, length })
    }

    /// The mapped length.
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// Bytes `at..at + length` of the window.
    ///
    /// # Panics
    /// When they are not all inside.
    pub(crate) fn bytes(&mut self, at: usize, length: usize) -> &mut [u8] {
        assert!(at.checked_add(length).is_some_and(|end| end <= self.length));
        // SAFETY: inside the mapping (checked above), which lives as long as
        // `self`; `&mut self` makes this the only reference in this process.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr().add(at), length) }
    }

    /// Stores `value` at `at`, little-endian, after everything written before.
    ///
    /// # Panics
    /// When it is outside or not aligned.
    pub(crate) fn publish(&mut self, at: usize, value: u32) {
        assert!(at.is_multiple_of(4) && at.checked_add(4).is_some_and(|end| end <= self.length));
        // SAFETY: inside the mapping and aligned (checked above; the mapping
        // starts at a page); `&mut self` excludes other access in this process.
        let place = unsafe { AtomicU32::from_ptr(self.start.as_ptr().add(at).cast::<u32>()) };
        place.store(value.to_le(), Ordering::Release);
    }

    /// Asks the kernel to have pages `at..at + length` ready for writing, so that
    /// no record pays for a page fault. A kernel that cannot does nothing.
    pub(crate) fn populate(&mut self, at: usize, length: usize) {
        #[cfg(target_os = "linux")]
        {
            let length = length.min(self.length.saturating_sub(at));
            if length == 0 {
                return;
            }
            // SAFETY: the range is inside the mapping; populating changes no byte.
            let asked = unsafe {
                rustix::mm::madvise(
                    self.start.as_ptr().add(at).cast(),
                    length,
                    Advice::LinuxPopulateWrite,
                )
            };
            // Before Linux 5.14 pages are made one by one as they are written.
            let _ = asked;
        }
        #[cfg(not(target_os = "linux"))]
        {
            let _ = (at, length, Advice::Normal);
        }
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        // SAFETY: this is the mapping made in `map`, and nobody refers to it
        // any more.
        let unmapped = unsafe { rustix::mm::munmap(self.start.as_ptr().cast(), self.length) };
        debug_assert!(unmapped.is_ok());
    }
}

/// How often this process was forked from its first ancestor that asked.
static FORKS: AtomicU64 = AtomicU64::new(0);

extern "C" fn after_fork_in_child() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}

/// Counts forks from now on. Called once per process tree.
pub(crate) fn watch_forks() {
    // SAFETY: the handler only adds to an atomic, which is allowed after a fork
    // in a process with many threads; it is never unloaded before the process
    // ends, since this code is not unloaded (Python keeps its modules).
    unsafe {
        libc::pthread_atfork(None, None, Some(after_fork_in_child));
    }
}

/// How many forks lie between the process that called [`watch_forks`] and this one.
pub(crate) fn forks() -> u64 {
    FORKS.load(Ordering::Relaxed)
}
