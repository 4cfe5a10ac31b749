//! Faces of other systems: their wire formats in front of the same use cases. A face has
//! no table and no rule of its own.

pub(crate) mod mlflow;
