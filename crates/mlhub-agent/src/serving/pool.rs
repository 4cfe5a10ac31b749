//! Warm programs by model: started when asked for, stopped when nobody asks or
//! another model needs the place, started again after they broke.
//!
//! Calls block; who calls from asynchronous code does so on a thread that may.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mlhub_protocol::serving::Ask;

use super::error::ServeError;
use super::worker::{Answer, Worker, WorkerLimits, WorkerPlan};

/// How long a request waits for those before it, unless it is set: a program may
/// load its model and answer twice meanwhile.
const WAIT_DEFAULT: Duration = Duration::from_secs(180);
/// Pause between two looks at whether the pool closes while a request waits.
const WAIT_LOOK: Duration = Duration::from_millis(100);

/// Bounds of a pool.
#[derive(Debug, Clone, Copy)]
pub struct PoolLimits {
    /// Programs at once; the one asked least recently makes way for another.
    pub workers: usize,
    /// Requests to one program at once; they are answered one after the other.
    pub waiting: usize,
    /// How long a request waits for those before it.
    pub wait: Duration,
    /// How long a program nobody asks is kept.
    pub idle: Duration,
    /// Bounds of each program.
    pub worker: WorkerLimits,
}

impl Default for PoolLimits {
    fn default() -> Self {
        Self {
            workers: 4,
            waiting: 32,
            wait: WAIT_DEFAULT,
            idle: Duration::from_secs(10 * 60),
            worker: WorkerLimits::default(),
        }
    }
}

/// An answer and how it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// The answer.
    pub answer: Answer,
    /// Whether the program was started for it.
    pub cold_start: bool,
}

/// Programs that answer. Dropping it ends them.
#[derive(Debug)]
pub struct Pool {
    shared: Arc<Shared>,
    /// Stops idle programs.
    keeper: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Shared {
    limits: PoolLimits,
    places: Mutex<Places>,
    /// Told when a program has ended and when the pool closes.
    changed: Condvar,
    stopping: AtomicBool,
}

#[derive(Debug, Default)]
struct Places {
    by_key: BTreeMap<String, Place>,
    /// Keys without a place whose program has not ended yet: it has their directory,
    /// which the next program needs.
    ending: BTreeSet<String>,
}

impl Places {
    /// Gives up the place of `key`; [`Shared::end`] ends its program.
    fn give_up(&mut self, key: String) -> Option<(String, Place)> {
        let place = self.by_key.remove(&key)?;
        self.ending.insert(key.clone());
        Some((key, place))
    }
}

/// One program's place; the program itself is behind a lock of its own, so that
/// the map is never held while one answers.
#[derive(Debug, Default)]
struct Slot {
    state: Mutex<SlotState>,
    /// Told when the place becomes free.
    freed: Condvar,
}

#[derive(Debug, Default)]
struct SlotState {
    /// Whether a request has the program, or is starting it.
    taken: bool,
    worker: Option<Worker>,
}

/// A place taken for one request; freed when dropped.
struct Taken<'a> {
    slot: &'a Slot,
    /// What the place has afterwards.
    worker: Option<Worker>,
}

impl Slot {
    /// Takes the place once it is free; none when `wait` is over or `stopping` is set.
    fn take(&self, wait: Duration, stopping: &AtomicBool) -> Option<Taken<'_>> {
        let deadline = Instant::now() + wait;
        let mut state = lock(&self.state);
        while state.taken {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || stopping.load(Ordering::Relaxed) {
                return None;
            }
            let waited = self.freed.wait_timeout(state, left.min(WAIT_LOOK));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.taken = true;
        let worker = state.worker.take();
        drop(state);
        Some(Taken { slot: self, worker })
    }

    /// Ends the program, once no request has it.
    fn stop(&self) {
        let mut state = lock(&self.state);
        while state.taken {
            state = self
                .freed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let worker = state.worker.take();
        drop(state);
        if let Some(worker) = worker {
            worker.stop();
        }
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.slot.state);
        state.taken = false;
        state.worker = self.worker.take();
        drop(state);
        self.slot.freed.notify_all();
    }
}

#[derive(Debug)]
struct Place {
    slot: Arc<Slot>,
    /// Requests that wait or are answered.
    users: usize,
    last_used: Instant,
}

