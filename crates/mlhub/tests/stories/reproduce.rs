//! Running a run again from its record: the same numbers, the same numbers from restored code, and
//! every planted difference refused by name before anything runs.

use std::process::Command;

use crate::support::{World, wait};

const REFUSED: Option<i32> = Some(9);
const DIVERGED: Option<i32> = Some(1);
const TREES: &str = "project: flowers\nname: trees\nadapter: native\ndataset: {path: iris.csv, target: species, split: {seed: 3, fractions: {train: 0.7, test: 0.3}}}\nseeds: [1]\nparams: {rounds: 20}\nevaluation: {task: multiclass, bootstrap: {samples: 50}}\n";

#[track_caller]
fn git(world: &World, arguments: &[&str]) -> String {
    let done = world
        .clean(Command::new("git"))
        .args(["-c", "user.name=t", "-c", "user.email=t@example.org"])
        .args(arguments)
        .output()
        .expect("git runs");
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{said}");
    String::from_utf8_lossy(&done.stdout).into_owned()
}

/// Runs an experiment; returns its first run's id.
#[track_caller]
fn trained(world: &World, experiment: &str) -> String {
    let details = world.json(&["run", experiment]);
    assert_eq!(details[0]["state"], "finished", "{details}");
    details[0]["id"].as_str().expect("an id").to_owned()
}

fn tag<'a>(runs: &'a [serde_json::Value], id: &str, name: &str) -> Option<&'a str> {
    let run = runs.iter().find(|run| run["id"] == id)?;
    run["tags"][name].as_str()
}

#[test]
fn a_run_is_reproduced_bit_for_bit_and_linked() {
    let world = World::with_iris();
    world.write("trees.yaml", TREES);
    let id = trained(&world, "trees.yaml");
    let said = world.ok(&["reproduce", &id]);
    assert!(
        said.stdout
            .contains("REPRODUCED: every metric is identical, bit for bit"),
        "{}",
        said.stdout
    );
    assert!(said.stdout.contains("test/accuracy"), "{}", said.stdout);
    let other = world.mlhub(&["reproduce", &id, "--on", "lock:any.lock"]);
    assert_eq!(other.code, Some(5), "{}", other.stderr);
    assert!(
        other.stderr.contains("the hub's own binary"),
        "{}",
        other.stderr
    );
    assert!(
        said.stdout
            .contains("The predictions are the same, byte for byte."),
        "{}",
        said.stdout
    );
    let runs = world.runs();
    assert_eq!(runs.len(), 2);
    assert_eq!(tag(&runs, &id, "reproduced"), Some("identical"));
    let later = runs
        .iter()
        .find(|run| run["id"] != id.as_str())
        .expect("two");
    assert_eq!(later["tags"]["reproduces"], id.as_str());
    let hub = world.serve(&[]);
    let list = hub.client.reproductions(&id, None).expect("a list");
    assert_eq!(list.reproduces, None);
    assert_eq!(list.reproductions[0].verdict, "identical");
    let found = hub
        .client
        .reproductions(later["id"].as_str().expect("an id"), None)
        .expect("a list");
    assert_eq!(found.reproduces.expect("the link").original.id, id);
    // A tag alone makes no link.
    let faked = hub.client.run_patch(
        &id,
        &mlhub_protocol::rest::RunPatch {
            tags: [("reproduces".to_owned(), Some(id.clone()))].into(),
            ..Default::default()
        },
    );
    faked.expect("a tag");
    let list = hub.client.reproductions(&id, None).expect("a list");
    assert_eq!(list.reproductions.len(), 1);
    let odd = hub
        .client
        .reproductions(&id, Some(2.0))
        .expect_err("no tolerance");
    assert_eq!(odd.status, Some(400), "{odd}");
}

