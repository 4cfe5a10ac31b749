//! What jobs need of a machine and what machines have.

use std::fmt;

use mlhub_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// GPUs of one machine at most.
const GPUS_MAX: u32 = 1024;

/// What a job needs.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Resources {
    /// Cores.
    pub cpus: u32,
    /// Bytes of memory.
    pub memory_bytes: u64,
    /// Bytes of free disk.
    pub disk_bytes: u64,
    /// Whole GPUs.
    pub gpus: u32,
    /// Bytes of memory that each of them has at least.
    pub gpu_memory_bytes: u64,
}

impl Resources {
    pub(crate) fn check(&self) -> Result<()> {
        if self.gpus > GPUS_MAX {
            return Err(Error::invalid(format!(
                "{} GPUs are asked for; a job has at most {GPUS_MAX}",
                self.gpus
            )));
        }
        if self.gpus == 0 && self.gpu_memory_bytes > 0 {
            return Err(Error::invalid(
                "memory of GPUs is asked for, but no GPU".to_owned(),
            ));
        }
        Ok(())
    }

    /// What it takes of a shared machine, to weigh users against each other: a core, 4 GiB
    /// of memory or an eighth of a GPU count as one.
    pub(crate) fn cost(&self) -> u64 {
        const MEMORY_UNIT_BYTES: u64 = 4 << 30;
        const GPU_UNITS: u64 = 8;
        let memory = self.memory_bytes / MEMORY_UNIT_BYTES;
        (u64::from(self.gpus) * GPU_UNITS)
            .max(u64::from(self.cpus))
            .max(memory)
            .max(1)
    }
}

/// A GPU of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Gpu {
    /// As `CUDA_VISIBLE_DEVICES` counts them.
    pub index: u32,
    /// Bytes of its memory.
    pub memory_bytes: u64,
}

/// What a machine has, or has left.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Cores.
    pub cpus: u32,
    /// Bytes of memory.
    pub memory_bytes: u64,
    /// Bytes of free disk.
    pub disk_bytes: u64,
    /// GPUs.
    pub gpus: Vec<Gpu>,
}

/// What a machine lacks for a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shortage {
    /// GPUs with enough memory.
    Gpus {
        /// How many there are.
        there: u32,
        /// How many are needed.
        needed: u32,
        /// Bytes of memory that each must have.
        memory_bytes: u64,
    },
    /// Cores.
    Cpus {
        /// How many there are.
        there: u32,
        /// How many are needed.
        needed: u32,
    },
    /// Memory.
    Memory {
        /// Bytes that are there.
        there: u64,
        /// Bytes that are needed.
        needed: u64,
    },
    /// Disk.
    Disk {
        /// Bytes that are there.
        there: u64,
        /// Bytes that are needed.
        needed: u64,
    },
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Gpus {
                there,
                needed,
                memory_bytes: 0,
            } => write!(f, "{needed} GPUs are needed, {there} free"),
            Self::Gpus {
                there,
                needed,
                memory_bytes,
            } => write!(
                f,
                "{needed} GPUs with {} are needed, {there} free",
                size(memory_bytes)
            ),
            Self::Cpus { there, needed } => write!(f, "{needed} cores are needed, {there} free"),
            Self::Memory { there, needed } => {
                write!(
                    f,
                    "{} of memory are needed, {} free",
                    size(needed),
                    size(there)
                )
            }
            Self::Disk { there, needed } => {
                write!(
                    f,
                    "{} of disk are needed, {} free",
                    size(needed),
                    size(there)
                )
            }
        }
    }
}

/// `40 GiB`, `512 MiB`.
fn size(bytes: u64) -> String {
    const GIB: u64 = 1 << 30;
    const MIB: u64 = 1 << 20;
    if bytes >= GIB {
        let tenths = bytes.saturating_mul(10) / GIB;
        if tenths.is_multiple_of(10) {
            return format!("{} GiB", tenths / 10);
        }
        return format!("{}.{} GiB", tenths / 10, tenths % 10);
    }
    format!("{} MiB", bytes / MIB)
}