impl Pool {
    /// A pool without programs.
    ///
    /// # Errors
    /// When the thread that stops idle programs cannot be started.
    pub fn new(limits: PoolLimits) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            limits,
            places: Mutex::default(),
            changed: Condvar::new(),
            stopping: AtomicBool::new(false),
        });
        let kept = Arc::clone(&shared);
        let keeper = std::thread::Builder::new()
            .name("serving-idle".to_owned())
            .spawn(move || kept.stop_idle_forever())?;
        Ok(Self {
            shared,
            keeper: Mutex::new(Some(keeper)),
        })
    }

    /// Asks the program of `key`; `plan` says how to start it when it is not there.
    ///
    /// # Errors
    /// [`ServeError`]. After an error of the program the next request starts a new one.
    pub fn ask(
        &self,
        key: &str,
        plan: impl FnOnce() -> Result<WorkerPlan, ServeError>,
        ask: &Ask,
    ) -> Result<Answered, ServeError> {
        let shared = &self.shared;
        let slot = shared.enter(key)?;
        let _leave = Leave { shared, key };
        let taken = slot.take(shared.limits.wait, &shared.stopping);
        if shared.stopping.load(Ordering::Relaxed) {
            return Err(ServeError::Stopping);
        }
        let mut place = taken.ok_or(ServeError::Waited(shared.limits.wait))?;
        if place.worker.as_mut().is_some_and(|worker| !worker.is_fit()) {
            tracing::warn!(key, "a model's program is gone and is started again");
            place.worker = None;
        }
        let (mut worker, cold_start) = match place.worker.take() {
            Some(worker) => (worker, false),
            None => {
                let plan = plan()?;
                let limits = shared.limits.worker;
                let worker = Worker::start(&plan, ask.capability(), limits, &shared.stopping)?;
                (worker, true)
            }
        };
        let answer = worker.ask(ask, &shared.stopping);
        if answer.as_ref().err().is_none_or(ServeError::spares_worker) {
            place.worker = Some(worker);
        }
        answer.map(|answer| Answered { answer, cold_start })
    }

    /// The keys that have a place.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        lock(&self.shared.places).by_key.keys().cloned().collect()
    }

    /// Ends all programs; requests under way fail.
    pub fn close(&self) {
        self.shared.stopping.store(true, Ordering::Relaxed);
        let places = std::mem::take(&mut lock(&self.shared.places).by_key);
        self.shared.changed.notify_all();
        let stops: Vec<JoinHandle<()>> = places
            .into_values()
            .map(|place| std::thread::spawn(move || place.slot.stop()))
            .collect();
        for stop in stops {
            // A panic has been reported by its own thread.
            drop(stop.join());
        }
        if let Some(keeper) = lock(&self.keeper).take() {
            drop(keeper.join());
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    /// Takes part in the place of `key`; makes one when there is none.
    fn enter(&self, key: &str) -> Result<Arc<Slot>, ServeError> {
        let mut places = lock(&self.places);
        loop {
            if self.stopping.load(Ordering::Relaxed) {
                return Err(ServeError::Stopping);
            }
            if !places.ending.contains(key) {
                break;
            }
            let waited = self.changed.wait(places);
            places = waited.unwrap_or_else(PoisonError::into_inner);
        }
        if let Some(place) = places.by_key.get_mut(key) {
            if place.users >= self.limits.waiting {
                return Err(ServeError::Busy(
                    "too many requests wait for this model; try again later",
                ));
            }
            place.users += 1;
            return Ok(Arc::clone(&place.slot));
        }
        let mut gone = None;
        if places.by_key.len() >= self.limits.workers.max(1) {
            let idle = places.by_key.iter().filter(|(_, place)| place.users == 0);
            let oldest = idle.min_by_key(|(_, place)| place.last_used);
            let Some(oldest) = oldest.map(|(key, _)| key.clone()) else {
                return Err(ServeError::Busy(
                    "the programs of as many models as may run at once are answering; try again later",
                ));
            };
            gone = places.give_up(oldest);
        }
        let slot = Arc::new(Slot::default());
        let place = Place {
            slot: Arc::clone(&slot),
            users: 1,
            last_used: Instant::now(),
        };
        places.by_key.insert(key.to_owned(), place);
        drop(places);
        if let Some((key, place)) = gone {
            self.end(&key, &place);
        }
        Ok(slot)
    }

    /// Ends the program of a place that was given up.
    fn end(&self, key: &str, place: &Place) {
        place.slot.stop();
        lock(&self.places).ending.remove(key);
        self.changed.notify_all();
    }

    fn leave(&self, key: &str) {
        if let Some(place) = lock(&self.places).by_key.get_mut(key) {
            place.users = place.users.saturating_sub(1);
            place.last_used = Instant::now();
        }
    }

    fn stop_idle_forever(&self) {
        let mut places = lock(&self.places);
        while !self.stopping.load(Ordering::Relaxed) {
            let now = Instant::now();
            let due = |place: &Place| {
                place.users == 0 && now.duration_since(place.last_used) >= self.limits.idle
            };
            let keys: Vec<String> = places
                .by_key
                .iter()
                .filter(|(_, place)| due(place))
                .map(|(key, _)| key.clone())
                .collect();
            let gone: Vec<(String, Place)> = keys
                .into_iter()
                .filter_map(|key| places.give_up(key))
                .collect();
            if !gone.is_empty() {
                drop(places);
                gone.iter().for_each(|(key, place)| self.end(key, place));
                places = lock(&self.places);
                continue;
            }
            // A place that is used now is idle for no longer than from now on.
            let next = places
                .by_key
                .values()
                .filter(|place| place.users == 0)
                .map(|place| place.last_used + self.limits.idle)
                .min()
                .unwrap_or(now + self.limits.idle);
            let pause = next.saturating_duration_since(now);
            let waited = self.changed.wait_timeout(places, pause);
            places = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Ends a place's part of a request however it ends.
struct Leave<'a> {
    shared: &'a Shared,
    key: &'a str,
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.shared.leave(self.key);
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
