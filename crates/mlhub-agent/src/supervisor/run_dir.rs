//! The run directory as the hub's side sees it: made whole, opened with a
//! version check, and read for where its program stands.
//!
//! A directory at `<data>/runs/<run id>/<attempt>` also gets a marker in
//! `<data>/runs/.active`, removed once everything is shipped, so that an agent
//! finds unfinished attempts without looking at the finished ones.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use mlhub_protocol::run_dir::{
    ExitFile, LaunchFile, ProcessIdentity, ProgramFile, RunFile, SupervisorFile, names,
};
use serde::{Deserialize, Serialize};

use super::error::{Result, SupervisorError};
use super::files::{read_json, write_json};
use super::identity::is_alive;

/// The folder of runs in a data directory.
pub(crate) const RUNS: &str = "runs";
/// The folder of markers in [`RUNS`].
pub(crate) const ACTIVE: &str = ".active";
/// Written by the shim before it starts the program; made at most once.
pub(crate) const STARTING: &str = "starting.json";
/// The supervisor's own log.
pub(crate) const SUPERVISOR_LOG: &str = "supervisor.log";

/// An attempt's directory.
#[derive(Debug, Clone)]
pub struct RunDir {
    path: PathBuf,
    run: RunFile,
    launch: LaunchFile,
    /// The process, where no shim starts and records one.
    sdk_program: Option<ProgramFile>,
}

/// `starting.json`: a shim is about to start the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StartingFile {
    pub(crate) version: u32,
    pub(crate) shim: ProcessIdentity,
}

/// Where an attempt's program stands, as its directory and the process table tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProgramStatus {
    /// Nobody started it yet.
    Prepared,
    /// A shim is about to start it.
    Starting,
    /// It runs.
    Running(ProgramFile),
    /// It ended, and its shim lives and will write how at any moment.
    Ending(ProgramFile),
    /// It ended, and it is known how. The program file is absent when it could
    /// not be started.
    Ended(Option<ProgramFile>, ExitFile),
    /// It is gone together with its shim: nobody saw how it ended.
    Vanished(Option<ProgramFile>),
}

impl RunDir {
    /// Makes the directory whole, or not at all.
    ///
    /// # Errors
    /// When it exists already or cannot be written.
    pub fn create(path: &Path, run: &RunFile, launch: &LaunchFile) -> Result<Self> {
        Self::create_with_files(path, run, launch, &[])
    }

    /// As [`RunDir::create`], with further files the program finds at its start,
    /// by name in the directory.
    ///
    /// # Errors
    /// As [`RunDir::create`].
    pub fn create_with_files(
        path: &Path,
        run: &RunFile,
        launch: &LaunchFile,
        files: &[(String, Vec<u8>)],
    ) -> Result<Self> {
        let parent = path.parent().unwrap_or_else(|| Path::new("."));
        fs::create_dir_all(parent).map_err(SupervisorError::io("make", parent))?;
        if path.exists() {
            return Err(SupervisorError::Exists(path.to_owned()));
        }
        let making = tempfile::Builder::new()
            .prefix(".making-")
            .tempdir_in(parent)
            .map_err(SupervisorError::io("make", path))?;
        for folder in [
            names::EVENTS,
            names::CHECKPOINTS,
            names::PREDICTIONS,
            names::ARTIFACTS,
        ] {
            let folder = making.path().join(folder);
            fs::DirBuilder::new()
                .mode(0o755)
                .create(&folder)
                .map_err(SupervisorError::io("make", &folder))?;
        }
        write_json(&making.path().join(names::RUN), run, 0o644)?;
        write_json(&making.path().join(names::LAUNCH), launch, 0o600)?;
        for (name, bytes) in files {
            let file = making.path().join(name);
            fs::write(&file, bytes).map_err(SupervisorError::io("write", &file))?;
        }
        let made = Self {
            path: path.to_owned(),
            run: run.clone(),
            launch: launch.clone(),
            sdk_program: None,
        };
        // The marker first: one without a directory is harmless, a directory
        // without one would never be found.
        if let Some(marker) = made.marker() {
            let folder = marker.parent().unwrap_or(parent);
            fs::create_dir_all(folder).map_err(SupervisorError::io("make", folder))?;
            fs::write(&marker, b"").map_err(SupervisorError::io("write", &marker))?;
        }
        // A rename onto an existing folder that is not empty fails, so two
        // makers cannot both succeed.
        let making = making.keep();
        if let Err(error) = fs::rename(&making, path) {
            let _ = fs::remove_dir_all(&making);
            return Err(SupervisorError::io("make", path)(error));
        }
        Ok(made)
    }

