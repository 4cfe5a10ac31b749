//! Every bound of the engine that no client meets by name.

use std::time::Duration;

/// The bounds that tests of their effects make small.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tuning {
    /// [`QUEUE_POINTS_MAX`].
    pub(super) queue_points: usize,
    /// [`QUEUE_WAIT_MAX`].
    pub(super) queue_wait: Duration,
    /// [`LOG_BYTES_MAX`].
    pub(super) log_bytes: u64,
    /// [`TAIL_POINTS_SEAL`].
    pub(super) tail_points_seal: u64,
    /// [`TAIL_POINTS_MAX`].
    pub(super) tail_points: u64,
    /// [`IDLE`].
    pub(super) idle: Duration,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            queue_points: QUEUE_POINTS_MAX,
            queue_wait: QUEUE_WAIT_MAX,
            log_bytes: LOG_BYTES_MAX,
            tail_points_seal: TAIL_POINTS_SEAL,
            tail_points: TAIL_POINTS_MAX,
            idle: IDLE,
        }
    }
}

/// Batches that wait for a commit; more wait in their callers.
pub(super) const QUEUE_BATCHES_MAX: usize = 4096;
/// Points that wait for a commit; more wait in their callers. At least one
/// largest batch fits.
pub(super) const QUEUE_POINTS_MAX: usize = 4_000_000;
/// How long a caller waits for a place in the queue before it is told to come again.
pub(super) const QUEUE_WAIT_MAX: Duration = Duration::from_secs(10);
/// Bytes of names, params, tags and records that take as much of the queue as a point.
pub(super) const QUEUE_POINT_BYTES: usize = 32;
/// Batches in one group commit.
pub(super) const GROUP_BATCHES_MAX: usize = 1024;
/// Times a group lets others go first that may join it.
pub(super) const GROUP_PAUSES_MAX: usize = 4;
/// Points in one group commit, after which no further batch joins.
pub(super) const GROUP_POINTS_MAX: usize = 500_000;

/// Points of a full chunk.
pub(super) const CHUNK_POINTS: usize = 4096;
/// Points of one sealing transaction, about.
pub(super) const SEAL_POINTS_MAX: usize = 64 * CHUNK_POINTS;
/// Chunks of one sealing transaction, about.
pub(super) const SEAL_PARTS_MAX: usize = 512;
/// Bytes of the log beyond which the oldest series are sealed, however short.
pub(super) const LOG_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Points in memory beyond which the oldest series are sealed, however short.
pub(super) const TAIL_POINTS_SEAL: u64 = 2_000_000;
/// Points in memory beyond which ingest waits for sealing (about 400 MB).
pub(super) const TAIL_POINTS_MAX: u64 = 16_000_000;
/// A run that nobody wrote to for so long is sealed.
pub(super) const IDLE: Duration = Duration::from_secs(60);
/// How often the sealer looks for idle runs.
pub(super) const IDLE_LOOK: Duration = Duration::from_secs(10);

/// Pause between two flushes of summaries and offsets.
pub(super) const FLUSH_PAUSE: Duration = Duration::from_millis(500);
/// A flush takes at most one part in this many of the time.
pub(super) const FLUSH_SHARE: u32 = 10;

/// Runs in memory beyond which clean ones are let go.
pub(super) const RUNS_IN_MEMORY: usize = 4096;
/// Series in memory beyond which clean runs are let go.
pub(super) const SERIES_IN_MEMORY: usize = 400_000;
/// Names whose numbers are remembered; beyond, all are looked up anew.
pub(super) const LABELS_IN_MEMORY: usize = 200_000;
/// Streams (attempt and writer) one run may have.
pub(super) const WRITERS_PER_RUN_MAX: usize = 100_000;

/// Chunks examined in one transaction.
pub(super) const CHECK_CHUNKS: usize = 256;
/// Short chunks read at once when their series are written to again.
pub(super) const TOUCH_CHUNKS: usize = 4096;
/// Rows of the log read at once when the store is opened.
pub(super) const REPLAY_ROWS: i64 = 16;
/// Points of version 1 converted in one transaction, about.
pub(super) const CONVERT_POINTS: usize = 1_000_000;
