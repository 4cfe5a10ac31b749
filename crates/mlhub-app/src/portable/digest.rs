//! The content hash of a project.
//!
//! BLAKE3 over its items as [`super::codec`] writes them. It does not depend on
//! the database, on row numbers, on how points are stored, on the project's name
//! or on when it was imported. Of what projects share it covers the identity of
//! dataset versions (fingerprint) and metric definitions (hash); descriptions and
//! manifests of a hub's catalogue are not the project's content; versions and
//! aliases of its artifacts are, and so are its saved views and reports. Version 1.

use mlhub_core::RunId;
use mlhub_core::portable::{PortableItem, PortableLine};

use super::codec::Tag;

/// Told before everything else, so that another version can never collide.
const VERSION: &[u8] = b"mlhub content hash 1";

/// A hash of 32 bytes.
pub(crate) type Digest = [u8; 32];

/// What an archive or a project holds, counted on the way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortableCounts {
    /// Runs.
    pub runs: u64,
    /// Metric points, superseded ones included.
    pub points: u64,
    /// Bytes of captured output.
    pub log_bytes: u64,
    /// Artifacts.
    pub artifacts: u64,
}

/// Hashes items in their order.
pub(crate) struct ContentDigest {
    whole: blake3::Hasher,
    run: Option<(RunId, blake3::Hasher)>,
    /// Hashes of the runs so far.
    pub(crate) runs: Vec<(RunId, Digest)>,
    keep_runs: bool,
    pub(crate) counts: PortableCounts,
}

impl ContentDigest {
    /// Starts; `keep_runs` asks for the hash of each run as well.
    pub(crate) fn new(keep_runs: bool) -> Self {
        let mut whole = blake3::Hasher::new();
        whole.update(VERSION);
        Self {
            whole,
            run: None,
            runs: Vec::new(),
            keep_runs,
            counts: PortableCounts::default(),
        }
    }

    /// Takes the next item with its bytes.
    pub(crate) fn add(&mut self, item: &PortableItem, tag: Tag, bytes: &[u8]) {
        match item {
            PortableItem::Line(PortableLine::DatasetVersion(version)) => {
                let text = format!(
                    "{}@{} {}",
                    version.dataset, version.version, version.fingerprint
                );
                feed(&mut self.whole, b'V', text.as_bytes());
            }
            PortableItem::Line(PortableLine::Definition(definition)) => {
                let text = format!("{} {}", definition.id, definition.hash);
                feed(&mut self.whole, b'D', text.as_bytes());
            }
            item if item.is_shared() => {}
            PortableItem::Line(PortableLine::Project(project)) => {
                self.end_run();
                let text = format!("{} {}", project.created_at.0, project.description);
                feed(&mut self.whole, b'N', text.as_bytes());
            }
            PortableItem::Line(
                PortableLine::Experiment(_)
                | PortableLine::Document(_)
                | PortableLine::ArtifactVersion(_)
                | PortableLine::Trace(_)
                | PortableLine::TraceSpan(_)
                | PortableLine::TraceFile(_),
            ) => {
                feed(&mut self.whole, tag.byte(), bytes);
            }
            PortableItem::Line(PortableLine::Run(run)) => {
                self.end_run();
                let mut hasher = blake3::Hasher::new();
                feed(&mut hasher, tag.byte(), bytes);
                self.run = Some((run.id.clone(), hasher));
                self.counts.runs += 1;
            }
            item => self.add_to_run(item, tag, bytes),
        }
    }

    fn add_to_run(&mut self, item: &PortableItem, tag: Tag, bytes: &[u8]) {
        match item {
            PortableItem::Points(points) => self.counts.points += points.points.len() as u64,
            PortableItem::Log(log) => self.counts.log_bytes += log.bytes.len() as u64,
            PortableItem::Line(PortableLine::Artifact(_)) => self.counts.artifacts += 1,
            PortableItem::Line(_) => {}
        }
        if let Some((_, hasher)) = &mut self.run {
            feed(hasher, tag.byte(), bytes);
        }
    }

    fn end_run(&mut self) {
        if let Some((id, hasher)) = self.run.take() {
            let digest = *hasher.finalize().as_bytes();
            feed(&mut self.whole, b'R', &digest);
            if self.keep_runs {
                self.runs.push((id, digest));
            }
        }
    }

    /// The content hash, hex.
    pub(crate) fn finish(&mut self) -> String {
        self.end_run();
        self.whole.finalize().to_hex().to_string()
    }
}

fn feed(hasher: &mut blake3::Hasher, tag: u8, bytes: &[u8]) {
    hasher.update(&[tag]);
    hasher.update(&(bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}