#[test]
fn code_is_restored_from_commit_patch_and_untracked_files() {
    let world = World::new();
    let program = |rate: &str| {
        format!(
            "import random\nfrom helper import scale\nrandom.seed(int(sys.argv[1]))\nfor step in range(30): log(step, loss=scale * {rate} * random.random())\n"
        )
    };
    world.script("walk", &program("1"), "seeds: [7]");
    git(&world, &["init", "-q"]);
    git(&world, &["add", "walk.py", "walk.yaml"]);
    git(&world, &["commit", "-q", "-m", "first"]);
    world.script("walk", &program("2"), "seeds: [7]");
    world.write("helper.py", "scale = 0.5\n");
    let id = trained(&world, "walk.yaml");
    let shown = world.json(&["show", &id]);
    let code = &shown["snapshot"]["code"];
    assert_eq!(code["sources"]["helper.py"], "scale = 0.5\n");
    // Everything is something else now.
    world.script("walk", &program("3"), "seeds: [8]");
    world.write("helper.py", "scale = 100\n");
    let before = git(&world, &["status", "--porcelain"]);
    let said = world.ok(&["reproduce", &id]);
    assert!(
        said.stdout.contains("every metric is identical"),
        "{}",
        said.stdout
    );
    assert!(
        said.stdout.contains("code         as it was"),
        "{}",
        said.stdout
    );
    assert_eq!(git(&world, &["status", "--porcelain"]), before, "only read");
    assert_eq!(git(&world, &["worktree", "list"]).lines().count(), 1);
    let left = std::fs::read_dir(world.data().join("reproductions")).map_or(0, Iterator::count);
    assert_eq!(left, 0, "the restored code is removed");
}

#[test]
fn an_unseeded_run_diverges_at_a_named_step_with_both_values() {
    let world = World::new();
    world.script(
        "dice",
        "import random\nfor step in range(10): log(step, steady=float(step), loss=0.0 if step < 4 else random.random())\n",
        "",
    );
    let id = trained(&world, "dice.yaml");
    let said = world.mlhub(&["reproduce", &id]);
    assert_eq!(said.code, DIVERGED, "{}", said.stdout);
    assert!(said.stdout.contains("NOT REPRODUCED"), "{}", said.stdout);
    let line = |name: &str| {
        let found = said.stdout.lines().find(|line| line.contains(name));
        found.unwrap_or_default().to_owned()
    };
    assert!(line("steady").contains("identical"), "{}", said.stdout);
    assert!(
        line("loss").contains("diverged") && line("loss").contains(" 4 "),
        "{}",
        said.stdout
    );
    assert_eq!(tag(&world.runs(), &id, "reproduced"), Some("diverged"));
}

#[test]
fn what_cannot_be_restored_is_refused_by_name_before_anything_runs() {
    let world = World::with_iris();
    world.write("trees.yaml", TREES);
    git(&world, &["init", "-q"]);
    git(&world, &["add", "trees.yaml"]);
    git(&world, &["commit", "-q", "-m", "first"]);
    let id = trained(&world, "trees.yaml");
    #[track_caller]
    fn refused(world: &World, id: &str, arguments: &[&str]) -> String {
        let runs = world.runs().len();
        let said = world.mlhub(&[&["reproduce", id], arguments].concat());
        assert_eq!(said.code, REFUSED, "{}{}", said.stdout, said.stderr);
        assert!(said.stderr.contains("Nothing was run"), "{}", said.stderr);
        assert_eq!(world.runs().len(), runs, "nothing was run");
        format!("{}{}", said.stdout, said.stderr)
    }

    // One flipped byte of the data.
    let path = world.project().join("iris.csv");
    let data = std::fs::read_to_string(&path).expect("iris");
    world.write("iris.csv", &data.replacen("5.1", "5.2", 1));
    let said = refused(&world, &id, &[]);
    assert!(
        said.contains("iris.csv") && said.contains("--accept dataset"),
        "{said}"
    );
    let run = world.mlhub(&["reproduce", &id, "--accept", "dataset"]);
    assert!(
        run.stdout.contains("test/accuracy"),
        "{}{}",
        run.stdout,
        run.stderr
    );
    world.write("iris.csv", &data);
    world.ok(&["reproduce", &id, "--dry-run"]);

    // The data are gone; they may be elsewhere.
    let elsewhere = world.path().join("moved.csv");
    std::fs::rename(&path, &elsewhere).expect("moved");
    let said = refused(&world, &id, &[]);
    assert!(said.contains("name its place with --dataset"), "{said}");
    let place = elsewhere.to_string_lossy().into_owned();
    world.ok(&["reproduce", &id, "--dataset", &place]);
    std::fs::rename(&elsewhere, &path).expect("moved back");

    // The commit is gone, with its history.
    std::fs::remove_dir_all(world.project().join(".git")).expect("removed");
    git(&world, &["init", "-q"]);
    git(&world, &["add", "trees.yaml"]);
    git(&world, &["commit", "-q", "-m", "another"]);
    let said = refused(&world, &id, &[]);
    let shown = world.json(&["show", &id]);
    let commit = shown["snapshot"]["code"]["commit"]
        .as_str()
        .expect("a commit");
    assert!(
        said.contains(commit) && said.contains("--repository"),
        "{said}"
    );
}

