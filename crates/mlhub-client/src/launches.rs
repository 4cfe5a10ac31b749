//! Routes of experiments that the hub starts.

use mlhub_protocol::rest::{LaunchList, LaunchReply, LaunchRequest, LaunchView};

use crate::Result;
use crate::http::{Call, Client, path};

impl Client {
    /// Checks an experiment and starts it as the request says.
    ///
    /// # Errors
    /// The hub's, or of the connection; so for every call here.
    pub fn launch(&self, request: &LaunchRequest) -> Result<LaunchReply> {
        self.post(path(&["launches"]), request)
    }

    /// The newest launches, and what may be launched.
    pub fn launch_list(&self) -> Result<LaunchList> {
        self.get(path(&["launches"]))
    }

    /// One launch.
    pub fn launch_get(&self, id: &str) -> Result<LaunchView> {
        self.get(path(&["launches", id]))
    }

    /// Ends the preparation of a launch.
    pub fn launch_stop(&self, id: &str) -> Result<LaunchView> {
        self.fetch(Call::new("POST", path(&["launches", id, "stop"])))
    }
}
