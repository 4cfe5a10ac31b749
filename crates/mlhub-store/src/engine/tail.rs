//! The tail of one attempt's series: its points that no sealed chunk covers yet.
//!
//! A tail starts at a multiple of [`ROLLUP_POINTS`] points of the attempt's
//! series. The points of a last, shorter chunk (`start..durable`) are kept here
//! again, so that the chunk that replaces it starts at the same place: rollups
//! never shift. Only where that chunk is damaged does the tail start behind it,
//! off the grid. It knows nothing of the database.

use std::collections::VecDeque;
use std::sync::Arc;

use mlhub_core::metric::Point;

use super::bounds::CHUNK_POINTS;

/// Points of a rollup bucket: chunks start at multiples of it.
pub(super) const ROLLUP_POINTS: u64 = 256;
/// Batches of at least so many points are kept as they are, without copying.
const SEGMENT_POINTS_MIN: usize = 64;

/// The points of one attempt's series that are in memory.
#[derive(Debug, Clone)]
pub(super) struct Tail {
    /// The attempt.
    pub(super) attempt: u32,
    /// Index of the first point in memory.
    start: u64,
    /// Points before this index are in chunks.
    durable: u64,
    /// The chunk that covers `start..durable`, when that is not empty.
    partial: Option<i64>,
    /// Whether the points `start..durable` are still only in that chunk.
    cold: bool,
    segments: Vec<Arc<Vec<Point>>>,
    open: Vec<Point>,
    len: u64,
    /// Where the points of each row of the log begin: index and row, ascending.
    marks: VecDeque<(u64, i64)>,
    /// Whether it waits to be sealed because it is full.
    pub(super) queued: bool,
}

/// What of a tail to seal: pieces that become a chunk each.
#[derive(Debug)]
pub(super) struct Cut {
    /// Index of the first point.
    pub(super) start: u64,
    /// The points of all chunks.
    pub(super) points: Vec<Point>,
    /// The chunk they replace.
    pub(super) replaces: Option<i64>,
}

/// The points of a tail at one moment.
#[derive(Debug, Clone)]
pub(super) struct TailView {
    /// The attempt.
    pub(super) attempt: u32,
    /// Index of the first point; chunks from there on are not to be read.
    pub(super) start: u64,
    segments: Vec<Arc<Vec<Point>>>,
    open: Vec<Point>,
}

impl TailView {
    /// The points in the order they were logged.
    pub(super) fn points(&self) -> Vec<Point> {
        let sizes = self.segments.iter().map(|segment| segment.len());
        let mut points = Vec::with_capacity(sizes.sum::<usize>() + self.open.len());
        for segment in &self.segments {
            points.extend_from_slice(segment);
        }
        points.extend_from_slice(&self.open);
        points
    }
}

impl Tail {
    /// The tail of an attempt whose first `sealed` points are in chunks.
    /// `partial` is the last chunk and the place where it starts, when it is a
    /// short one.
    pub(super) fn after(attempt: u32, sealed: u64, partial: Option<(i64, u64)>) -> Self {
        Self {
            attempt,
            start: partial.map_or(sealed, |(_, start)| start),
            durable: sealed,
            partial: partial.map(|(chunk, _)| chunk),
            cold: partial.is_some(),
            segments: Vec::new(),
            open: Vec::new(),
            len: 0,
            marks: VecDeque::new(),
            queued: false,
        }
    }

    /// Points logged so far, sealed ones included.
    pub(super) fn end(&self) -> u64 {
        if self.cold {
            self.durable
        } else {
            self.start + self.len
        }
    }

    /// The short chunk whose points must be [`Tail::warm`]ed before any is added.
    pub(super) fn cold_chunk(&self) -> Option<i64> {
        self.partial.filter(|_| self.cold)
    }

    /// Takes the points of the short chunk; false when they are not as many as
    /// it should hold.
    pub(super) fn warm(&mut self, points: Vec<Point>) -> bool {
        if self.start + points.len() as u64 != self.durable {
            return false;
        }
        self.len = points.len() as u64;
        self.open = points;
        self.cold = false;
        true
    }

    /// Goes on after the short chunk, which cannot be read: it stays as it is, and
    /// the next chunk starts behind it.
    pub(super) fn skip_chunk(&mut self) {
        if self.cold {
            self.start = self.durable;
            self.partial = None;
            self.cold = false;
        }
    }

    /// Whether points are in memory that a chunk holds as well, and none besides.
    pub(super) fn is_resting(&self) -> bool {
        self.marks.is_empty() && self.len > 0 && self.partial.is_some()
    }

    /// Lets the points of the short chunk go; the tail is as after a restart.
    pub(super) fn cool(&mut self) {
        if self.is_resting() {
            self.segments = Vec::new();
            self.open = Vec::new();
            self.len = 0;
            self.cold = true;
        }
    }