    /// Asks, on this machine and whether a hub is there or not, that a program
    /// that was not started yet never be.
    ///
    /// # Errors
    /// When the directory cannot be written.
    pub fn request_stop(&self) -> Result<()> {
        let marker = self.file(names::STOP);
        fs::write(&marker, b"").map_err(SupervisorError::io("write", &marker))
    }

    pub(crate) fn stop_requested(&self) -> bool {
        self.file(names::STOP).exists()
    }

    /// Opens a directory.
    ///
    /// # Errors
    /// When `run.json` or `launch.json` is absent, malformed or of a later version.
    pub fn open(path: &Path) -> Result<Self> {
        fn required<T: serde::de::DeserializeOwned>(path: PathBuf) -> Result<T> {
            read_json(&path)?.ok_or_else(|| SupervisorError::Malformed {
                path,
                reason: "it is missing; this is not a run directory".to_owned(),
            })
        }
        Ok(Self {
            path: path.to_owned(),
            run: required(path.join(names::RUN))?,
            launch: required(path.join(names::LAUNCH))?,
            sdk_program: None,
        })
    }

    /// The directory of a run of the SDK, which has neither `run.json` nor
    /// `launch.json`: what they would say is made from `sdk.json`.
    pub(crate) fn of_sdk(
        path: &Path,
        run: RunFile,
        launch: LaunchFile,
        program: ProgramFile,
    ) -> Self {
        Self {
            path: path.to_owned(),
            run,
            launch,
            sdk_program: Some(program),
        }
    }

    /// The same directory, shipped as another attempt.
    pub(crate) fn with_attempt(mut self, attempt: u32) -> Self {
        self.run.attempt = attempt;
        self
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the program is asked to do.
    pub fn run(&self) -> &RunFile {
        &self.run
    }

    /// How the program is started and minded.
    pub fn launch(&self) -> &LaunchFile {
        &self.launch
    }

    /// The directory of an attempt in a data directory.
    pub fn attempt_path(data_dir: &Path, run: &str, attempt: u32) -> PathBuf {
        data_dir.join(RUNS).join(run).join(attempt.to_string())
    }

    /// How the program ended, when that is known.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn exit(&self) -> Result<Option<ExitFile>> {
        read_json(&self.file(names::EXIT))
    }

    /// The program, once started.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn program(&self) -> Result<Option<ProgramFile>> {
        if let Some(program) = &self.sdk_program {
            return Ok(Some(program.clone()));
        }
        read_json(&self.file(names::PROGRAM))
    }

    /// What the supervisor has recorded.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn supervisor(&self) -> Result<Option<SupervisorFile>> {
        read_json(&self.file(names::SUPERVISOR))
    }

    /// Where the program stands now.
    ///
    /// # Errors
    /// When a file of the directory cannot be read.
    pub fn program_status(&self) -> Result<ProgramStatus> {
        if let Some(exit) = self.exit()? {
            return Ok(ProgramStatus::Ended(self.program()?, exit));
        }
        let (shim, status) = match self.program()? {
            Some(program) if is_alive(&program.program) => {
                return Ok(ProgramStatus::Running(program));
            }
            Some(program) => (program.shim.clone(), Some(program)),
            None => match read_json::<StartingFile>(&self.file(STARTING))? {
                Some(starting) => (starting.shim, None),
                None => return Ok(ProgramStatus::Prepared),
            },
        };
        if is_alive(&shim) {
            return Ok(match status {
                Some(program) => ProgramStatus::Ending(program),
                None => ProgramStatus::Starting,
            });
        }
        // The shim may have written its last word between our two looks.
        match self.exit()? {
            Some(exit) => Ok(ProgramStatus::Ended(self.program()?, exit)),
            None => match self.program()? {
                Some(program) if is_alive(&program.program) => Ok(ProgramStatus::Running(program)),
                program => Ok(ProgramStatus::Vanished(program)),
            },
        }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The marker that says there is work left here, for a directory that is in
    /// a data directory.
    fn marker(&self) -> Option<PathBuf> {
        let attempt = self.path.file_name()?.to_str()?;
        let folder = self.path.parent()?;
        let run = folder.file_name()?.to_str()?;
        let runs = folder.parent()?;
        let in_place = runs.file_name()? == RUNS
            && run == self.run.run.id
            && attempt == self.run.attempt.to_string();
        in_place.then(|| runs.join(ACTIVE).join(format!("{run}@{attempt}")))
    }

    /// Says that nothing is left to do here.
    pub(crate) fn marker_remove(&self) {
        if let Some(marker) = self.marker() {
            // A marker that stays only costs the agent another look.
            let _ = fs::remove_file(marker);
        }
    }
}

