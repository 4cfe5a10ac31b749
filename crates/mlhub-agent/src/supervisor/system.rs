//! Samples of the machine and of the program's process tree, as ordinary events.
//!
//! Names: `system/cpu_percent` (the tree; 100 is one core), `system/memory_bytes`
//! (the tree, resident), `system/host_cpu_percent`, `system/host_memory_bytes`,
//! `system/disk_free_bytes` (of the run directory's disk), read, write and
//! network rates in bytes per second, and `system/gpu<i>_…`. What a machine
//! cannot tell is left out, never zero. The step is seconds since the start.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use mlhub_protocol::event::EventLine;
use mlhub_protocol::number::Number;
use nvml_wrapper::Nvml;
use nvml_wrapper::enum_wrappers::device::TemperatureSensor;
use sysinfo::{Networks, Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use super::files::now_ms;

/// Event file of these samples.
pub(crate) const SYSTEM_EVENTS: &str = "system.jsonl";

/// Takes samples. Rates are over the time since the sample before.
pub(crate) struct Sampler {
    folder: PathBuf,
    system: Option<System>,
    networks: Option<Networks>,
    nvml: Option<Nvml>,
    last: Option<Instant>,
}

impl Sampler {
    pub(crate) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            system: System::new().ok(),
            networks: Networks::new_with_refreshed_list().ok(),
            nvml: Nvml::init().ok(),
            last: None,
        }
    }

    /// A sample of the tree under `program`, which started at `started_at_ms`.
    pub(crate) fn sample(&mut self, program: i32, started_at_ms: i64) -> EventLine {
        let seconds = self.last.map(|last| last.elapsed().as_secs_f64());
        self.last = Some(Instant::now());
        let mut metrics = BTreeMap::new();
        self.processes(program, seconds, &mut metrics);
        self.network(seconds, &mut metrics);
        if let Ok(disk) = rustix::fs::statvfs(&self.folder) {
            put(
                &mut metrics,
                "disk_free_bytes",
                float(disk.f_bavail.saturating_mul(disk.f_frsize)),
            );
        }
        self.gpus(&mut metrics);
        let now = now_ms();
        EventLine {
            time_ms: Some(now),
            step: Some((now - started_at_ms).max(0) / 1000),
            metrics,
            ..EventLine::default()
        }
    }

    fn processes(
        &mut self,
        program: i32,
        seconds: Option<f64>,
        metrics: &mut BTreeMap<String, Number>,
    ) {
        let Some(system) = &mut self.system else {
            return;
        };
        system.refresh_cpu_usage();
        system.refresh_memory();
        system.refresh_processes_specifics(
            ProcessesToUpdate::All,
            true,
            ProcessRefreshKind::nothing()
                .with_cpu()
                .with_memory()
                .with_disk_usage()
                .without_tasks(),
        );
        put(metrics, "host_memory_bytes", float(system.used_memory()));
        let tree = tree(system, program);
        if !tree.is_empty() {
            let sum = |of: fn(&sysinfo::Process) -> f64| -> f64 {
                tree.iter()
                    .filter_map(|pid| system.process(*pid))
                    .map(of)
                    .sum()
            };
            put(
                metrics,
                "memory_bytes",
                sum(|process| float(process.memory())),
            );
            if let Some(seconds) = seconds.filter(|seconds| *seconds > 0.0) {
                put(
                    metrics,
                    "cpu_percent",
                    sum(|process| f64::from(process.cpu_usage())),
                );
                let read = sum(|process| float(process.disk_usage().read_bytes));
                let written = sum(|process| float(process.disk_usage().written_bytes));
                put(metrics, "disk_read_bytes_per_second", read / seconds);
                put(metrics, "disk_write_bytes_per_second", written / seconds);
            }
        }
        if seconds.is_some() {
            put(
                metrics,
                "host_cpu_percent",
                f64::from(system.global_cpu_usage()),
            );
        }
    }

    fn network(&mut self, seconds: Option<f64>, metrics: &mut BTreeMap<String, Number>) {
        let Some(networks) = &mut self.networks else {
            return;
        };
        networks.refresh(true);
        let Some(seconds) = seconds.filter(|seconds| *seconds > 0.0) else {
            return;
        };
        // What stays on this machine is not traffic.
        let outer = || networks.iter().filter(|(name, _)| name.as_os_str() != "lo");
        let received: u64 = outer().map(|(_, data)| data.received()).sum();
        let sent: u64 = outer().map(|(_, data)| data.transmitted()).sum();
        put(
            metrics,
            "network_received_bytes_per_second",
            float(received) / seconds,
        );
        put(
            metrics,
            "network_sent_bytes_per_second",
            float(sent) / seconds,
        );
    }

    fn gpus(&self, metrics: &mut BTreeMap<String, Number>) {
        let Some(nvml) = &self.nvml else {
            return;
        };
        for index in 0..nvml.device_count().unwrap_or(0) {
            let Ok(device) = nvml.device_by_index(index) else {
                continue;
            };
            let mut gpu =
                |name: &str, value: f64| put(metrics, &format!("gpu{index}_{name}"), value);
            if let Ok(use_) = device.utilization_rates() {
                gpu("percent", f64::from(use_.gpu));
            }
            if let Ok(memory) = device.memory_info() {
                gpu("memory_bytes", float(memory.used));
                gpu("memory_total_bytes", float(memory.total));
            }
            if let Ok(milliwatts) = device.power_usage() {
                gpu("power_watts", f64::from(milliwatts) / 1000.0);
            }
            if let Ok(degrees) = device.temperature(TemperatureSensor::Gpu) {
                gpu("temperature_celsius", f64::from(degrees));
            }
        }
    }
}

fn put(metrics: &mut BTreeMap<String, Number>, name: &str, value: f64) {
    metrics.insert(format!("system/{name}"), Number(value));
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a sample of bytes is read to a few digits, and 2^53 bytes are 9 PB"
)]
fn float(bytes: u64) -> f64 {
    bytes as f64
}

/// The process and all its descendants.
fn tree(system: &System, program: i32) -> HashSet<Pid> {
    let mut found = HashSet::new();
    let Ok(root) = u32::try_from(program) else {
        return found;
    };
    let mut children: HashMap<Pid, Vec<Pid>> = HashMap::new();
    for (pid, process) in system.processes() {
        if let Some(parent) = process.parent() {
            children.entry(parent).or_default().push(*pid);
        }
    }
    let mut open = vec![Pid::from_u32(root)];
    while let Some(pid) = open.pop() {
        if system.process(pid).is_some() && found.insert(pid) {
            open.extend(children.get(&pid).into_iter().flatten());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_names_what_it_measures() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let mut sampler = Sampler::new(folder.path());
        let own = rustix::process::getpid().as_raw_nonzero().get();
        let first = sampler.sample(own, now_ms() - 5500);
        assert_eq!(first.step, Some(5));
        assert!(first.metrics["system/memory_bytes"].0 > 0.0);
        assert!(first.metrics["system/disk_free_bytes"].0 > 0.0);
        assert!(!first.metrics.contains_key("system/cpu_percent"));
        let second = sampler.sample(own, now_ms());
        assert!(second.metrics["system/cpu_percent"].0 >= 0.0);
        assert!(second.metrics["system/host_memory_bytes"].0 > 0.0);
    }
}