#[test]
fn a_changed_default_of_the_adapter_is_named() {
    let world = World::with_iris();
    world.own_adapter("1.0.0", 5);
    world.write(
        "mine.yaml",
        &TREES.replace("native", "mine").replace("rounds: 20", ""),
    );
    let id = trained(&world, "mine.yaml");
    world.own_adapter("1.0.0", 7);
    let said = world.mlhub(&["reproduce", &id]);
    assert_eq!(said.code, REFUSED, "{}{}", said.stdout, said.stderr);
    assert!(
        said.stdout.contains("rounds was 5, is 7"),
        "{}{}",
        said.stdout,
        said.stderr
    );
    // The config holds every value, so the changed default itself changes nothing.
    let said = world.ok(&["reproduce", &id, "--accept", "adapter"]);
    assert!(
        said.stdout.contains("every metric is identical"),
        "{}",
        said.stdout
    );
}

#[test]
fn code_outside_of_git_is_restored_from_the_record_and_time_is_not_compared() {
    let world = World::new();
    world.script(
        "walk",
        "import helper\nfor step in range(5): log(step, loss=helper.scale * step, **{'time/step': time.time()})\n",
        "",
    );
    world.write("helper.py", "scale = 2\n");
    let id = trained(&world, "walk.yaml");
    world.write("helper.py", "scale = 3\n");
    let said = world.ok(&["reproduce", &id]);
    assert!(
        said.stdout.contains("every metric is identical"),
        "{}",
        said.stdout
    );
    assert!(
        said.stdout.contains("in no git repository"),
        "{}",
        said.stdout
    );
    let left_out = said
        .stdout
        .lines()
        .find(|line| line.starts_with("Not compared"));
    assert!(
        left_out.is_some_and(|line| line.contains("time/step")),
        "{}",
        said.stdout
    );
    // What was not kept must still be as it was.
    world.write("notes.txt", "first\n");
    let id = trained(&world, "walk.yaml");
    world.write("notes.txt", "second\n");
    let said = world.mlhub(&["reproduce", &id]);
    assert_eq!(said.code, REFUSED, "{}{}", said.stdout, said.stderr);
    assert!(said.stderr.contains("`notes.txt`"), "{}", said.stderr);
}

#[test]
fn another_clone_and_a_secret_are_given_by_hand() {
    let world = World::new();
    world.script(
        "key",
        "log(0, length=float(len(os.environ['API_TOKEN'])))\n",
        "environment: {variables: {API_TOKEN: not-for-the-record}}",
    );
    git(&world, &["init", "-q"]);
    git(&world, &["add", "."]);
    git(&world, &["commit", "-q", "-m", "first"]);
    let id = trained(&world, "key.yaml");
    let clone = world.path().join("clone").to_string_lossy().into_owned();
    git(&world, &["clone", "-q", ".", &clone]);
    std::fs::remove_dir_all(world.project().join(".git")).expect("removed");
    let said = world.mlhub(&["reproduce", &id, "--repository", &clone]);
    assert_eq!(said.code, REFUSED, "{}{}", said.stdout, said.stderr);
    assert!(
        said.stderr
            .contains("--set environment.variables.API_TOKEN=VALUE"),
        "{}",
        said.stderr
    );
    let set = "environment.variables.API_TOKEN=not-for-the-record";
    let said = world.ok(&["reproduce", &id, "--repository", &clone, "--set", set]);
    assert!(
        said.stdout.contains("every metric is identical"),
        "{}",
        said.stdout
    );
    assert!(
        !said.stdout.contains("not-for-the-record"),
        "{}",
        said.stdout
    );
    let all = world.json(&["show", world.runs()[0]["id"].as_str().expect("an id")]);
    assert!(!all.to_string().contains("not-for-the-record"));
}

