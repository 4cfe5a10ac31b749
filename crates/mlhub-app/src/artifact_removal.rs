//! Removing single artifacts and folders of them for good, the run staying.

use mlhub_core::deletion::ArtifactRemoval;
use mlhub_core::{ArtifactPath, Caller, ErrorKind, Permission, Result, RunId};

use crate::Hub;
use crate::deletion::with_room;

impl Hub {
    /// Removes an artifact, or a folder with all below it; all artifacts of the run
    /// where there is no path. Files of logged models stay unless they are meant.
    /// What is not there is gone already. The run may be running or deleted.
    ///
    /// # Errors
    /// `NotFound` for the run; `Conflict` when a version of a registered model needs
    /// one of them, and nothing is removed; `StorageFull` when even the room held
    /// back for deletions does not do.
    pub async fn artifacts_remove(
        &self,
        caller: &Caller,
        run: &RunId,
        path: Option<ArtifactPath>,
        of_models: bool,
    ) -> Result<()> {
        caller.require(Permission::Write)?;
        let removal = ArtifactRemoval {
            run: run.clone(),
            path,
            of_models,
            actor: caller.user.clone(),
            now: self.clock.now(),
        };
        let _turn = self.deleting.lock().await;
        let _told = self.telling(run, &["artifacts"]);
        let hashes = with_room!(self, self.store.artifacts_remove(&removal).await)?;
        self.blobs_let_go(&hashes).await?;
        self.disk.room_reserve();
        Ok(())
    }
}
