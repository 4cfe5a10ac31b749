//! Files of runs: stored, fetched, resumed, kept in a bucket.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Stdio};

use serde_json::{Value, json};

use crate::s3_server;
use crate::support::{Said, Served, World, wait};

/// Memory a transfer may add, however large the file is: a few parts.
const MEMORY_MAX_BYTES: u64 = 96 * 1024 * 1024;

fn make_run(hub: &Served, id: &str) {
    let request = json!({
        "project": "p", "experiment": "e", "snapshot": {"version": 1}, "runs": [{"id": id}],
    });
    let request = serde_json::from_value(request).expect("a request");
    hub.client.runs_create(&request).expect("made");
}

/// A file of `size` bytes without blocks on the disk but for its ends.
fn sparse(path: &Path, size: u64) {
    use std::os::unix::fs::FileExt;
    let file = File::create(path).expect("a file");
    file.set_len(size).expect("a size");
    file.write_all_at(b"first", 0).expect("written");
    file.write_all_at(b"last", size - 4).expect("written");
}

/// The most memory a process ever had, while it can still be asked.
fn peak_bytes(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}

fn start(world: &World, arguments: &[&str]) -> Child {
    let mut command = world.command(arguments);
    command
        .arg("--json")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.spawn().expect("mlhub starts")
}

/// Runs a transfer to its end; the most memory it was seen to have.
fn watched(world: &World, arguments: &[&str]) -> (Value, u64) {
    let mut child = start(world, arguments);
    let mut peak = 0;
    while child.try_wait().expect("wait").is_none() {
        peak = peak_bytes(child.id()).unwrap_or(0).max(peak);
        std::thread::yield_now();
    }
    let said = Said::of(child.wait_with_output().expect("its output"));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    (serde_json::from_str(&said.stdout).expect("JSON"), peak)
}

fn there_and_back(size: u64) {
    let world = World::new();
    let hub = world.serve(&[]);
    make_run(&hub, "run-large");
    sparse(&world.project().join("large.bin"), size);
    let before = peak_bytes(hub.child.id()).expect("alive");
    let (sent, put_peak) = watched(&world, &["artifacts", "put", "run-large", "large.bin"]);
    assert_eq!(sent[0]["sent_bytes"], size);
    let again = world.json(&["artifacts", "put", "run-large", "large.bin", "--path", "b"]);
    assert_eq!(again[0]["sent_bytes"], 0, "the hub has it");
    let get = [
        "artifacts",
        "get",
        "run-large",
        "large.bin",
        "--out",
        "back",
    ];
    let (received, get_peak) = watched(&world, &get);
    assert_eq!(received[0]["hash"], sent[0]["hash"]);
    let back = world.project().join("back/large.bin");
    assert_eq!(std::fs::metadata(back).expect("there").len(), size);
    let after = peak_bytes(hub.child.id()).expect("alive");
    let grown = after - before;
    assert!(grown < MEMORY_MAX_BYTES, "the hub took {grown} bytes more");
    assert!(put_peak < MEMORY_MAX_BYTES, "put took {put_peak} bytes");
    assert!(get_peak < MEMORY_MAX_BYTES, "get took {get_peak} bytes");
}

#[test]
fn a_large_file_goes_there_and_back_in_flat_memory() {
    there_and_back(200 * 1024 * 1024);
}

#[test]
#[ignore = "a soak test: 3 GB on the disk and a minute or more"]
fn three_gigabytes_go_there_and_back_in_flat_memory() {
    there_and_back(3 * 1024 * 1024 * 1024);
}

