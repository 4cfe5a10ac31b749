//! Hubs that forwarders serve for want of another, and how they make way.
//!
//! One process owns a data directory at a time. A forwarder that finds no hub
//! serves one itself, for hours perhaps; who then starts `mlhub serve` must not be
//! told that the directory is taken. So `serve` writes `hub.wanted`, the makeshift
//! hub ends, and the forwarder goes on with the one that was asked for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mlhub_agent::supervisor::{LocalHub, discover_hub, is_alive, own_identity};
use mlhub_protocol::run_dir::{HubFile, ProcessIdentity};
use mlhub_store::DataDir;

use crate::connect::EmbeddedHub;
use crate::hub::HubOptions;

/// Names the process that wants to serve the data directory.
const WANTED_FILE: &str = "hub.wanted";
/// How long a makeshift hub may take to end.
const WAY_WAIT_MAX: Duration = Duration::from_secs(15);
/// How long a hub that took the directory may take to say where it listens.
const TELL_WAIT_MAX: Duration = Duration::from_secs(3);
/// Pause between looks at it.
const WAY_PAUSE: Duration = Duration::from_millis(20);

/// The wish for a data directory; it ends when dropped.
pub(crate) struct Wanted {
    path: PathBuf,
}

impl Drop for Wanted {
    fn drop(&mut self) {
        // One that stays names a process that is gone, and so means nothing.
        drop(std::fs::remove_file(&self.path));
    }
}

/// Asks a makeshift hub of `data_dir` to end and waits for it. Other holders of
/// the directory are left alone. While the wish lives no makeshift hub starts, so it is
/// there before anybody looks who holds the directory, until the hub holds it.
pub(crate) fn ask_for_way(data_dir: &Path) -> Option<Wanted> {
    let wanted = Wanted {
        path: data_dir.join(WANTED_FILE),
    };
    let identity = serde_json::to_vec(&own_identity()).ok()?;
    let temporary = data_dir.join(format!("{WANTED_FILE}.{}", std::process::id()));
    std::fs::write(&temporary, identity)
        .and_then(|()| std::fs::rename(&temporary, &wanted.path))
        .ok()?;
    let yields = holder(data_dir).is_some_and(|holder| holder.yields);
    let deadline = Instant::now() + WAY_WAIT_MAX;
    while yields && DataDir::probe_lock(data_dir) && Instant::now() < deadline {
        std::thread::sleep(WAY_PAUSE);
    }
    Some(wanted)
}

/// The hub that holds the data directory. One that has just taken it may not
/// have said so yet, and is waited for.
fn holder(data_dir: &Path) -> Option<HubFile> {
    let deadline = Instant::now() + TELL_WAIT_MAX;
    while DataDir::probe_lock(data_dir) {
        let found = discover_hub(data_dir);
        if found.is_some() || Instant::now() >= deadline {
            return found;
        }
        std::thread::sleep(WAY_PAUSE);
    }
    None
}

fn is_wanted(data_dir: &Path) -> bool {
    std::fs::read(data_dir.join(WANTED_FILE))
        .ok()
        .and_then(|bytes| serde_json::from_slice::<ProcessIdentity>(&bytes).ok())
        .is_some_and(|identity| is_alive(&identity))
}

/// The hubs this process serves, by data directory; they end with the last that
/// uses them. A command that ships many runs serves one hub for all.
#[derive(Clone, Default)]
pub(crate) struct Makeshifts {
    hubs: Arc<Mutex<BTreeMap<PathBuf, EmbeddedHub>>>,
}

impl Makeshifts {
    /// What serves the hub of `data_dir`.
    pub(crate) fn of(&self, data_dir: &Path) -> Box<dyn LocalHub> {
        Box::new(Makeshift {
            data_dir: data_dir.to_owned(),
            hubs: Arc::clone(&self.hubs),
        })
    }
}

/// A hub for a forwarder: served from its process while nobody else does.
struct Makeshift {
    data_dir: PathBuf,
    hubs: Arc<Mutex<BTreeMap<PathBuf, EmbeddedHub>>>,
}

impl Makeshift {
    fn hubs(&self) -> MutexGuard<'_, BTreeMap<PathBuf, EmbeddedHub>> {
        self.hubs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LocalHub for Makeshift {
    fn ensure(&mut self) -> Result<(), String> {
        let served = self.hubs().contains_key(&self.data_dir);
        if served || discover_hub(&self.data_dir).is_some() || is_wanted(&self.data_dir) {
            return Ok(());
        }
        let options = HubOptions {
            yields: true,
            ..HubOptions::local(&self.data_dir, 0)
        };
        match EmbeddedHub::start(options) {
            Ok(hub) => {
                self.hubs().insert(self.data_dir.clone(), hub);
                Ok(())
            }
            // Another one is just starting.
            Err(_) if DataDir::probe_lock(&self.data_dir) => Ok(()),
            Err(error) => Err(format!("{error:#}")),
        }
    }

    fn tend(&mut self) {
        let served = self.hubs().contains_key(&self.data_dir);
        if served && is_wanted(&self.data_dir) {
            let hub = self.hubs().remove(&self.data_dir);
            drop(hub);
        }
    }
}
