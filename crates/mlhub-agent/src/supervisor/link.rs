//! The way to the hub: where it is now, and what the threads of one supervisor
//! tell each other.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use mlhub_client::{Client, ClientError, ClientOptions};
use mlhub_protocol::run_dir::{ExitFile, HubAddress, ProgramFile};

use super::identity::discover_hub;

/// Environment variable with the operator's token, where the hub asks for one.
const ENV_TOKEN: &str = "MLHUB_TOKEN";
/// Time to connect to the hub.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Time without a byte from the hub.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// Finds the hub again whenever it is asked, since it may come back elsewhere.
#[derive(Clone)]
pub(crate) struct HubLink {
    address: HubAddress,
    client: Option<Client>,
    /// The token the data directory gave for the client.
    token: Option<String>,
}

impl HubLink {
    pub(crate) fn new(address: &HubAddress) -> Self {
        Self {
            address: address.clone(),
            client: None,
            token: None,
        }
    }

    /// A client of the hub where it is now; `None` when it is not running. The
    /// connection itself is made by the first call.
    pub(crate) fn client(&mut self) -> Option<Client> {
        let (url, token) = match &self.address {
            HubAddress::Url(url) => (url.clone(), None),
            HubAddress::DataDir(folder) => {
                let hub = discover_hub(Path::new(folder))?;
                (hub.url, hub.token)
            }
        };
        let known = self.client.as_ref().map(Client::base_url);
        // A hub that came back at the same address has another token.
        if known != Some(url.trim_end_matches('/')) || self.token != token {
            self.token.clone_from(&token);
            let token = token.or_else(|| std::env::var(ENV_TOKEN).ok());
            let options = ClientOptions {
                connect_timeout: CONNECT_TIMEOUT,
                idle_timeout: IDLE_TIMEOUT,
            };
            self.client = Client::with_options(&url, token.as_deref(), &options).ok();
        }
        self.client.clone()
    }
}

/// How the program ended, as far as the local side knows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LocalEnd {
    pub(crate) program: Option<ProgramFile>,
    /// Absent when nobody saw the end.
    pub(crate) exit: Option<ExitFile>,
    /// What the kernel says about an out-of-memory kill.
    pub(crate) oom: Option<String>,
}

/// What the threads of one supervisor tell each other.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// The hub wants the program stopped.
    pub(crate) stop_requested: AtomicBool,
    /// The hub does not know the run: nothing can be shipped.
    pub(crate) gone: AtomicBool,
    /// The hub does not know (any more) that the program started.
    pub(crate) tell_start: AtomicBool,
    /// The hub knows that the program started.
    pub(crate) start_told: AtomicBool,
    /// The supervisor is about to exit.
    pub(crate) closing: AtomicBool,
    /// Bytes on disk and not on the hub.
    pub(crate) backlog_bytes: AtomicU64,
    /// Bytes of events and output shipped by this process.
    pub(crate) shipped_bytes: AtomicU64,
    end: Mutex<Option<LocalEnd>>,
    changed: Condvar,
}

impl Shared {
    /// Says that the program ended.
    pub(crate) fn end_set(&self, end: LocalEnd) {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = Some(end);
        self.changed.notify_all();
    }

    /// How the program ended, once it did.
    pub(crate) fn end(&self) -> Option<LocalEnd> {
        self.end
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Waits until something changes, at most `time`.
    pub(crate) fn wait(&self, time: Duration) {
        let guard = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = self.changed.wait_timeout(guard, time);
    }

    /// Wakes who waits.
    pub(crate) fn wake(&self) {
        self.changed.notify_all();
    }

    pub(crate) fn set(&self, flag: &AtomicBool) {
        flag.store(true, Ordering::Release);
        self.wake();
    }
}

/// Reads a flag.
pub(crate) fn is(flag: &AtomicBool) -> bool {
    flag.load(Ordering::Acquire)
}

/// Why a round stopped.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The hub is away or busy: everything waits.
    Away(ClientError),
    /// The hub is not running.
    NoHub,
    /// A local file cannot be read now.
    Local(std::io::Error),
    /// The hub does not know the run.
    Gone,
    /// The hub does not know the run yet, and another machine will make it.
    NoRun,
    /// The hub does not know the run yet, and an earlier attempt of it comes first.
    NoEarlier,
    /// The hub refuses the run; why, and what to do.
    Refused(String),
}

/// Whether an error concerns everything, not one item.
pub(crate) fn stop_of(error: ClientError) -> Option<Stop> {
    if error.is_not_found() {
        return Some(Stop::Gone);
    }
    // A missing or revoked token concerns every item, and may be put right. So does
    // what stands in front of a hub that is away, whatever it answers; only that an
    // item is too large for it (413) is of that item.
    let foreign = error.is_foreign() && error.status != Some(413);
    let everything = matches!(error.status, Some(401 | 403)) || error.status.is_none() || foreign;
    (everything || error.is_retryable()).then_some(Stop::Away(error))
}

#[cfg(test)]
mod tests {
    use mlhub_client::ClientErrorKind;

    use super::*;

    fn answer(status: u16, problem: Option<&str>) -> ClientError {
        ClientError {
            kind: ClientErrorKind::Problem,
            status: Some(status),
            title: "error".to_owned(),
            detail: "said so".to_owned(),
            problem: problem.map(str::to_owned),
            details: None,
        }
    }

    #[test]
    fn what_is_no_hub_is_waited_for_and_believed_in_nothing() {
        for status in [302, 400, 404, 405, 409, 410, 422, 502] {
            let stop = stop_of(answer(status, None));
            assert!(matches!(stop, Some(Stop::Away(_))), "{status}: {stop:?}");
        }
        assert!(stop_of(answer(413, None)).is_none());
        let gone = stop_of(answer(404, Some("not_found")));
        assert!(matches!(gone, Some(Stop::Gone)), "{gone:?}");
        for status in [400, 405, 409, 413] {
            assert!(stop_of(answer(status, Some("refused"))).is_none());
        }
    }
}
