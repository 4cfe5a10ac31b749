//! The end of a program that leads its own process group: whether it came, and
//! how it is brought about for all that the program started.

use std::process::{Child, ExitStatus};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

/// Whether the leader has ended. It is not waited for here, so that its number, and
/// with it its group's, stays taken until [`kill`].
pub(crate) fn has_exited(leader: &Child) -> bool {
    waitid(
        WaitId::Pid(Pid::from_child(leader)),
        WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT,
    )
    .is_ok_and(|status| status.is_some())
}

/// Ends a group whose leader was not waited for yet, then waits for the leader.
pub(crate) fn kill(leader: &mut Child) -> Option<ExitStatus> {
    // All may have ended already.
    let _ = kill_process_group(Pid::from_child(leader), Signal::KILL);
    leader.wait().ok()
}
