//! A full disk: the data directory lies on a small file system of its own,
//! mounted where only this story's processes see it.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use mlhub_protocol::rest::{LaunchMode, LaunchRequest, LaunchSyntax};

use crate::launches::TREES;
use crate::support::{Said, Served, World, wait};

/// Bytes of the file system.
const DISK_BYTES: &str = "24m";

/// A mount namespace that lives as long as its process.
pub(crate) struct Disk {
    pub(crate) keeper: Child,
}

impl Disk {
    /// A small file system in memory at the data directory.
    fn mount(world: &World) -> Self {
        Self::mount_with(
            world,
            &format!("mount -t tmpfs -o size={DISK_BYTES},mode=700 story \"$MLHUB_DATA_DIR\""),
        )
    }

    /// What a shell command mounts at the data directory.
    pub(crate) fn mount_with(world: &World, mounting: &str) -> Self {
        std::fs::create_dir_all(world.data()).expect("folder");
        let mut command = world.clean(Command::new("unshare"));
        if !rustix::process::geteuid().is_root() {
            command.arg("--map-root-user");
        }
        command.args(["--mount", "sh", "-c"]).arg(format!(
            "{mounting} && echo > \"$MLHUB_DATA_DIR/mounted\" && exec cat"
        ));
        let mut keeper = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("unshare");
        let disk_seen = |pid: u32| inside(pid, world).join("mounted").exists();
        wait("the mounted disk", || {
            if let Some(status) = keeper.try_wait().expect("wait") {
                panic!("no file system can be mounted here: {status}");
            }
            disk_seen(keeper.id()).then_some(())
        });
        Self { keeper }
    }

    /// The command, where the disk is mounted.
    pub(crate) fn command(&self, world: &World, arguments: &[&str]) -> Command {
        let mut command = self.enter(world);
        command.arg(env!("CARGO_BIN_EXE_mlhub")).args(arguments);
        command
    }

    /// Runs a shell command where the disk is mounted.
    pub(crate) fn shell(&self, world: &World, text: &str) -> Said {
        let mut command = self.enter(world);
        command.args(["sh", "-c", text]);
        Said::of(command.output().expect("nsenter"))
    }

    fn enter(&self, world: &World) -> Command {
        let mut command = world.clean(Command::new("nsenter"));
        command.args(["--target", &self.keeper.id().to_string(), "--mount"]);
        if !rustix::process::geteuid().is_root() {
            command.args(["--user", "--preserve-credentials"]);
        }
        // Entering loses the current folder.
        command.arg(format!("--wdns={}", world.project().display()));
        command
    }

    /// Runs the command, which must succeed.
    pub(crate) fn ok(&self, world: &World, arguments: &[&str]) -> Said {
        let said = Said::of(self.command(world, arguments).output().expect("starts"));
        assert_eq!(said.code, Some(0), "{arguments:?}: {}", said.stderr);
        said
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(self.keeper.kill());
        drop(self.keeper.wait());
    }
}

/// The data directory as the namespace of a process sees it.
pub(crate) fn inside(pid: u32, world: &World) -> PathBuf {
    let data = world.data();
    let relative = data.strip_prefix("/").expect("absolute");
    PathBuf::from(format!("/proc/{pid}/root")).join(relative)
}

/// Writes a file until not one byte more fits.
fn fill(data: &std::path::Path) -> std::fs::File {
    let mut filler = std::fs::File::create(data.join("filler")).expect("create");
    for piece in [65536, 512, 1] {
        while filler.write_all(&vec![0; piece]).is_ok() {}
    }
    filler
}

#[test]
fn a_full_disk_harms_no_program_and_is_caught_up_with() {
    let world = World::new();
    world.script(
        "long",
        "
for step in range(50): log(step, loss=1.0)
gate('middle')
end = time.monotonic() + 0.5
while time.monotonic() < end: sum(range(1000))
gate('freed')
for step in range(50, 100): log(step, loss=0.5)
",
        "",
    );
    let disk = Disk::mount(&world);
    let data = inside(disk.keeper.id(), &world);
    let hub = Served::start(disk.command(&world, &["serve", "--port", "0"]), &data, None);
    let made = disk.ok(&world, &["run", "long.yaml", "--detach"]);
    let id = made.stdout.trim().to_owned();
    world.reached("middle");
    wait("half of the points", || {
        (hub.client.metric_list(&id).ok()?.metrics.first()?.count == 50).then_some(())
    });

    let filler = fill(&data);
    // Full: programs run, the hub answers, and what it cannot store it says.
    world.open("middle");
    world.reached("freed");
    let run = hub.run(&id);
    assert_eq!(run.summary.state, "running");
    assert_eq!(hub.series(&id, "loss").total, 50);
    hub.client.health().expect("healthy enough to answer");
    let said = disk
        .command(&world, &["run", "long.yaml", "--detach"])
        .output();
    let said = Said::of(said.expect("starts"));
    assert_ne!(said.code, Some(0));
    assert!(
        said.stderr.contains("full") || said.stderr.contains("No space"),
        "{}",
        said.stderr
    );

    // Space is free only when nobody holds the file any more.
    drop(filler);
    std::fs::remove_file(data.join("filler")).expect("free");
    world.open("freed");
    let run = hub.settled(&id);
    assert_eq!(run.summary.state, "finished", "{:?}", run.summary.failure);
    assert_eq!(
        hub.series(&id, "loss").steps,
        (0..100).collect::<Vec<i64>>()
    );
    // A run that was made while nothing could be written has the true state.
    let list = disk.ok(&world, &["runs", "--json"]).stdout;
    let list: serde_json::Value = serde_json::from_str(&list).expect("JSON");
    for run in list.as_array().expect("an array") {
        assert_ne!(run["state"], "running", "{run}");
    }
}

