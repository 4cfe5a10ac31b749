//! A disk that takes no more writes: the kernel makes a file system read-only under
//! a running hub, as it does after an error of the disk.
//!
//! The data directory lies in an ext4 image of its own, mounted where only this
//! story's processes see it. That takes root; elsewhere the story says that it was
//! left out, and where nothing may be left out it fails.

use mlhub_protocol::rest::RunPatch;

use crate::faults_disk::{Disk, inside};
use crate::faults_ingest::{assert_once, batch, new_run};
use crate::support::{Served, World, wait};

/// Makes the image at the first time, and mounts it.
const MOUNT: &str = "test -e \"$HOME/image\" || { truncate -s 64M \"$HOME/image\" && \
    PATH=\"$PATH:/usr/sbin:/sbin\" mkfs.ext4 -q -F \"$HOME/image\"; } && \
    mount -o loop,errors=remount-ro \"$HOME/image\" \"$MLHUB_DATA_DIR\"";
/// Batches before the disk gives up.
const BATCHES: u64 = 20;

/// Whether this process may mount images.
fn is_permitted() -> bool {
    let permitted = rustix::process::geteuid().is_root();
    let everything = std::env::var_os("CI").is_some_and(|ci| ci == "true");
    assert!(
        permitted || !everything,
        "mounting an image takes root, and with CI=true nothing is left out"
    );
    if !permitted {
        eprintln!("left out: mounting an image takes root");
    }
    permitted
}

#[test]
fn a_disk_remounted_read_only_refuses_writes_and_keeps_what_was_stored() {
    if !is_permitted() {
        return;
    }
    let world = World::new();
    let disk = Disk::mount_with(&world, MOUNT);
    let data = inside(disk.keeper.id(), &world);
    let serve = || Served::start(disk.command(&world, &["serve", "--port", "0"]), &data, None);
    let hub = serve();
    let run = new_run(&hub.client);
    let send = |hub: &Served, number: u64| hub.client.attempt_events(&run, 1, &batch(0, number));
    for number in 0..BATCHES {
        send(&hub, number).expect("stored");
    }
    let abort = disk.shell(&world, "mount -o remount,abort \"$MLHUB_DATA_DIR\"");
    assert_eq!(abort.code, Some(0), "{}", abort.stderr);
    // Reads go on, writes are refused each time, by a status that says so.
    for _ in 0..3 {
        let refused = send(&hub, BATCHES).expect_err("nothing can be stored");
        assert_eq!(refused.status, Some(503), "{refused}");
        assert_once(&hub, &run, 0, BATCHES);
        hub.client.health().expect("it answers");
    }
    let patch = RunPatch {
        notes: Some("a note".to_owned()),
        ..RunPatch::default()
    };
    let refused = hub.client.run_patch(&run, &patch);
    let refused = refused.expect_err("nothing can be stored");
    assert_eq!(refused.status, Some(503), "{refused}");
    assert!(refused.detail.contains("no writes any more"), "{refused}");

    // Such a file system becomes writable by being mounted anew.
    hub.kill();
    wait("the end of all that uses the disk", || {
        let unmounted = disk.shell(&world, "umount \"$MLHUB_DATA_DIR\"");
        (unmounted.code == Some(0)).then_some(())
    });
    let mounted = disk.shell(&world, MOUNT);
    assert_eq!(mounted.code, Some(0), "{}", mounted.stderr);
    let hub = serve();
    assert_once(&hub, &run, 0, BATCHES);
    for number in BATCHES..BATCHES + 5 {
        send(&hub, number).expect("stored again");
    }
    assert_once(&hub, &run, 0, BATCHES + 5);
    let doctor = disk.ok(&world, &["doctor", "--deep"]);
    assert!(doctor.stdout.contains("all is well"), "{}", doctor.stdout);
}