    /// Adds points that row `seq` of the log holds. Returns whether they are the
    /// first that no chunk covers.
    pub(super) fn push(&mut self, seq: i64, points: &Arc<Vec<Point>>) -> bool {
        let was_sealed = self.marks.is_empty();
        let end = self.end();
        if self.marks.back().is_none_or(|(_, last)| *last != seq) {
            self.marks.push_back((end, seq));
        }
        self.len += points.len() as u64;
        if points.len() < SEGMENT_POINTS_MIN {
            self.open.extend_from_slice(points);
            if self.open.len() >= CHUNK_POINTS {
                self.close();
            }
        } else {
            self.close();
            self.segments.push(Arc::clone(points));
        }
        was_sealed
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            self.segments.push(Arc::new(std::mem::take(&mut self.open)));
        }
    }

    /// The oldest row of the log that holds a point no chunk covers.
    pub(super) fn oldest_seq(&self) -> Option<i64> {
        self.marks.front().map(|(_, seq)| *seq)
    }

    /// Index of the first point in memory.
    pub(super) fn start(&self) -> u64 {
        self.start
    }

    /// The short chunk at the end, which the next chunk replaces.
    pub(super) fn partial(&self) -> Option<i64> {
        self.partial
    }

    /// Points before this index are in chunks.
    pub(super) fn durable(&self) -> u64 {
        self.durable
    }

    /// How many of the points in memory a chunk holds as well.
    pub(super) fn known(&self) -> usize {
        usize::try_from(self.durable - self.start).unwrap_or(usize::MAX)
    }

    /// Points in memory.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Whether a whole chunk of points waits.
    pub(super) fn is_full(&self) -> bool {
        !self.cold && self.len >= to_boundary(self.start)
    }

    /// The points at this moment; none when they are all in chunks.
    pub(super) fn view(&self) -> Option<TailView> {
        (!self.cold && self.len > 0).then(|| TailView {
            attempt: self.attempt,
            start: self.start,
            segments: self.segments.clone(),
            open: self.open.clone(),
        })
    }

    /// What to seal: whole chunks, and with `all` the rest as well.
    pub(super) fn cut(&self, all: bool) -> Option<Cut> {
        if self.cold || self.marks.is_empty() {
            return None;
        }
        let end = self.start + self.len;
        let whole = (end - end % CHUNK_POINTS as u64).saturating_sub(self.start);
        let count = if all { self.len } else { whole };
        if count == 0 {
            return None;
        }
        let mut points = self.view()?.points();
        points.truncate(usize::try_from(count).unwrap_or(usize::MAX));
        Some(Cut {
            start: self.start,
            points,
            replaces: self.partial,
        })
    }

    /// Points before index `end` are in chunks now; `partial` is the last of
    /// those when it is a short one.
    pub(super) fn sealed(&mut self, end: u64, partial: Option<i64>) {
        let start = (end - end % ROLLUP_POINTS).max(self.start);
        self.drop_before(start);
        self.durable = end;
        self.partial = partial;
        self.queued = false;
        while let [(_, _), (next, _), ..] = self.marks.make_contiguous()
            && *next <= end
        {
            self.marks.pop_front();
        }
        if end == self.end() {
            // Its room goes too: a series that rests may never be written to again.
            self.marks = VecDeque::new();
        }
        self.open.shrink_to(self.open.len() * 2);
    }

    fn drop_before(&mut self, start: u64) {
        let mut surplus = usize::try_from(start - self.start).unwrap_or(usize::MAX);
        let whole = self
            .segments
            .iter()
            .take_while(|segment| {
                let fits = segment.len() <= surplus;
                surplus -= if fits { segment.len() } else { 0 };
                fits
            })
            .count();
        self.segments.drain(..whole);
        if surplus > 0 {
            match self.segments.first_mut() {
                Some(segment) => *segment = Arc::new(segment[surplus..].to_vec()),
                None => drop(self.open.drain(..surplus)),
            }
        }
        self.len -= start - self.start;
        self.start = start;
    }
}

/// Points from `place` to the next place where a full chunk ends.
fn to_boundary(place: u64) -> u64 {
    CHUNK_POINTS as u64 - place % CHUNK_POINTS as u64
}

/// Cuts `count` points, of which the first is the `start`-th, into chunks: whole
/// ones, what fills rollup buckets, and the rest. Returns their sizes.
pub(super) fn chunk_sizes(start: u64, count: usize) -> Vec<usize> {
    let mut sizes = Vec::new();
    let (mut place, mut left) = (start, count);
    while left as u64 >= to_boundary(place) {
        let size = to_boundary(place);
        sizes.push(size as usize);
        place += size;
        left -= size as usize;
    }
    let beyond = (place + left as u64) % ROLLUP_POINTS;
    let short = left.min(beyond as usize);
    sizes.extend([left - short, short].into_iter().filter(|size| *size > 0));
    sizes
}