#[test]
fn a_purge_frees_a_full_disk() {
    let world = World::new();
    world.script(
        "large",
        "
log(0, loss=1.0)
folder = os.path.join(os.environ['MLHUB_RUN_DIR'], 'artifacts')
os.makedirs(folder, exist_ok=True)
open(os.path.join(folder, 'model.bin'), 'wb').write(os.urandom(3_000_000))
",
        "",
    );
    let disk = Disk::mount(&world);
    let data = inside(disk.keeper.id(), &world);
    let hub = Served::start(disk.command(&world, &["serve", "--port", "0"]), &data, None);
    let run = |experiment: &str| {
        let made = disk.ok(&world, &["run", experiment, "--detach"]);
        let id = made.stdout.trim().to_owned();
        let settled = hub.settled(&id);
        assert_eq!(
            settled.summary.state, "finished",
            "{:?}",
            settled.summary.failure
        );
        id
    };
    let (large, kept) = (run("large.yaml"), run("large.yaml"));
    let filler = fill(&data);
    let full = std::fs::write(data.join("probe"), [0; 4096]);
    assert!(full.is_err(), "not one page is free");
    // More than the database's log may still have room for.
    let output = vec![b'x'; 3 << 20];
    let send = || hub.client.attempt_log(&kept, 1, "stderr", 0, &output);
    let refused = send().expect_err("no room");
    assert_eq!(refused.status, Some(507), "{refused}");

    disk.ok(&world, &["runs", "purge", &large, "--yes"]);
    let gone = disk.command(&world, &["show", &large]).output();
    assert_eq!(Said::of(gone.expect("starts")).code, Some(8));
    assert!(!data.join("runs").join(&large).exists());
    let ledger = disk.ok(&world, &["runs", "ledger", "--json"]).stdout;
    let ledger: serde_json::Value = serde_json::from_str(&ledger).expect("JSON");
    assert_eq!(ledger[0]["action"], "purge");
    assert_eq!(ledger[0]["run"], large.as_str());
    assert!(!ledger[0]["ended_at"].is_null(), "{ledger}");
    // What it freed is there for others, also while the filler stays.
    let stored = send().expect("room again");
    assert_eq!(stored.size, output.len() as u64);
    drop(filler);
    let doctor = disk.ok(&world, &["doctor", "--deep"]);
    assert!(doctor.stdout.contains("all is well"), "{}", doctor.stdout);
}

#[test]
fn nothing_is_launched_on_a_full_disk() {
    let world = World::new();
    let disk = Disk::mount(&world);
    let data = inside(disk.keeper.id(), &world);
    let serve = ["serve", "--port", "0", "--launches"];
    let hub = Served::start(disk.command(&world, &serve), &data, None);
    let request = LaunchRequest {
        text: TREES.to_owned(),
        syntax: LaunchSyntax::Yaml,
        mode: LaunchMode::Full,
        folder: None,
        set: Vec::new(),
        accept_defaults: false,
    };
    let dry = LaunchRequest {
        mode: LaunchMode::DryRun,
        ..request.clone()
    };
    // The first one unpacks the bundled adapters.
    let filler = fill(&data);
    let refused = hub.client.launch(&dry).expect_err("no room for them");
    assert_eq!(refused.status, Some(507), "{refused}");
    filler.set_len(0).expect("room");
    hub.client.launch(&dry).expect("there is room again");
    let _filler = fill(&data);
    let reply = hub.client.launch(&dry);
    assert_eq!(reply.expect("a dry run needs no room").mistakes, []);
    let refused = hub.client.launch(&request).expect_err("no room");
    assert_eq!(refused.status, Some(507), "{refused}");
    assert!(refused.to_string().contains("not started"), "{refused}");
    let list = hub.client.launch_list().expect("a list");
    assert_eq!(list.launches, []);
    let left = std::fs::read_dir(data.join("launches")).expect("a folder");
    assert_eq!(left.count(), 0, "nothing half made");
}