/// The attempts of a data directory with work left, by their markers. Markers
/// whose directory does not exist (yet) are passed over.
pub fn active_attempts(data_dir: &Path) -> Vec<PathBuf> {
    let runs = data_dir.join(RUNS);
    let Ok(entries) = fs::read_dir(runs.join(ACTIVE)) else {
        return Vec::new();
    };
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| {
            let name = entry.ok()?.file_name();
            let (run, attempt) = name.to_str()?.rsplit_once('@')?;
            let attempt: u32 = attempt.parse().ok()?;
            Some(runs.join(run).join(attempt.to_string()))
        })
        .filter(|path| path.join(names::RUN).exists())
        .collect();
    found.sort();
    found
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeMap;

    use mlhub_protocol::run_dir::{HubAddress, RUN_DIR_VERSION, Resources, RunIdentity};

    use super::*;

    pub(crate) fn sample(id: &str) -> (RunFile, LaunchFile) {
        let run = RunFile {
            version: RUN_DIR_VERSION,
            run: RunIdentity {
                id: id.to_owned(),
                project: "p".to_owned(),
                experiment: "e".to_owned(),
                name: "n".to_owned(),
                group: None,
            },
            attempt: 1,
            seed: 1,
            smoke: false,
            params: serde_json::Map::new(),
            task: None,
            dataset: None,
            predict_splits: Vec::new(),
            resume: None,
            model: None,
            export: None,
            resources: Resources::default(),
            config: serde_json::Value::Null,
        };
        let launch = LaunchFile {
            version: RUN_DIR_VERSION,
            argv: vec!["true".to_owned()],
            cwd: "/".to_owned(),
            env: BTreeMap::new(),
            hub: HubAddress::Url("http://127.0.0.1:1".to_owned()),
            host: "here".to_owned(),
            grace_seconds: 1,
            timeout_seconds: None,
            limits: mlhub_protocol::run_dir::Limits::default(),
            stdout_events: false,
            log_metrics: Vec::new(),
            log_scan: true,
            system_interval_seconds: 1,
            queue_position: 0,
        };
        (run, launch)
    }

    #[test]
    fn a_directory_is_made_once_and_marked_until_shipped() {
        let data = tempfile::tempdir().expect("temporary folder");
        let (run, launch) = sample("run-a");
        let path = RunDir::attempt_path(data.path(), "run-a", 1);
        let made = RunDir::create(&path, &run, &launch).expect("made");
        assert!(matches!(
            RunDir::create(&path, &run, &launch),
            Err(SupervisorError::Exists(_))
        ));
        assert_eq!(active_attempts(data.path()), std::slice::from_ref(&path));
        let opened = RunDir::open(&path).expect("opened");
        assert_eq!(opened.launch(), &launch);
        assert_eq!(
            opened.program_status().expect("readable"),
            ProgramStatus::Prepared
        );
        made.marker_remove();
        assert!(active_attempts(data.path()).is_empty());
    }

    #[test]
    fn a_directory_elsewhere_has_no_marker() {
        let data = tempfile::tempdir().expect("temporary folder");
        let (run, launch) = sample("run-a");
        RunDir::create(&data.path().join("x"), &run, &launch).expect("made");
        let names: Vec<_> = fs::read_dir(data.path())
            .expect("list")
            .map(|entry| entry.expect("entry").file_name())
            .collect();
        assert_eq!(names, ["x"]);
    }

    #[test]
    fn a_shim_that_died_before_the_program_leaves_vanished() {
        let data = tempfile::tempdir().expect("temporary folder");
        let (run, launch) = sample("run-a");
        let dir = RunDir::create(&data.path().join("x"), &run, &launch).expect("made");
        let mut shim = super::super::identity::own_identity();
        shim.start_ticks += 1;
        let starting = StartingFile { version: 1, shim };
        write_json(&dir.file(STARTING), &starting, 0o644).expect("write");
        assert_eq!(
            dir.program_status().expect("readable"),
            ProgramStatus::Vanished(None)
        );
    }
}