#[cfg(test)]
mod tests {
    use mlhub_core::Timestamp;
    use proptest::prelude::*;

    use super::*;

    fn points(range: std::ops::Range<u64>) -> Vec<Point> {
        range
            .map(|index| Point {
                step: index.cast_signed(),
                time: Timestamp(0),
                value: 0.0,
            })
            .collect()
    }

    #[derive(Debug, Clone)]
    enum Act {
        Push(u64),
        Seal(bool),
        SealWhilePushed(bool, u64),
        Cool,
        LetGo,
        LetGoDamaged,
    }

    proptest! {
        /// Whatever is pushed, sealed and let go: chunks and tail together are
        /// all the points, chunks start at multiples of a bucket or behind a
        /// damaged one, and the log is pinned exactly by what no chunk covers.
        #[test]
        fn chunks_and_tail_are_all_the_points(acts in prop::collection::vec(prop_oneof![
            4 => (1u64..3000).prop_map(Act::Push),
            2 => (1u64..5).prop_map(Act::Push),
            2 => any::<bool>().prop_map(Act::Seal),
            1 => (any::<bool>(), 1u64..600).prop_map(|(all, count)| Act::SealWhilePushed(all, count)),
            1 => Just(Act::Cool),
            1 => Just(Act::LetGo),
            1 => Just(Act::LetGoDamaged),
        ], 0..30)) {
            let mut tail = Tail::after(1, 0, None);
            let mut chunks: Vec<(i64, u64, Vec<Point>)> = Vec::new();
            let mut rows: Vec<u64> = Vec::new();
            let (mut total, mut durable, mut next_chunk) = (0u64, 0u64, 0i64);
            let mut damaged: Vec<u64> = Vec::new();
            for act in acts {
                let push = |tail: &mut Tail, total: &mut u64, rows: &mut Vec<u64>, chunks: &[(i64, u64, Vec<Point>)], count: u64| {
                    if let Some(id) = tail.cold_chunk() {
                        let chunk = chunks.iter().find(|(chunk, _, _)| *chunk == id).expect("it is there");
                        assert!(tail.warm(chunk.2.clone()));
                    }
                    tail.push(rows.len() as i64, &Arc::new(points(*total..*total + count)));
                    *total += count;
                    rows.push(*total);
                };
                match act {
                    Act::Push(count) => push(&mut tail, &mut total, &mut rows, &chunks, count),
                    Act::Seal(all) | Act::SealWhilePushed(all, _) => {
                        let cut = tail.cut(all);
                        if let Act::SealWhilePushed(_, count) = act {
                            push(&mut tail, &mut total, &mut rows, &chunks, count);
                        }
                        let Some(cut) = cut else { continue };
                        chunks.retain(|(id, _, _)| Some(*id) != cut.replaces);
                        let mut at = 0;
                        for size in chunk_sizes(cut.start, cut.points.len()) {
                            next_chunk += 1;
                            chunks.push((next_chunk, cut.start + at as u64, cut.points[at..at + size].to_vec()));
                            at += size;
                        }
                        durable = cut.start + cut.points.len() as u64;
                        let partial = (!durable.is_multiple_of(ROLLUP_POINTS)).then_some(next_chunk);
                        tail.sealed(durable, partial);
                    }
                    Act::Cool => {
                        let cold = tail.is_resting() || tail.cold_chunk().is_some();
                        tail.cool();
                        prop_assert_eq!(cold, tail.cold_chunk().is_some());
                    }
                    Act::LetGo | Act::LetGoDamaged => if tail.oldest_seq().is_none() {
                        let partial = chunks.last().filter(|_| !durable.is_multiple_of(ROLLUP_POINTS));
                        tail = Tail::after(1, durable, partial.map(|(id, start, _)| (*id, *start)));
                        if matches!(act, Act::LetGoDamaged) && tail.cold_chunk().is_some() {
                            tail.skip_chunk();
                            damaged.push(durable);
                        }
                    },
                }
                prop_assert_eq!(tail.end(), total);
                let view = tail.view();
                let start = view.as_ref().map_or(u64::MAX, |view| view.start);
                let mut seen: Vec<i64> = Vec::new();
                for (_, first, points) in &chunks {
                    prop_assert!(first % ROLLUP_POINTS == 0 || damaged.contains(first));
                    if *first < start {
                        prop_assert_eq!(*first, seen.len() as u64);
                        seen.extend(points.iter().map(|point| point.step));
                    }
                }
                seen.extend(view.iter().flat_map(|view| view.points()).map(|point| point.step));
                prop_assert_eq!(seen, (0..total.cast_signed()).collect::<Vec<_>>());
                let oldest = rows.iter().position(|end| *end > durable).map(|row| row as i64);
                prop_assert_eq!(tail.oldest_seq(), oldest);
            }
        }
    }
}
