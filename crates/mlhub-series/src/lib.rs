//! Metric series: the chunk codec, running summaries, the visible history of a
//! resumed run and downsampling that keeps every spike.
//!
//! Pure: no I/O, no clock, no randomness. It does not know where chunks are
//! stored (see `mlhub-store`) nor how a series is drawn.

pub mod codec;
pub mod downsample;
pub mod summary;
pub mod visible;

pub use codec::{CodecError, decode, encode};
pub use downsample::{Axis, Bucket, Envelope, downsample};
pub use summary::Summary;
pub use visible::{visible, visible_limit};

#[cfg(test)]
mod testing;