#[test]
fn restored_code_stays_while_a_run_works_in_it_and_is_removed_by_the_next_command() {
    let world = World::new();
    // It needs its code again after the gate.
    world.script(
        "late",
        "log(0, loss=1.0)\ngate('middle')\nfrom helper import scale\nlog(1, loss=scale)\n",
        "",
    );
    world.write("helper.py", "scale = 0.5\n");
    // Gates are no part of the record.
    world.write(".gitignore", "gates/\n");
    world.open("middle");
    git(&world, &["init", "-q"]);
    git(
        &world,
        &[
            "add",
            "late.py",
            "late.yaml",
            "helper.py",
            "gates.py",
            ".gitignore",
        ],
    );
    git(&world, &["commit", "-q", "-m", "first"]);
    let id = trained(&world, "late.yaml");
    std::fs::remove_dir_all(world.project().join("gates")).expect("closed");
    let hub = world.serve(&[]);
    let command = world.command(&["reproduce", &id]).spawn();
    let mut command = command.expect("it starts");
    let later = wait("the run of the reproduction", || {
        let list = hub.client.reproductions(&id, None).ok()?;
        Some(list.reproductions.first()?.run.id.clone())
    });
    // The restored code has gates of its own.
    let code = wait("the restored code at its gate", || {
        let places = std::fs::read_dir(world.data().join("reproductions")).ok()?;
        let mut folders = places.flatten().map(|place| place.path().join("code"));
        folders.find(|code| code.join("gates/at-middle").exists())
    });
    command.kill().expect("killed");
    command.wait().expect("ended");
    world.ok(&["reproduce", &id, "--dry-run"]);
    assert!(code.join("helper.py").exists(), "a run works in it");
    std::fs::write(code.join("gates/open-middle"), "").expect("opened");
    assert_eq!(hub.settled(&later).summary.state, "finished");
    assert!(code.exists(), "nobody has looked yet");
    world.ok(&["reproduce", &id, "--dry-run"]);
    let left = std::fs::read_dir(world.data().join("reproductions")).map_or(0, Iterator::count);
    assert_eq!(left, 0, "the next command removes it");
    let list = hub.client.reproductions(&id, None).expect("a list");
    assert_eq!(list.reproductions[0].verdict, "identical");
    // What is kept stays.
    world.ok(&["reproduce", &id, "--dry-run", "--keep"]);
    world.ok(&["reproduce", &id, "--dry-run"]);
    let left = std::fs::read_dir(world.data().join("reproductions")).map_or(0, Iterator::count);
    assert_eq!(left, 1, "what is kept");
}

#[test]
fn a_run_that_goes_on_is_not_reproduced() {
    let world = World::new();
    world.script("long", "gate('middle')\n", "");
    let _hub = world.serve(&[]);
    let id = world.detach("long.yaml").remove(0);
    world.reached("middle");
    let said = world.mlhub(&["reproduce", &id]);
    assert_eq!(said.code, REFUSED, "{}", said.stderr);
    assert!(said.stderr.contains("has not ended yet"), "{}", said.stderr);
    world.open("middle");
}

#[test]
fn a_run_without_a_config_says_why_it_cannot_be_reproduced() {
    let world = World::new();
    let hub = world.serve(&[]);
    let request = serde_json::json!({
        "project": "stories", "experiment": "by-hand", "runs": [{}], "snapshot": {},
    });
    let request = serde_json::from_value(request).expect("a request");
    let made = hub.client.runs_create(&request);
    let id = made.expect("a run").runs.remove(0).id;
    let said = world.mlhub(&["reproduce", &id]);
    assert_eq!(said.code, REFUSED, "{}", said.stderr);
    assert!(
        said.stderr.contains("no config is recorded"),
        "{}",
        said.stderr
    );
    let unknown = world.mlhub(&["reproduce", "nosuchrun"]);
    assert_eq!(unknown.code, Some(8), "{}", unknown.stderr);
    let odd = world.mlhub(&["reproduce", &id, "--tolerance=-1"]);
    assert_eq!(odd.code, Some(8), "{}", odd.stderr);
    assert!(
        odd.stderr.contains("`tolerance` is a relative difference"),
        "{}",
        odd.stderr
    );
}
