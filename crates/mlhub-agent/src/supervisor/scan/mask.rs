//! Masks secrets in a stream of bytes, however it is cut.
//!
//! What cannot be (the beginning of) a secret goes out at once: no line and no time is
//! waited for. What may be one is held until it is known, a kilobyte or so at most. A
//! secret that is longer is masked as soon as that is sure, and its rest dropped when it
//! comes. Secrets that overlap are masked as one. So there is no cut through which a part of a secret slips, and live output never
//! waits for its line to end. All other bytes come out as they went in.

use std::sync::Arc;

use super::judge::{LOOKBACK_BYTES, Over, Verdict, View, judge, literal_over};
use super::rules::Rules;
use super::swallow::Swallow;

/// One stream being masked.
#[derive(Debug)]
pub(crate) struct Masker {
    rules: Arc<Rules>,
    /// Bytes that are out, for looking back, then those that are not.
    held: Vec<u8>,
    /// The same in lower case, for looking for triggers.
    folded: Vec<u8>,
    /// Bytes of `held` that are out.
    done: usize,
    swallow: Option<Swallow>,
    /// Where in `held` the secret begins that is masked last, until it is sure that no other
    /// goes on where it ends.
    within: Option<usize>,
}

/// A mask that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Masked {
    /// Where in the output of this call.
    pub(crate) at: usize,
    /// What it stands for: `a GitHub token`.
    pub(crate) kind: String,
}

impl Masker {
    pub(crate) fn new(rules: Arc<Rules>) -> Self {
        Self {
            rules,
            held: Vec::new(),
            folded: Vec::new(),
            done: 0,
            swallow: None,
            within: None,
        }
    }

    /// Takes bytes, appends to `out` what can go out, and returns the first mask in it.
    pub(crate) fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Option<Masked> {
        let fresh = self.folded.len();
        self.held.extend_from_slice(bytes);
        self.folded.extend_from_slice(bytes);
        self.folded[fresh..].make_ascii_lowercase();
        let first = self.go_on(false, out);
        let kept = self.done.saturating_sub(LOOKBACK_BYTES);
        self.held.drain(..kept);
        self.folded.drain(..kept);
        self.done -= kept;
        self.within = self.within.map(|from| from.saturating_sub(kept));
        first
    }

    /// Nothing more comes: what is held goes out.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) -> Option<Masked> {
        let first = self.go_on(true, out);
        self.held.clear();
        self.folded.clear();
        self.done = 0;
        self.swallow = None;
        self.within = None;
        first
    }

    /// Bytes that wait for more.
    pub(crate) fn waiting(&self) -> usize {
        self.held.len() - self.done
    }

    /// Whether a secret is being dropped whose end has not come.
    pub(crate) fn is_within(&self) -> bool {
        self.within.is_some()
    }

    /// Goes on after bytes that are out already, of which the last are looked back at.
    pub(crate) fn after(mut self, before: &[u8]) -> Self {
        self.held = before.to_vec();
        self.folded = before.to_ascii_lowercase();
        self.done = before.len();
        self
    }

    fn go_on(&mut self, ended: bool, out: &mut Vec<u8>) -> Option<Masked> {
        let mut first = None;
        let mut looked = self.done;
        loop {
            if let Some(swallow) = &mut self.swallow {
                let (taken, over) = swallow.take(&self.held[self.done..], ended);
                self.done += taken;
                looked = self.done;
                if !over {
                    return first;
                }
                self.swallow = None;
            }
            let view = View {
                bytes: &self.held,
                ended,
            };
            if let Some(from) = self.within {
                match literal_over(&self.rules, view, from..self.done, self.done) {
                    Over::Open => return first,
                    Over::To { end, .. } => {
                        self.done = end;
                        looked = end;
                        continue;
                    }
                    Over::Nowhere => self.within = None,
                }
            }
            let Some(trigger) = self.rules.next(&self.folded, looked) else {
                let end = if ended {
                    self.held.len()
                } else {
                    looked + self.rules.unfinished(&self.folded[looked..])
                };
                self.give(end, out);
                return first;
            };
            match judge(&self.rules, view, trigger) {
                Verdict::Nothing => looked = trigger + 1,
                Verdict::Wait => {
                    self.give(trigger, out);
                    return first;
                }
                Verdict::Secret {
                    from,
                    to,
                    kind,
                    rest,
                } => {
                    self.give(from, out);
                    let at = out.len();
                    out.extend_from_slice(format!("[masked: {kind}]").as_bytes());
                    first.get_or_insert(Masked { at, kind });
                    self.done = to;
                    looked = to;
                    self.swallow = rest;
                    self.within = Some(from);
                }
            }
        }
    }

    /// Lets bytes out up to `end`.
    fn give(&mut self, end: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.held[self.done..end]);
        self.done = end;
    }
}
