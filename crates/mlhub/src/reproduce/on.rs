//! `--on WHERE`: where a run is reproduced, to tell apart what makes it come out otherwise.

use std::path::PathBuf;

use mlhub_agent::adapter::Replacement;

use crate::exit::{REFUSED, fail};

/// What `--on` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Where {
    /// On this machine, in the environment as it was recorded.
    Recorded,
    /// On this machine, in another environment.
    Replaced(Replacement),
    /// By an agent of this name.
    Agent(String),
}

impl Where {
    /// Reads `recorded`, `python:PATH`, `lock:FILE` or `agent:NAME`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "recorded" => Ok(Self::Recorded),
            Some(("python", path)) if !path.is_empty() => {
                Ok(Self::Replaced(Replacement::Python(PathBuf::from(path))))
            }
            Some(("lock", path)) if !path.is_empty() => {
                Ok(Self::Replaced(Replacement::Lock(PathBuf::from(path))))
            }
            Some(("agent", name)) if !name.is_empty() => Ok(Self::Agent(name.to_owned())),
            _ => Err("write `recorded`, `python:PATH`, `lock:FILE` or `agent:NAME`".to_owned()),
        }
    }

    /// The environment to take instead of the recorded one.
    ///
    /// # Errors
    /// For an agent: none is registered under any name.
    pub(super) fn replacement(&self) -> anyhow::Result<Option<&Replacement>> {
        match self {
            Self::Recorded => Ok(None),
            Self::Replaced(replacement) => Ok(Some(replacement)),
            Self::Agent(name) => Err(fail(
                REFUSED,
                format!(
                    "no agent `{name}` is registered at this hub; runs are reproduced on the hub's own machine, with --on recorded, python:PATH or lock:FILE"
                ),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_or_refused() {
        assert_eq!(Where::parse("recorded"), Ok(Where::Recorded));
        let python = Replacement::Python(PathBuf::from("/opt/a:b/bin/python"));
        assert_eq!(
            Where::parse("python:/opt/a:b/bin/python"),
            Ok(Where::Replaced(python))
        );
        let lock = Replacement::Lock(PathBuf::from("new.lock"));
        assert_eq!(Where::parse("lock:new.lock"), Ok(Where::Replaced(lock)));
        for wrong in [
            "",
            "python",
            "python:",
            "lock:",
            "agent:",
            "docker:x",
            "recorded:",
        ] {
            assert!(Where::parse(wrong).is_err(), "{wrong}");
        }
        let agent = Where::parse("agent:big").expect("a place");
        let error = agent.replacement().expect_err("no agents");
        assert!(error.to_string().contains("no agent `big`"), "{error}");
        assert_eq!(Where::Recorded.replacement().expect("fine"), None);
    }
}
