//! Sets of rows as bits.

/// Bits in a word.
pub(crate) const WORD_BITS: usize = 64;

/// A set of rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Bits {
    words: Vec<u64>,
}

impl Bits {
    /// An empty set with room for `rows` rows.
    pub(crate) fn empty(rows: usize) -> Self {
        Self {
            words: vec![0; rows.div_ceil(WORD_BITS)],
        }
    }

    pub(crate) fn get(&self, row: usize) -> bool {
        self.words
            .get(row / WORD_BITS)
            .is_some_and(|word| word >> (row % WORD_BITS) & 1 == 1)
    }

    /// Adds a row; grows as needed. Returns whether it was new.
    pub(crate) fn insert(&mut self, row: usize) -> bool {
        let at = row / WORD_BITS;
        if at >= self.words.len() {
            self.words.resize(at + 1, 0);
        }
        let mask = 1 << (row % WORD_BITS);
        let new = self.words[at] & mask == 0;
        self.words[at] |= mask;
        new
    }

    /// Removes a row. Returns whether it was there.
    pub(crate) fn remove(&mut self, row: usize) -> bool {
        let Some(word) = self.words.get_mut(row / WORD_BITS) else {
            return false;
        };
        let mask = 1 << (row % WORD_BITS);
        let there = *word & mask != 0;
        *word &= !mask;
        there
    }

    /// The words, 64 rows each.
    pub(crate) fn words(&self) -> &[u64] {
        &self.words
    }

    /// The word at `index`; 0 past the end.
    pub(crate) fn word(&self, index: usize) -> u64 {
        self.words.get(index).copied().unwrap_or(0)
    }

    /// Replaces the word at `index`, which must exist.
    pub(crate) fn set_word(&mut self, index: usize, word: u64) {
        self.words[index] = word;
    }

    /// Keeps rows that are in `other` too.
    pub(crate) fn and(&mut self, other: &Self) {
        for (index, word) in self.words.iter_mut().enumerate() {
            *word &= other.word(index);
        }
    }

    /// Adds the rows of `other` that there is room for.
    pub(crate) fn or(&mut self, other: &Self) {
        for (index, word) in self.words.iter_mut().enumerate() {
            *word |= other.word(index);
        }
    }

    /// Keeps rows that are not in `other`.
    pub(crate) fn and_not(&mut self, other: &Self) {
        for (index, word) in self.words.iter_mut().enumerate() {
            *word &= !other.word(index);
        }
    }

    /// Rows in the set.
    pub(crate) fn count(&self) -> usize {
        self.words
            .iter()
            .map(|word| word.count_ones() as usize)
            .sum()
    }

    /// The rows, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.words
            .iter()
            .enumerate()
            .flat_map(|(index, word)| Ones(*word).map(move |bit| index * WORD_BITS + bit))
    }

    pub(crate) fn bytes(&self) -> usize {
        self.words.capacity() * size_of::<u64>()
    }
}

/// The positions of the ones in a word, ascending.
pub(crate) struct Ones(pub(crate) u64);

impl Iterator for Ones {
    type Item = usize;
    fn next(&mut self) -> Option<usize> {
        if self.0 == 0 {
            return None;
        }
        let bit = self.0.trailing_zeros() as usize;
        self.0 &= self.0 - 1;
        Some(bit)
    }
}