#[test]
fn an_upload_goes_on_when_the_hub_was_killed_under_it() {
    let world = World::new();
    let hub = world.serve(&[]);
    make_run(&hub, "run-killed");
    let port = hub.url.rsplit(':').next().expect("a port").to_owned();
    let size = 200 * 1024 * 1024;
    sparse(&world.project().join("large.bin"), size);
    let url = hub.url.clone();
    let put = start(
        &world,
        &[
            "--server",
            &url,
            "artifacts",
            "put",
            "run-killed",
            "large.bin",
        ],
    );
    let uploads = world.data().join("blobs/uploads");
    wait("the first part", || {
        let mut entries = std::fs::read_dir(&uploads).ok()?.flatten();
        entries
            .any(|entry| entry.metadata().is_ok_and(|data| data.len() > 1 << 20))
            .then_some(())
    });
    hub.kill();
    let listed = world.data().join("blobs");
    let visible = std::fs::read_dir(&listed).expect("listed").flatten();
    assert!(
        visible.into_iter().all(|entry| entry.file_name().len() > 2),
        "nothing in part"
    );
    let mut again = world.command(&["serve", "--port", &port]);
    let hub = Served::start(
        {
            again.arg("--slots=1");
            again
        },
        &world.data(),
        None,
    );
    let said = Said::of(put.wait_with_output().expect("its output"));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let sent: Value = serde_json::from_str(&said.stdout).expect("JSON");
    assert!(
        sent[0]["sent_bytes"].as_u64().expect("a number") <= size,
        "no part twice"
    );
    let kept = hub
        .client
        .artifact_list("run-killed")
        .expect("listed")
        .artifacts;
    assert_eq!((kept.len(), kept[0].size_bytes), (1, size));
    assert_eq!(std::fs::read_dir(uploads).expect("listed").count(), 0);
}

#[test]
fn a_folder_goes_there_and_back_and_a_half_received_file_is_continued() {
    let world = World::new();
    let hub = world.serve(&[]);
    make_run(&hub, "run-folder");
    for index in 0..12 {
        world.write(
            &format!("model/part{}/{index}.bin", index % 3),
            &"x".repeat(index * 50_000),
        );
    }
    std::os::unix::fs::symlink("/etc/passwd", world.project().join("model/link")).expect("linked");
    let said = world.ok(&["artifacts", "put", "run-folder", "model", "--kind", "model"]);
    assert!(said.stderr.contains("model/link"), "{}", said.stderr);
    assert!(said.stdout.contains("12 files"), "{}", said.stdout);
    let listed = world.json(&["artifacts", "list", "run-folder"]);
    assert_eq!(listed["artifacts"].as_array().expect("a list").len(), 12);

    // What an earlier, cut try left is completed, not begun again.
    let one = &hub
        .client
        .artifact_list("run-folder")
        .expect("listed")
        .artifacts;
    let one = one
        .iter()
        .find(|one| one.path.ends_with("/11.bin"))
        .expect("there");
    let name = blake3::hash(one.path.as_bytes()).to_hex();
    let left = world.project().join("out/model/part2");
    std::fs::create_dir_all(&left).expect("a folder");
    let left = left.join(format!(".mlhub-{}-{}", &one.hash[..32], &name[..16]));
    std::fs::write(&left, "x".repeat(300_000)).expect("written");
    let got = world.json(&["artifacts", "get", "run-folder", "--out", "out"]);
    let got = got.as_array().expect("a list");
    assert_eq!(got.len(), 12);
    let continued = got
        .iter()
        .find(|file| file["path"] == one.path.as_str())
        .expect("there");
    assert_eq!(continued["received_bytes"], 250_000);
    assert!(!left.exists());
    for index in 0..12 {
        let path = format!("model/part{}/{index}.bin", index % 3);
        let read =
            |folder: &str| std::fs::read(world.project().join(folder).join(&path)).expect("read");
        assert_eq!(read("out"), read(""), "{path}");
    }
    let part = world.json(&[
        "artifacts",
        "get",
        "run-folder",
        "model/part1",
        "--out",
        "part",
    ]);
    assert_eq!(part.as_array().expect("a list").len(), 4);
    let none = world.mlhub(&["artifacts", "get", "run-folder", "mode", "--out", "none"]);
    assert_eq!(none.code, Some(8));
}