impl Offer {
    /// Which GPUs a job would get, or what is lacking first. Of those with enough memory
    /// the smallest are taken.
    ///
    /// # Errors
    /// The first shortage, of GPUs, cores, memory, disk in this order.
    pub fn fit(&self, needs: &Resources) -> Result<Vec<u32>, Shortage> {
        let mut fitting: Vec<&Gpu> = self
            .gpus
            .iter()
            .filter(|gpu| gpu.memory_bytes >= needs.gpu_memory_bytes)
            .collect();
        let there = u32::try_from(fitting.len()).unwrap_or(u32::MAX);
        if there < needs.gpus {
            return Err(Shortage::Gpus {
                there,
                needed: needs.gpus,
                memory_bytes: needs.gpu_memory_bytes,
            });
        }
        if self.cpus < needs.cpus {
            return Err(Shortage::Cpus {
                there: self.cpus,
                needed: needs.cpus,
            });
        }
        if self.memory_bytes < needs.memory_bytes {
            return Err(Shortage::Memory {
                there: self.memory_bytes,
                needed: needs.memory_bytes,
            });
        }
        if self.disk_bytes < needs.disk_bytes {
            return Err(Shortage::Disk {
                there: self.disk_bytes,
                needed: needs.disk_bytes,
            });
        }
        fitting.sort_by_key(|gpu| (gpu.memory_bytes, gpu.index));
        let taken = fitting.iter().take(needs.gpus as usize);
        Ok(taken.map(|gpu| gpu.index).collect())
    }

    /// Takes away what a job was given. What was never there, such as a GPU that is gone,
    /// is taken as far as it is.
    pub(crate) fn take(&mut self, needs: &Resources, gpus: &[u32]) {
        self.cpus = self.cpus.saturating_sub(needs.cpus);
        self.memory_bytes = self.memory_bytes.saturating_sub(needs.memory_bytes);
        self.disk_bytes = self.disk_bytes.saturating_sub(needs.disk_bytes);
        self.gpus.retain(|gpu| !gpus.contains(&gpu.index));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    fn machine(gpus: &[u64]) -> Offer {
        let gpu = |(index, memory): (usize, &u64)| Gpu {
            index: u32::try_from(index).expect("few"),
            memory_bytes: memory * GIB,
        };
        Offer {
            cpus: 8,
            memory_bytes: 32 * GIB,
            disk_bytes: 100 * GIB,
            gpus: gpus.iter().enumerate().map(gpu).collect(),
        }
    }

    fn gpus(count: u32, gib: u64) -> Resources {
        Resources {
            gpus: count,
            gpu_memory_bytes: gib * GIB,
            ..Resources::default()
        }
    }

    #[test]
    fn the_smallest_gpus_that_do_are_taken() {
        let machine = machine(&[80, 24, 40, 24]);
        assert_eq!(machine.fit(&gpus(2, 16)), Ok(vec![1, 3]));
        assert_eq!(machine.fit(&gpus(1, 30)), Ok(vec![2]));
        let lacking = machine.fit(&gpus(2, 48)).expect_err("one only");
        assert_eq!(lacking.to_string(), "2 GPUs with 48 GiB are needed, 1 free");
    }

    #[test]
    fn what_is_lacking_is_said() {
        let mut machine = machine(&[]);
        machine.take(
            &Resources {
                cpus: 6,
                memory_bytes: 31 * GIB + GIB / 2,
                ..Resources::default()
            },
            &[],
        );
        let said = |needs: Resources| machine.fit(&needs).expect_err("lacking").to_string();
        let none = Resources::default();
        assert_eq!(
            said(Resources { cpus: 4, ..none }),
            "4 cores are needed, 2 free"
        );
        assert_eq!(
            said(Resources {
                memory_bytes: GIB,
                ..none
            }),
            "1 GiB of memory are needed, 512 MiB free"
        );
        assert_eq!(
            said(Resources {
                disk_bytes: 200 * GIB,
                ..none
            }),
            "200 GiB of disk are needed, 100 GiB free"
        );
        assert_eq!(said(gpus(1, 0)), "1 GPUs are needed, 0 free");
    }

    #[test]
    fn memory_of_no_gpu_is_refused() {
        assert!(gpus(0, 8).check().is_err());
        assert!(gpus(2000, 8).check().is_err());
        assert!(gpus(8, 80).check().is_ok());
    }
}
