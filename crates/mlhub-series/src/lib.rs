//! Metric series: the chunk codec, statistics and rollups, the visible history of
//! a resumed run, and the planning of readings that keep every spike.
//!
//! Pure: no I/O, no clock, no randomness. It does not know where chunks are
//! stored (see `mlhub-store`) nor how a series is drawn.

pub mod agreement;
pub mod codec;
pub mod plan;
pub mod rollup;
pub mod stats;
pub mod summary;
pub mod visible;

pub use agreement::{Agreement, Comparison};
pub use codec::{CHUNK_POINTS_MAX, CodecError, decode, encode};
pub use plan::{Needs, ReadPlan, SealedChunk};
pub use rollup::{ROLLUP_POINTS, Rollup, WIDE_POINTS};
pub use stats::{ChunkStats, Extreme};
pub use summary::Summary;
pub use visible::{course, visible, visible_limit};

#[cfg(test)]
mod testing;
