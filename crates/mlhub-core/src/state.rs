//! The state machine of a run.
//!
//! A run's state is the state of its newest attempt. `Lost` means that nobody
//! can say how the process ended; the truth, when it arrives late, replaces it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Where a run is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Created, not started.
    Queued,
    /// Its process is alive as far as anyone can tell.
    Running,
    /// Its process ended with exit code 0.
    Finished,
    /// It could not start, or ended otherwise than with exit code 0.
    Failed,
    /// It was ended at a person's request.
    Stopped,
    /// Its process is gone and its exit status is unknown.
    Lost,
}

/// What can happen to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunEvent {
    /// The process started.
    Start,
    /// The process ended with exit code 0.
    Succeed,
    /// The process could not start, or ended otherwise.
    Fail,
    /// The process ended, or never started, at a person's request.
    Stop,
    /// The process is gone and its exit status cannot be known.
    Lose,
    /// A new attempt was queued.
    Requeue,
}

impl RunState {
    /// All states, in the order of a run's life.
    pub const ALL: [Self; 6] = [
        Self::Queued,
        Self::Running,
        Self::Finished,
        Self::Failed,
        Self::Stopped,
        Self::Lost,
    ];

    /// The state's name on every face.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
            Self::Lost => "lost",
        }
    }

    /// Parses a state's name.
    pub fn parse(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| {
                Error::invalid(format!(
                    "no run state `{text}`; states are queued, running, finished, failed, stopped, lost"
                ))
            })
    }

    /// Whether the run has ended (a late truth may still replace `Lost`).
    pub fn is_terminal(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }

    /// The state after `event`, or a conflict naming both.
    ///
    /// Delivering an event twice is harmless: the state it led to accepts it.
    pub fn after(self, event: RunEvent) -> Result<Self> {
        use RunEvent as E;
        use RunState as S;
        match (self, event) {
            (S::Queued | S::Running | S::Lost, E::Start) => Ok(S::Running),
            (S::Running | S::Lost | S::Finished, E::Succeed) => Ok(S::Finished),
            (S::Queued | S::Running | S::Lost | S::Failed, E::Fail) => Ok(S::Failed),
            (S::Queued | S::Running | S::Lost | S::Stopped, E::Stop) => Ok(S::Stopped),
            (S::Queued | S::Running | S::Lost, E::Lose) => Ok(S::Lost),
            (S::Finished | S::Failed | S::Stopped | S::Lost, E::Requeue) => Ok(S::Queued),
            (state, event) => Err(Error::conflict(format!(
                "a {state} run cannot take the event `{event:?}`"
            ))),
        }
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EVENTS: [RunEvent; 6] = [
        RunEvent::Start,
        RunEvent::Succeed,
        RunEvent::Fail,
        RunEvent::Stop,
        RunEvent::Lose,
        RunEvent::Requeue,
    ];

    proptest! {
        #[test]
        fn an_ended_run_starts_again_only_through_the_queue(steps in prop::collection::vec(0usize..6, 0..40)) {
            let mut state = RunState::Queued;
            for step in steps {
                let event = EVENTS[step];
                if let Ok(next) = state.after(event) {
                    let certain_end = matches!(state, RunState::Finished | RunState::Failed | RunState::Stopped);
                    prop_assert!(!(certain_end && next == RunState::Running), "{state} -> {next}");
                    prop_assert!(!(certain_end && next.is_terminal() && next != state), "{state} -> {next}");
                    state = next;
                }
            }
        }

        #[test]
        fn delivering_an_event_twice_is_delivering_it_once(from in 0usize..6, event in 0usize..5) {
            let (from, event) = (RunState::ALL[from], EVENTS[event]);
            if let Ok(next) = from.after(event) {
                prop_assert_eq!(next.after(event).expect("idempotent"), next);
            }
        }
    }

    #[test]
    fn every_name_parses_back() {
        for state in RunState::ALL {
            assert_eq!(RunState::parse(state.as_str()).expect("known"), state);
        }
        assert!(RunState::parse("done").is_err());
    }
}
