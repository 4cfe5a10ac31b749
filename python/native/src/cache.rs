//! Key ids by the address of the name's object: a training logs the same string
//! objects again and again, and comparing addresses costs nothing.
//!
//! A slot keeps a reference, so an address in it is no other object's. The table
//! is of fixed size; a name has a few slots it may be in, and of names that crowd
//! there the newest stay.

use pyo3::prelude::*;
use pyo3::types::PyString;

/// Names remembered, at most; a power of two.
const SLOTS: usize = 1024;
/// Slots a name may be in.
const PLACES: usize = 8;
/// Objects of Python lie at multiples of this.
const OBJECT_ALIGNMENT_BITS: u32 = 4;

struct Slot {
    name: Py<PyString>,
    id: u32,
}

/// Ids of names in the file of one epoch. Calls nothing of Python's that could
/// run code.
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

    /// The id of `name` in the file of `epoch`, if it is remembered.
    pub(crate) fn get(&self, name: &Bound<'_, PyString>, epoch: u64) -> Option<u32> {
        if self.epoch != epoch {
            return None;
        }
        let address = name.as_ptr() as usize;
        places(address).find_map(|place| match self.slots.get(place)? {
            Some(slot) if slot.name.as_ptr() as usize == address => Some(slot.id),
            _ => None,
        })
    }

    /// Remembers an id.
    pub(crate) fn put(&mut self, name: &Bound<'_, PyString>, id: u32, epoch: u64) {
        if self.epoch != epoch || self.slots.is_empty() {
            self.slots.clear();
            self.slots.resize_with(SLOTS, || None);
            self.epoch = epoch;
        }
        // Only plain strings: nothing runs when the last reference to one goes.
        if !name.is_exact_instance_of::<PyString>() {
            return;
        }
        let address = name.as_ptr() as usize;
        let first = places(address).next().unwrap_or(0);
        let free = places(address).find(|place| self.slots[*place].is_none());
        self.slots[free.unwrap_or(first)] = Some(Slot {
            name: name.clone().unbind(),
            id,
        });
    }
}

/// Where a name at `address` may be.
fn places(address: usize) -> impl Iterator<Item = usize> {
    let first = address >> OBJECT_ALIGNMENT_BITS;
    (0..PLACES).map(move |place| (first + place) % SLOTS)
}
