//! Fair share: who used less goes first among equals.

use std::collections::BTreeMap;

/// What owners used and use.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shares {
    owners: BTreeMap<String, Share>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Share {
    /// Cost times milliseconds of what has ended, as of `at_ms`; it fades.
    used: f64,
    at_ms: u64,
    /// Cost of what is with agents now.
    running: u64,
}

impl Share {
    fn used_at(self, now_ms: u64, half_life_ms: u64) -> f64 {
        let passed = now_ms.saturating_sub(self.at_ms) as f64;
        self.used * 0.5f64.powf(passed / half_life_ms.max(1) as f64)
    }
}

impl Shares {
    pub(crate) fn began(&mut self, owner: &str, cost: u64) {
        if !self.owners.contains_key(owner) {
            self.owners.insert(owner.to_owned(), Share::default());
        }
        if let Some(share) = self.owners.get_mut(owner) {
            share.running += cost;
        }
    }

    pub(crate) fn ended(
        &mut self,
        owner: &str,
        cost: u64,
        took_ms: u64,
        now_ms: u64,
        half_life_ms: u64,
    ) {
        let Some(share) = self.owners.get_mut(owner) else {
            return;
        };
        share.running = share.running.saturating_sub(cost);
        share.used = share.used_at(now_ms, half_life_ms) + cost as f64 * took_ms as f64;
        share.at_ms = now_ms;
    }

    /// What an owner has had, as if it had been used evenly over a half-life; comparable,
    /// not negative, never NaN.
    pub(crate) fn weight(&self, owner: &str, now_ms: u64, half_life_ms: u64) -> f64 {
        self.owners.get(owner).map_or(0.0, |share| {
            share.used_at(now_ms, half_life_ms) / half_life_ms.max(1) as f64 + share.running as f64
        })
    }
}
