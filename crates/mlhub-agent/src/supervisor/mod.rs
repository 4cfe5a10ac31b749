//! Run directories, the shim, the supervisor and the local agent.
