//! Data directories and ports that cannot be used. What is there stays as it is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::support::{Said, World};

/// Content of every file of a folder, to see that nothing was touched.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            found.extend(contents(&entry.path()));
        } else {
            found.insert(entry.path(), std::fs::read(entry.path()).expect("read"));
        }
    }
    found
}

fn text(world: &World, said: &Said) -> String {
    assert_eq!(said.stdout, "");
    world.plain(&format!(
        "exit code: {}\n{}",
        said.code.expect("a code"),
        said.stderr
    ))
}

/// A world whose data directory holds one finished run.
fn lived_in() -> World {
    let world = World::new();
    world.script("one", "log(0, loss=0.5)\n", "");
    world.ok(&["run", "one.yaml"]);
    world
}

#[test]
fn a_newer_format_is_refused_and_untouched() {
    let world = lived_in();
    let file = world.data().join("format.json");
    let before = std::fs::read(&file).expect("read");
    std::fs::write(&file, "{\"format\": 99}\n").expect("write");
    let all = contents(&world.data());
    let said = world.mlhub(&["runs"]);
    insta::assert_snapshot!(text(&world, &said));
    assert!(contents(&world.data()) == all, "something was touched");
    let said = world.mlhub(&["serve", "--port", "0"]);
    assert_eq!(said.code, Some(7));
    std::fs::write(&file, before).expect("write");
    assert_eq!(world.runs().len(), 1);
}

#[test]
fn a_newer_schema_is_refused() {
    let world = lived_in();
    let database = world.data().join("hub.sqlite");
    let database = if database.exists() {
        database
    } else {
        std::fs::read_dir(world.data())
            .expect("list")
            .flatten()
            .map(|entry| entry.path())
            .find(|path| {
                std::fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"SQLite format 3"))
            })
            .expect("the database")
    };
    let sql =
        "import sqlite3,sys\nc=sqlite3.connect(sys.argv[1])\nc.execute(sys.argv[2])\nc.commit()\n";
    let execute = |statement: &str| {
        let status = std::process::Command::new("python3")
            .args(["-c", sql])
            .arg(&database)
            .arg(statement)
            .status()
            .expect("python3");
        assert!(status.success());
    };
    execute(
        "INSERT INTO refinery_schema_history (version, name, applied_on, checksum) VALUES (9999, 'of_the_future', '2099-01-01T00:00:00Z', '1')",
    );
    let said = world.mlhub(&["runs"]);
    insta::assert_snapshot!(text(&world, &said));
    execute("DELETE FROM refinery_schema_history WHERE version = 9999");
    assert_eq!(world.runs().len(), 1);
}

#[test]
fn a_file_in_place_of_the_data_directory() {
    let world = World::new();
    std::fs::write(world.data(), "x").expect("write");
    let said = world.mlhub(&["runs"]);
    insta::assert_snapshot!(text(&world, &said));
}

/// Root may write anywhere, so the folder is mounted read-only for it.
#[test]
fn a_read_only_data_directory() {
    let world = lived_in();
    let all = contents(&world.data());
    let is_root = rustix::process::geteuid().is_root();
    let binary = env!("CARGO_BIN_EXE_mlhub");
    let said = if is_root {
        let mut command = world.clean(std::process::Command::new("unshare"));
        command.args(["--mount", "sh", "-c"]).arg(
            "mount --bind \"$MLHUB_DATA_DIR\" \"$MLHUB_DATA_DIR\" && mount -o remount,bind,ro \"$MLHUB_DATA_DIR\" && exec \"$0\" runs",
        );
        Said::of(command.arg(binary).output().expect("unshare"))
    } else {
        let status = |mode: &str| {
            let status = std::process::Command::new("chmod")
                .args(["-R", mode])
                .arg(world.data())
                .status();
            assert!(status.expect("chmod").success());
        };
        status("a-w");
        let said = world.mlhub(&["runs"]);
        status("u+w");
        said
    };
    insta::assert_snapshot!(text(&world, &said));
    assert!(contents(&world.data()) == all, "something was touched");
    assert_eq!(world.runs().len(), 1);
}

#[test]
fn a_data_directory_of_another_hub() {
    let world = World::new();
    let hub = world.serve(&[]);
    let said = world.mlhub(&["serve", "--port", "0"]);
    insta::assert_snapshot!(text(&world, &said));
    hub.client.health().expect("the first hub lives on");
}

#[test]
fn a_port_in_use() {
    let world = World::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("bound").port().to_string();
    let said = world.mlhub(&["serve", "--port", &port]);
    insta::assert_snapshot!(text(&world, &said));
    assert!(!world.data().join("hub.json").exists());
    assert_eq!(world.runs().len(), 0);
}
