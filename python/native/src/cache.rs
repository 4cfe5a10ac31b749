//! Key ids by the address of the name's object: a training logs the same string
//! objects again and again, and comparing addresses costs nothing.
//!
//! A slot keeps a reference, so an address in it is no other object's. The table
//! is of fixed size; two names that meet in a slot take turns.

use mlhub_sdk::Session;
use pyo3::prelude::*;
use pyo3::types::PyString;

/// Names remembered, at most; a power of two.
const SLOTS: usize = 1024;
/// Objects of Python lie at multiples of this.
const OBJECT_ALIGNMENT_BITS: u32 = 4;

struct Slot {
    name: Py<PyString>,
    id: u32,
}

/// Ids of names in the file of one epoch.
pub(crate) struct KeyCache {
    slots: Vec<Option<Slot>>,
    epoch: u64,
}

impl KeyCache {
    pub(crate) fn new() -> Self {
        Self {
            slots: Vec::new(),
            epoch: 0,
        }
    }

    /// The id of `name` in the session's file; `None` when it cannot have one.
    pub(crate) fn id(
        &mut self,
        name: &Bound<'_, PyString>,
        session: &mut Session<'_>,
    ) -> Option<u32> {
        if self.epoch != session.epoch() {
            self.slots.clear();
            self.slots.resize_with(SLOTS, || None);
            self.epoch = session.epoch();
        }
        let address = name.as_ptr() as usize;
        let slot = &mut self.slots[(address >> OBJECT_ALIGNMENT_BITS) % SLOTS];
        if let Some(slot) = slot
            && slot.name.as_ptr() as usize == address
        {
            return Some(slot.id);
        }
        let id = session.key(&name.to_cow().ok()?)?;
        // Only plain strings: nothing runs when the last reference to one goes.
        if name.is_exact_instance_of::<PyString>() {
            *slot = Some(Slot {
                name: name.clone().unbind(),
                id,
            });
        }
        Some(id)
    }
}
