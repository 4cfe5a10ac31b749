//! What lines of the registry must meet in an archive.

use super::{
    NewModelVersion, at_most, check_description, check_detail, check_rules, check_tags, text,
};
use crate::error::Result;
use crate::limits;
use crate::portable::{PortableModelEvent, PortableModelVersion, PortableRegisteredModel};

impl PortableRegisteredModel {
    /// Refuses texts that cannot be stored.
    ///
    /// # Errors
    /// `Invalid` or `TooLarge`, naming what is wrong.
    pub fn check(&self) -> Result<()> {
        check_description(&self.description)?;
        check_tags(&self.tags)?;
        let count = self.protections.len();
        at_most("protections", count, limits::MODEL_ALIASES_MAX)?;
        self.protections.values().try_for_each(check_rules)
    }
}

impl PortableModelVersion {
    /// Refuses texts that cannot be stored.
    ///
    /// # Errors
    /// `Invalid` or `TooLarge`, naming what is wrong.
    pub fn check(&self) -> Result<()> {
        let name = &self.created_by.0;
        text("who registered a version", name, limits::NAME_MAX_BYTES)?;
        at_most("aliases", self.aliases.len(), limits::MODEL_ALIASES_MAX)?;
        let new = NewModelVersion {
            run: None,
            source: self.source.clone(),
            place: None,
            logged_model: self.logged_model.clone(),
            description: self.description.clone(),
            tags: self.tags.clone(),
            status: self.status,
            status_message: self.status_message.clone(),
        };
        new.check()
    }
}

impl PortableModelEvent {
    /// Refuses texts that cannot be stored.
    ///
    /// # Errors
    /// `Invalid` or `TooLarge`, naming what is wrong.
    pub fn check(&self) -> Result<()> {
        text("who changed a model", &self.actor.0, limits::NAME_MAX_BYTES)?;
        text("what was done", &self.action, limits::NAME_MAX_BYTES)?;
        check_detail(&self.detail)
    }
}
