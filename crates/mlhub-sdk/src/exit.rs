//! Tells how this process ends, with the code it really ends with.
//!
//! An interpreter knows its exit code only after it has run its own hooks, and tells
//! nobody but `exit`. So a handler of the C library writes it, where there is one
//! that is given the code (`on_exit` of glibc). A process that is killed, or calls
//! `_exit`, writes nothing.
#![expect(
    unsafe_code,
    reason = "registering an exit handler has no safe interface"
)]

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Files to write at the end, with the process that asked for each.
static ENDS: Mutex<Vec<(u32, PathBuf)>> = Mutex::new(Vec::new());

/// Writes `file` (an `exit.json`) when this process exits, in the room that a file of
/// the same name with the ending `room` keeps, if there is one. Returns false where
/// the system does not tell the code; then the caller writes what it knows.
pub fn tell_exit(file: &Path) -> bool {
    if !system::watch() {
        return false;
    }
    let mut ends = ENDS.lock().unwrap_or_else(PoisonError::into_inner);
    ends.push((std::process::id(), file.to_owned()));
    true
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod system {
    use std::ffi::{c_int, c_void};
    use std::os::unix::fs::FileExt as _;
    use std::path::Path;
    use std::sync::{Once, PoisonError};
    use std::time::{SystemTime, UNIX_EPOCH};

    use mlhub_protocol::run_dir::{ExitFile, RUN_DIR_VERSION};

    use super::ENDS;

    /// Bytes that are kept for the file, blanks included.
    const ROOM_BYTES: usize = 512;
    /// What a parent sees of an exit code.
    const CODE_MASK: c_int = 0xff;

    unsafe extern "C" {
        fn on_exit(handler: extern "C" fn(c_int, *mut c_void), argument: *mut c_void) -> c_int;
    }

    static REGISTERED: Once = Once::new();

    /// Registers the handler, once. A forked child has its parent's.
    pub(super) fn watch() -> bool {
        REGISTERED.call_once(|| {
            // SAFETY: the handler is never unloaded before the process ends, since
            // this code is not unloaded (Python keeps its modules), and it takes no
            // argument.
            unsafe {
                on_exit(handler, std::ptr::null_mut());
            }
        });
        true
    }

    extern "C" fn handler(code: c_int, _: *mut c_void) {
        let own = std::process::id();
        // A thread of a forked parent may have held the lock: then nothing is told.
        let Ok(ends) = ENDS.try_lock().or_else(|error| match error {
            std::sync::TryLockError::Poisoned(poisoned) => Ok(PoisonError::into_inner(poisoned)),
            std::sync::TryLockError::WouldBlock => Err(()),
        }) else {
            return;
        };
        for (_, file) in ends.iter().filter(|(process, _)| *process == own) {
            // Nobody is left to be told.
            drop(write(file, code & CODE_MASK));
        }
    }

    fn write(file: &Path, code: c_int) -> std::io::Result<()> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let exit = ExitFile {
            version: RUN_DIR_VERSION,
            code: Some(code),
            signal: None,
            ended_at_ms: i64::try_from(now.as_millis()).unwrap_or(i64::MAX),
            spawn_error: None,
        };
        let mut text = serde_json::to_vec(&exit)?;
        let room = file.with_extension("room");
        let written = std::fs::OpenOptions::new().write(true).open(&room);
        let making = match written.and_then(|kept| {
            text.resize(text.len().max(ROOM_BYTES), b' ');
            kept.write_all_at(&text, 0)
        }) {
            Ok(()) => room,
            Err(_) => {
                let making = file.with_extension("json.tmp");
                std::fs::write(&making, text.trim_ascii_end())?;
                making
            }
        };
        std::fs::rename(&making, file)
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
mod system {
    /// There is no handler that is told the code.
    pub(super) fn watch() -> bool {
        false
    }
}
