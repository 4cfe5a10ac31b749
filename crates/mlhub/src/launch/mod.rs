//! From an experiment file to running programs: resolve, read the dataset,
//! make the runs, write their directories, start the agent, follow.

pub(crate) mod adapter;
pub(crate) mod dataset;
pub(crate) mod defaults;
pub(crate) mod experiment;
pub(crate) mod follow;
pub(crate) mod resume;
pub(crate) mod slices;
pub(crate) mod start;
