//! Who asks, and what they may do.
//!
//! Every application call takes a [`Caller`]. Accounts come later; today the
//! hub knows one local user and callers named by operator-issued tokens.

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// The name of a user.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserId(pub String);

/// What a caller may do, each role including the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads everything.
    Reader,
    /// Also creates and changes runs, datasets and evaluations.
    Writer,
    /// Also administers the hub.
    Admin,
}

/// What a route or use case needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// No caller needed: liveness and the static page only.
    Public,
    /// At least [`Role::Reader`].
    Read,
    /// At least [`Role::Writer`].
    Write,
    /// At least [`Role::Admin`].
    Admin,
}

/// An identified caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who it is.
    pub user: UserId,
    /// What they may do.
    pub role: Role,
}

impl Caller {
    /// The one person of a loopback hub without accounts.
    pub fn local(user: impl Into<String>) -> Self {
        Self {
            user: UserId(user.into()),
            role: Role::Admin,
        }
    }

    /// Refuses unless the caller's role covers `permission`.
    pub fn require(&self, permission: Permission) -> Result<()> {
        let needed = match permission {
            Permission::Public | Permission::Read => Role::Reader,
            Permission::Write => Role::Writer,
            Permission::Admin => Role::Admin,
        };
        if self.role >= needed {
            Ok(())
        } else {
            Err(Error::new(
                ErrorKind::Forbidden,
                format!(
                    "this needs the role `{needed:?}`, and `{}` has `{:?}`",
                    self.user.0, self.role
                ),
            ))
        }
    }
}
