//! Key ids by name: a training logs the same names again and again, often as the
//! same objects, and finding those again is cheaper than reading their texts.
//!
//! A string keeps its hash once it was a key of a dict, so asking for it costs next
//! to nothing. A slot keeps a reference, so an object in it is no other object. The
//! table is of fixed size; a name has a few slots it may be in, and of names that
//! crowd there the newest stay.

use pyo3::prelude::*;
use pyo3::types::PyString;

/// Names remembered, at most; a power of two.
const SLOTS: usize = 1024;
/// Slots a name may be in.
const PLACES: usize = 8;

/// Values that room is kept for.
const ROOM_VALUES_MAX: usize = 4096;

struct Slot {
    name: Py<PyString>,
    hash: isize,
    id: u32,
}

/// Ids of names in the file of one epoch. Only plain strings are remembered: their
/// hash and comparison run no code of Python's, and none runs when the last
/// reference to one goes.
pub(crate) struct KeyCache {
    slots: Vec<Option<Slot>>,
    epoch: u64,
    /// Room for the values of a record, kept from one to the next.
    room: Vec<(u32, f64)>,
}

impl KeyCache {
    pub(crate) fn new() -> Self {
        Self {
            slots: Vec::new(),
            epoch: 0,
            room: Vec::new(),
        }
    }

    /// Room for values; it is empty.
    pub(crate) fn take_room(&mut self) -> Vec<(u32, f64)> {
        let mut room = std::mem::take(&mut self.room);
        room.clear();
        room
    }

    /// Gives the room back.
    pub(crate) fn put_room(&mut self, room: Vec<(u32, f64)>) {
        if room.capacity() <= ROOM_VALUES_MAX {
            self.room = room;
        }
    }

    /// The id of `name` in the file of `epoch`, if it is remembered.
    pub(crate) fn get(&self, name: &Bound<'_, PyString>, epoch: u64) -> Option<u32> {
        if self.epoch != epoch {
            return None;
        }
        let hash = hash_of(name)?;
        places(hash).find_map(|place| {
            let slot = self.slots.get(place)?.as_ref()?;
            slot.is(name, hash).then_some(slot.id)
        })
    }

    /// Remembers an id.
    pub(crate) fn put(&mut self, name: &Bound<'_, PyString>, id: u32, epoch: u64) {
        if self.epoch != epoch || self.slots.is_empty() {
            self.slots.clear();
            self.slots.resize_with(SLOTS, || None);
            self.epoch = epoch;
        }
        let Some(hash) = hash_of(name) else {
            return;
        };
        let first = places(hash).next().unwrap_or(0);
        let free = places(hash).find(|place| self.slots[*place].is_none());
        self.slots[free.unwrap_or(first)] = Some(Slot {
            name: name.clone().unbind(),
            hash,
            id,
        });
    }
}

impl Slot {
    fn is(&self, name: &Bound<'_, PyString>, hash: isize) -> bool {
        self.hash == hash
            && (self.name.is(name) || self.name.bind(name.py()).as_any().eq(name).unwrap_or(false))
    }
}

/// The hash of a plain string.
fn hash_of(name: &Bound<'_, PyString>) -> Option<isize> {
    if !name.is_exact_instance_of::<PyString>() {
        return None;
    }
    name.hash().ok()
}

/// Where a name with `hash` may be.
fn places(hash: isize) -> impl Iterator<Item = usize> {
    let first = hash.cast_unsigned();
    (0..PLACES).map(move |place| first.wrapping_add(place) % SLOTS)
}
