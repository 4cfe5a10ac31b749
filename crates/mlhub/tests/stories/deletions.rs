//! Deleting, restoring and purging from the command line; retention; doctor.

use serde_json::json;

use crate::support::World;

const SCRIPT: &str = "
log(0, loss=1.0)
print('hello')
folder = os.path.join(os.environ['MLHUB_RUN_DIR'], 'artifacts')
os.makedirs(folder, exist_ok=True)
open(os.path.join(folder, 'model.bin'), 'wb').write(b'x' * 100000)
";

#[test]
fn a_run_is_hidden_restored_and_removed_for_good() {
    let world = World::new();
    world.script("short", SCRIPT, "");
    let hub = world.serve(&[]);
    let id = world.detach("short.yaml").remove(0);
    assert_eq!(hub.settled(&id).summary.state, "finished");

    let said = world.ok(&["runs", "delete", &id]);
    assert!(said.stdout.contains("deleted 1 run"), "{}", said.stdout);
    assert_eq!(world.runs().len(), 0);
    assert!(world.ok(&["show", &id]).stdout.contains(&id));
    world.ok(&["runs", "restore", "--all-deleted"]);
    assert_eq!(world.runs().len(), 1);

    // Nobody can be asked here.
    let said = world.mlhub(&["runs", "purge", &id]);
    assert_eq!(said.code, Some(2));
    assert!(said.stderr.contains("--yes"), "{}", said.stderr);
    let plan = world.json(&["runs", "purge", &id, "--dry-run"]);
    assert_eq!((&plan["done"], &plan["dry_run"]), (&json!(1), &json!(true)));
    assert!(
        plan["total"]["file_bytes"].as_u64() > Some(100_000),
        "{plan}"
    );
    assert!(world.run_dir(&id, 1).exists());
    world.ok(&["runs", "purge", &id, "--yes"]);
    assert!(!world.data().join("runs").join(&id).exists());
    let blobs = walk(&world.data().join("blobs"));
    assert_eq!(
        blobs.iter().filter(|name| name.len() == 64).count(),
        0,
        "{blobs:?}"
    );
    assert_eq!(world.mlhub(&["show", &id]).code, Some(8));
    let ledger = world.json(&["runs", "ledger"]);
    let actions: Vec<_> = ledger.as_array().expect("lines").iter().collect();
    let actions: Vec<_> = actions.iter().map(|line| line["action"].clone()).collect();
    assert_eq!(actions, ["purge", "restore", "delete"]);
    // Points that were in the ingest log when it was planned may be in chunks of
    // their own by now, which are more rows.
    let (freed, planned) = (&ledger[0]["size"], &plan["total"]);
    for exact in ["blob_bytes", "blob_count", "file_bytes", "file_count"] {
        assert_eq!(freed[exact], planned[exact], "{exact}: {freed} {planned}");
    }
    for least in ["row_bytes", "row_count"] {
        assert!(
            freed[least].as_u64() >= planned[least].as_u64(),
            "{least}: {freed} {planned}"
        );
    }
    assert!(world.ok(&["runs", "ledger"]).stdout.contains("purge"));
    assert!(
        world
            .ok(&["doctor", "--deep"])
            .stdout
            .contains("all is well")
    );
}

#[test]
fn the_doctor_works_on_a_data_directory_without_a_hub() {
    let world = World::new();
    assert!(world.ok(&["doctor"]).stdout.contains("all is well"));
    std::fs::create_dir_all(world.data().join("runs/stray/1")).expect("folder");
    let said = world.mlhub(&["doctor"]);
    assert_eq!(said.code, Some(1));
    assert!(said.stdout.contains("runs/stray"), "{}", said.stdout);
    let report = world.json(&["doctor", "--repair"]);
    assert_eq!(report["findings"][0]["kind"], "unknown_directory");
    assert!(world.data().join("lost+found/stray/1").is_dir());
    world.ok(&["doctor", "--deep"]);
}

#[test]
fn retention_rules_are_set_listed_and_removed() {
    let world = World::new();
    let said = world.ok(&["retention", "list"]);
    assert!(said.stdout.contains("no retention rules"));
    let set = [
        "retention",
        "set",
        "logs",
        "--action",
        "drop-logs",
        "--after",
        "90d",
    ];
    assert!(world.ok(&set).stdout.contains("drop_logs"));
    let rules = world.json(&["retention", "list"]);
    assert_eq!(rules[0]["after_ms"], 90 * 24 * 60 * 60 * 1000_i64);
    assert!(
        world
            .ok(&["retention", "apply", "--dry-run"])
            .stdout
            .contains("would empty 0 runs")
    );
    let wrong = ["retention", "set", "all", "--action", "purge"];
    assert_eq!(world.mlhub(&wrong).code, Some(8));
    let wrong = [
        "retention",
        "set",
        "x",
        "--action",
        "purge",
        "--after",
        "soon",
    ];
    assert_eq!(world.mlhub(&wrong).code, Some(2));
    let best = [
        "retention",
        "set",
        "best",
        "--action",
        "delete",
        "--keep-best",
        "3",
        "--by",
        "eval.test.accuracy",
        "--minimize",
    ];
    let said = world.ok(&best);
    assert!(
        said.stdout.contains("3 smallest eval.test.accuracy"),
        "{}",
        said.stdout
    );
    assert_eq!(
        world.mlhub(&best[..7]).code,
        Some(2),
        "by what is best is not said"
    );
    world.ok(&["retention", "remove", "best"]);
    world.ok(&["retention", "remove", "logs"]);
    assert_eq!(world.mlhub(&["retention", "remove", "logs"]).code, Some(8));
}

fn walk(folder: &std::path::Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("list").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        match entry.path().is_dir() {
            true => found.extend(walk(&entry.path())),
            false => found.push(name),
        }
    }
    found
}