#[test]
fn versions_are_named_fetched_and_outlive_their_run() {
    let world = World::new();
    let hub = world.serve(&[]);
    for (run, content) in [("run-one", "first"), ("run-two", "second")] {
        make_run(&hub, run);
        world.write("model/w.bin", content);
        let put = [
            "artifacts",
            "put",
            run,
            "model/w.bin",
            "--path",
            "model/w.bin",
        ];
        world.ok(&put);
    }
    let listed = world.json(&["artifacts", "versions", "p", "model/w.bin"]);
    let told = |version: &Value| (version["version"].clone(), version["run"].clone());
    let listed: Vec<_> = listed
        .as_array()
        .expect("a list")
        .iter()
        .map(told)
        .collect();
    assert_eq!(
        listed,
        [(json!(1), json!("run-two")), (json!(0), json!("run-one"))]
    );
    let named = world.ok(&["artifacts", "alias", "p", "model/w.bin", "v0", "prod"]);
    assert!(named.stdout.contains("prod"), "{}", named.stdout);
    let table = world.ok(&["artifacts", "versions", "p", "model/w.bin"]);
    assert!(table.stdout.contains("latest"), "{}", table.stdout);
    // What has an alias outlives its run.
    hub.client.run_stop("run-one").expect("stopped");
    world.ok(&["runs", "purge", "run-one", "--yes"]);
    for (version, out, content) in [
        ("p/model/w.bin:prod", "a", "first"),
        ("p/model/w.bin:v1", "b", "second"),
        ("p/model/w.bin", "c", "second"),
    ] {
        let got = world.json(&["artifacts", "get", version, "--out", out]);
        assert_eq!(got[0]["path"], "model/w.bin");
        let place = world.project().join(out).join("model/w.bin");
        assert_eq!(std::fs::read_to_string(place).expect("read"), content);
    }
    world.ok(&["artifacts", "unalias", "p", "model/w.bin", "prod"]);
    let gone = world.mlhub(&["artifacts", "get", "p/model/w.bin:v0", "--out", "d"]);
    assert_eq!(gone.code, Some(8));
    assert!(gone.stderr.contains("run-one"), "{}", gone.stderr);
    let none = world.mlhub(&["artifacts", "get", "p/model/w.bin:staging"]);
    assert_eq!(none.code, Some(8));
    assert!(
        none.stderr.contains("p/model/w.bin:staging"),
        "{}",
        none.stderr
    );
}

#[test]
fn contents_are_kept_in_a_bucket() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let server = runtime.block_on(s3_server::Server::start());
    let world = World::new();
    let url = format!("s3://{}/hub", s3_server::BUCKET);
    let without_keys = world.mlhub(&["serve", "--port", "0", "--blobs", &url]);
    assert_eq!(without_keys.code, Some(2));
    assert!(
        without_keys.stderr.contains("AWS_ACCESS_KEY_ID"),
        "{}",
        without_keys.stderr
    );
    let config = format!(
        "endpoint = '{}'\naccess_key_id = '{}'\nsecret_access_key = '{}'\n",
        server.url,
        s3_server::KEY,
        s3_server::SECRET
    );
    world.write("s3.toml", &config);
    let file = world.project().join("s3.toml");
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&file, private).expect("private");
    let hub = world.serve(&["--blobs", &url, "--blobs-config", "s3.toml"]);
    make_run(&hub, "run-bucket");
    sparse(&world.project().join("model.bin"), 20 * 1024 * 1024);
    world.write("small.txt", "small");
    for file in ["model.bin", "small.txt"] {
        world.ok(&["artifacts", "put", "run-bucket", file]);
    }
    let objects = std::fs::read_dir(server.bucket().join("hub/blobs")).expect("listed");
    assert_eq!(objects.count(), 2);
    world.ok(&["artifacts", "get", "run-bucket", "--out", "back"]);
    let read = |path: &str| std::fs::read(world.project().join(path)).expect("read");
    assert!(read("back/model.bin") == read("model.bin"));
    assert_eq!(read("back/small.txt"), b"small");
    hub.kill();
    // The data directory knows where its contents are.
    let forgotten = world.mlhub(&["runs"]);
    assert_eq!(forgotten.code, Some(7));
    assert!(
        forgotten.stderr.contains(&format!("--blobs {url}")),
        "{}",
        forgotten.stderr
    );
    assert!(!forgotten.stderr.contains(s3_server::SECRET));
}
