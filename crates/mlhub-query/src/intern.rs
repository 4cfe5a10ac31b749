//! Texts of the table, each kept once for as long as a row uses it.

use std::collections::HashMap;
use std::sync::Arc;

/// A kept text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Symbol(pub(crate) u32);

/// Symbols are below this, so that columns may use the highest bit.
pub(crate) const SYMBOLS_MAX: u32 = 1 << 31;

/// Rough cost of a text beside its bytes: header of the shared text, entry in
/// the list, entry in the map.
const TEXT_OVERHEAD_BYTES: usize = 16 + 24 + 32;

#[derive(Debug, Default)]
struct Entry {
    text: Arc<str>,
    uses: u32,
}

/// The texts.
#[derive(Debug, Default)]
pub(crate) struct Interner {
    entries: Vec<Entry>,
    free: Vec<u32>,
    by_text: HashMap<Arc<str>, u32>,
    text_bytes: usize,
}

impl Interner {
    /// Takes one use of `text`.
    pub(crate) fn take(&mut self, text: &str) -> Symbol {
        if let Some(index) = self.by_text.get(text) {
            self.entries[*index as usize].uses += 1;
            return Symbol(*index);
        }
        let shared: Arc<str> = text.into();
        let entry = Entry {
            text: Arc::clone(&shared),
            uses: 1,
        };
        let index = match self.free.pop() {
            Some(index) => {
                self.entries[index as usize] = entry;
                index
            }
            None => {
                let index = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
                assert!(
                    index < SYMBOLS_MAX,
                    "the run table holds 2^31 different texts"
                );
                self.entries.push(entry);
                index
            }
        };
        self.text_bytes += text.len();
        self.by_text.insert(shared, index);
        Symbol(index)
    }

    /// Gives one use back.
    pub(crate) fn release(&mut self, symbol: Symbol) {
        let entry = &mut self.entries[symbol.0 as usize];
        entry.uses -= 1;
        if entry.uses == 0 {
            let gone = std::mem::take(entry);
            self.text_bytes -= gone.text.len();
            self.by_text.remove(&gone.text);
            self.free.push(symbol.0);
        }
    }

    /// The symbol of a text that is in use.
    pub(crate) fn find(&self, text: &str) -> Option<Symbol> {
        self.by_text.get(text).copied().map(Symbol)
    }

    pub(crate) fn text(&self, symbol: Symbol) -> &str {
        &self.entries[symbol.0 as usize].text
    }

    /// One more than the greatest symbol there ever was.
    pub(crate) fn bound(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.text_bytes + (self.entries.len() - self.free.len()) * TEXT_OVERHEAD_BYTES
    }
}
