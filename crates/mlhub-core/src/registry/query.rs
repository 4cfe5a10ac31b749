//! Which registered models and versions a list has, and in which order.

use super::{ModelName, ModelVersion, RegisteredModel};
use crate::id::RunId;
use crate::ports::Timestamp;

/// Which way an order goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Direction {
    /// The least first.
    #[default]
    Ascending,
    /// The greatest first.
    Descending,
}

impl Direction {
    /// Whether the greatest comes first.
    pub fn descends(self) -> bool {
        self == Self::Descending
    }
}

/// A tag that has to be there, with any value or with this one.
pub type TagWanted = (String, Option<String>);

/// Which models are listed; what is absent does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelQuery {
    /// Names that begin so.
    pub prefix: Option<String>,
    /// Of these names.
    pub names: Option<Vec<ModelName>>,
    /// With all of these tags.
    pub tags: Vec<TagWanted>,
    /// Without this value of this tag.
    pub without: Option<(String, String)>,
    /// In the order of their last change first, if at all.
    pub by_time: Option<Direction>,
    /// In the order of their names, then.
    pub by_name: Direction,
    /// After this one.
    pub after: Option<ModelName>,
    /// When that one was changed last: in an order by time.
    pub after_time: Timestamp,
    /// At most so many.
    pub limit: usize,
}

impl ModelQuery {
    /// Goes on behind a model.
    pub fn go_on(&mut self, last: &RegisteredModel) {
        self.after = Some(last.name.clone());
        self.after_time = last.updated_at;
    }
}

/// What versions are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VersionKey {
    /// The name of their model.
    Model,
    /// Their number.
    Number,
    /// When they were made.
    Created,
    /// When they were changed last.
    Updated,
}

/// Which versions are listed; what is absent does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelVersionQuery {
    /// Of this model.
    pub model: Option<ModelName>,
    /// From this run, or with files of it.
    pub run: Option<RunId>,
    /// With all of these tags.
    pub tags: Vec<TagWanted>,
    /// Of no model that has a version with this value of this tag.
    pub without: Option<(String, String)>,
    /// By these in turn; then by name, then newest first.
    pub order: Vec<(VersionKey, Direction)>,
    /// After this one.
    pub after: Option<(ModelName, u32)>,
    /// When that one was made and changed last: in an order by these.
    pub after_times: (Timestamp, Timestamp),
    /// At most so many.
    pub limit: usize,
}

impl ModelVersionQuery {
    /// Goes on behind a version.
    pub fn go_on(&mut self, last: &ModelVersion) {
        self.after = Some((last.model.clone(), last.version));
        self.after_times = (last.created_at, last.updated_at);
    }
}
