//! A full disk: the data directory lies on a small file system of its own,
//! mounted where only this story's processes see it.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::support::{Said, Served, World, wait};

/// Bytes of the file system.
const DISK_BYTES: &str = "24m";

/// A mount namespace that lives as long as its process.
struct Disk {
    keeper: Child,
}

impl Disk {
    fn mount(world: &World) -> Self {
        std::fs::create_dir_all(world.data()).expect("folder");
        let mut command = world.clean(Command::new("unshare"));
        if !rustix::process::geteuid().is_root() {
            command.arg("--map-root-user");
        }
        command.args(["--mount", "sh", "-c"]).arg(format!(
            "mount -t tmpfs -o size={DISK_BYTES},mode=700 story \"$MLHUB_DATA_DIR\" && echo > \"$MLHUB_DATA_DIR/mounted\" && exec cat"
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
    fn command(&self, world: &World, arguments: &[&str]) -> Command {
        let mut command = world.clean(Command::new("nsenter"));
        command.args(["--target", &self.keeper.id().to_string(), "--mount"]);
        if !rustix::process::geteuid().is_root() {
            command.args(["--user", "--preserve-credentials"]);
        }
        // Entering loses the current folder.
        command.arg(format!("--wdns={}", world.project().display()));
        command.arg(env!("CARGO_BIN_EXE_mlhub")).args(arguments);
        command
    }

    fn ok(&self, world: &World, arguments: &[&str]) -> Said {
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
fn inside(pid: u32, world: &World) -> PathBuf {
    let data = world.data();
    let relative = data.strip_prefix("/").expect("absolute");
    PathBuf::from(format!("/proc/{pid}/root")).join(relative)
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

    let mut filler = std::fs::File::create(data.join("filler")).expect("create");
    for piece in [65536, 512, 1] {
        while filler.write_all(&vec![0; piece]).is_ok() {}
    }
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
