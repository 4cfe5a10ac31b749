//! Experiments that are sent to the hub: started as `mlhub run` starts them, kept to what
//! the operator allowed, and ended with the hub that prepares them.

use std::net::TcpListener;

use mlhub_client::{Client, ClientError};
use mlhub_protocol::rest::{
    LaunchMode, LaunchReply, LaunchRequest, LaunchState, LaunchSyntax, LaunchView,
};
use serde_json::json;

use crate::support::{Served, World, wait};

pub(crate) const TREES: &str = "# three species\nproject: flowers\nname: trees\nadapter: native\ndataset: {name: iris, target: species, split: {seed: 3, fractions: {train: 0.7, test: 0.3}}}\nseeds: [1, 2]\nparams: {rounds: 40}\nevaluation: {task: multiclass, bootstrap: {samples: 100}}\n";

fn request(text: &str, mode: LaunchMode) -> LaunchRequest {
    LaunchRequest {
        text: text.to_owned(),
        syntax: LaunchSyntax::Yaml,
        mode,
        folder: None,
        set: Vec::new(),
        accept_defaults: false,
    }
}

fn dry(hub: &Served, text: &str) -> LaunchReply {
    let asked = hub.client.launch(&request(text, LaunchMode::DryRun));
    asked.expect("an answer")
}

#[track_caller]
fn launched(hub: &Served, request: &LaunchRequest) -> LaunchView {
    let reply = hub.client.launch(request).expect("an answer");
    assert_eq!(reply.mistakes, []);
    reply.launch.expect("something starts")
}

#[track_caller]
fn ended(client: &Client, id: &str) -> LaunchView {
    wait("the end of a preparation", || {
        let view = client.launch_get(id).ok()?;
        view.state.is_final().then_some(view)
    })
}

/// Paths that a dry run refuses.
fn refused(reply: &LaunchReply) -> Vec<&str> {
    assert_eq!(reply.plan, None);
    let mistakes = reply.mistakes.iter();
    mistakes.map(|mistake| mistake.path.as_str()).collect()
}

#[test]
fn an_experiment_is_checked_tried_and_run_from_the_api() {
    let world = World::with_iris();
    let hub = world.serve(&[]);
    world.ok(&["dataset", "add", "iris.csv", "--name", "iris"]);

    let plan = dry(&hub, TREES).plan.expect("no mistakes");
    assert_eq!(plan.seeds, [1, 2]);
    assert_eq!(
        plan.changes_from_defaults[0]["path"],
        json!("params.rounds")
    );
    assert_eq!(
        plan.origins["params.rounds"]["file"],
        json!("experiment.yaml")
    );
    assert!(world.runs().is_empty(), "a dry run starts nothing");
    assert_eq!(plan.warnings, [] as [&str; 0]);

    let wrong = TREES
        .replace("rounds: 40", "rounds: many, depth: 3")
        .replace("seeds: [1, 2]", "seeds: [1, -2]");
    let mistakes = dry(&hub, &wrong).mistakes;
    let told: Vec<_> = mistakes
        .iter()
        .map(|one| (one.path.as_str(), one.line))
        .collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told.contains(&("params.rounds", Some(7))), "{told:?}");

    let smoke = launched(&hub, &request(TREES, LaunchMode::Smoke));
    let started = ended(&hub.client, &smoke.id);
    assert_eq!(started.state, LaunchState::Started, "{started:?}");
    assert_eq!(started.runs.len(), 2);
    let run = hub.settled(&started.runs[0]);
    assert_eq!(run.summary.state, "finished");
    assert_eq!(run.summary.tags["smoke"], "true");
    assert_eq!(run.summary.params["rounds"], "10");

    let full = launched(&hub, &request(TREES, LaunchMode::Full));
    let started = ended(&hub.client, &full.id);
    for id in &started.runs {
        let run = hub.settled(id);
        assert_eq!(
            (run.summary.state.as_str(), &*run.summary.params["rounds"]),
            ("finished", "40")
        );
        assert_eq!(run.evaluations[0].state, "done");
    }
    let listed = hub.client.launch_list().expect("a list").launches;
    let ids: Vec<&String> = listed.iter().map(|one| &one.id).collect();
    assert_eq!(ids, [&full.id, &smoke.id]);
}

#[test]
fn changed_defaults_are_named_and_accepted_before_anything_runs() {
    let world = World::with_iris();
    world.own_adapter("1.0.0", 5);
    let root = world.path().canonicalize().expect("real");
    let root = root.join("project").to_string_lossy().into_owned();
    let hub = world.serve(&["--launch-root", &root]);
    let text = "project: flowers\nname: mine\nadapter: mine\ndataset: {path: iris.csv, target: species, split: {seed: 3, fractions: {train: 0.7, test: 0.3}}}\n";
    let ask = |accept_defaults| {
        let request = LaunchRequest {
            folder: Some(root.clone()),
            accept_defaults,
            ..request(text, LaunchMode::Full)
        };
        ended(&hub.client, &launched(&hub, &request).id)
    };
    let first = ask(false);
    assert_eq!(first.state, LaunchState::Started, "{first:?}");
    hub.settled(&first.runs[0]);
    world.own_adapter("1.1.0", 7);
    let refused = ask(false);
    assert_eq!(refused.state, LaunchState::Failed, "{refused:?}");
    let message = refused.message.unwrap_or_default();
    assert!(message.contains("rounds was 5, is 7"), "{message}");
    assert_eq!(world.runs().len(), 1);
    let accepted = ask(true);
    assert_eq!(accepted.state, LaunchState::Started, "{accepted:?}");
    hub.settled(&accepted.runs[0]);
}

#[test]
fn what_reaches_files_and_commands_needs_a_root_that_the_operator_named() {
    let world = World::with_iris();
    world.script("mine", "log(1, loss=0.5)", "");
    let script = std::fs::read_to_string(world.project().join("mine.yaml")).expect("written");
    let by_path = TREES.replace("name: iris", "path: iris.csv");
    let hub = world.serve(&[]);
    assert_eq!(refused(&dry(&hub, &script)), ["adapter"]);
    assert_eq!(refused(&dry(&hub, &by_path)), ["dataset.path"]);
    let split = TREES.replace("name: iris, ", "").replace(
        "split: {seed: 3, fractions: {train: 0.7, test: 0.3}}",
        "split: {files: {train: /etc/passwd, test: b.csv}}",
    );
    assert_eq!(
        refused(&dry(&hub, &split)),
        ["dataset.split.files.test", "dataset.split.files.train"]
    );
    let out = TREES.replace("{rounds: 40}", "{rounds: 40, exclude: [../../secret]}");
    assert_eq!(refused(&dry(&hub, &out)), ["params.exclude[0]"]);
    let hub_key = format!("{TREES}environment: {{pass: [HOME]}}\n");
    assert_eq!(refused(&dry(&hub, &hub_key)), ["environment.pass"]);
    let mut somewhere = request(&script, LaunchMode::Full);
    somewhere.folder = Some(world.project().to_string_lossy().into_owned());
    let reply = hub.client.launch(&somewhere).expect("an answer");
    assert_eq!(refused(&reply), ["folder"]);
    assert!(world.runs().is_empty(), "nothing was started");
    hub.kill();

    let root = world.path().canonicalize().expect("real");
    let root = root.join("project").to_string_lossy().into_owned();
    let hub = world.serve(&["--launch-root", &root]);
    somewhere.folder = Some(root.clone());
    let started = ended(&hub.client, &launched(&hub, &somewhere).id);
    assert_eq!(started.state, LaunchState::Started, "{started:?}");
    assert_eq!(hub.settled(&started.runs[0]).summary.state, "finished");
    let mut outside = somewhere.clone();
    outside.text = by_path.replace("iris.csv", "../../../../../../etc/passwd");
    let reply = hub.client.launch(&outside).expect("an answer");
    assert_eq!(refused(&reply), ["dataset.path"]);
    let mut climbing = somewhere.clone();
    climbing.folder = Some(format!("{root}/../data"));
    let reply = hub.client.launch(&climbing).expect("an answer");
    assert_eq!(refused(&reply), ["folder"]);
}

#[test]
fn where_tokens_are_asked_for_nothing_starts_unless_the_operator_allowed_it() {
    let world = World::with_iris();
    let token = "a-writers-token";
    let line = format!("wil writer {}\n", blake3::hash(token.as_bytes()).to_hex());
    world.write("tokens.txt", &line);
    let serve = |more: &[&str]| {
        let arguments = [
            &["serve", "--port", "0", "--token-file", "tokens.txt"],
            more,
        ]
        .concat();
        Served::start(world.command(&arguments), &world.data(), Some(token))
    };
    let hub = serve(&[]);
    world.ok(&["dataset", "add", "iris.csv", "--name", "iris"]);
    let error = hub
        .client
        .launch(&request(TREES, LaunchMode::Smoke))
        .expect_err("refused");
    assert_eq!(error.status, Some(403));
    assert!(error.to_string().contains("--launches"), "{error}");
    assert!(dry(&hub, TREES).plan.is_some(), "a dry run is allowed");
    hub.kill();
    let hub = serve(&["--launches"]);
    let started = ended(
        &hub.client,
        &launched(&hub, &request(TREES, LaunchMode::Smoke)).id,
    );
    assert_eq!(started.state, LaunchState::Started, "{started:?}");
    assert_eq!(started.owner, "wil");
}

/// A world with an adapter whose packages come from a place that never answers, and that
/// place.
fn stuck() -> (World, TcpListener, Served) {
    let world = World::with_iris();
    let folder = world.data().join("adapters/stuck");
    std::fs::create_dir_all(&folder).expect("folder");
    let hash = "0".repeat(64);
    for (name, text) in [
        (
            "adapter.toml",
            "protocol = 1\nname = \"stuck\"\nversion = \"1.0.0\"\ndescription = \"Waits.\"\ncapabilities = [\"train\"]\n[environment]\nkind = \"venv\"\nlock = \"requirements.lock\"\npython = \"3.9\"\n[commands]\ntrain = [\"{python}\", \"-V\"]\n[config]\nschema = \"schema.json\"\nformat = \"none\"\n[smoke]\n".to_owned(),
        ),
        ("schema.json", "{\"type\": \"object\", \"additionalProperties\": false, \"properties\": {}}".to_owned()),
        ("requirements.lock", format!("nothing-such==1.0 --hash=sha256:{hash}\n")),
    ] {
        std::fs::write(folder.join(name), text).expect("write");
    }
    let place = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let index = format!("http://{}/simple", place.local_addr().expect("bound"));
    let mut command = world.command(&["serve", "--port", "0"]);
    command
        .env("PIP_INDEX_URL", &index)
        .env("PIP_CONFIG_FILE", "/dev/null")
        .env("no_proxy", "127.0.0.1")
        .env("NO_PROXY", "127.0.0.1");
    let hub = Served::start(command, &world.data(), None);
    (world, place, hub)
}

const STUCK: &str = "project: p\nname: stuck\nadapter: stuck\n";

/// Processes that prepare a launch of this world.
fn preparing(world: &World) -> usize {
    // The command itself, and the package client that it started.
    let places = [world.data().join("launches"), world.data().join("adapters")];
    let processes = std::fs::read_dir("/proc").expect("processes").flatten();
    let there = |path: std::path::PathBuf| {
        std::fs::read_link(path.join("cwd"))
            .is_ok_and(|cwd| places.iter().any(|place| cwd.starts_with(place)))
    };
    processes.filter(|entry| there(entry.path())).count()
}

#[test]
fn a_preparation_is_shown_stopped_and_bounded_in_number() {
    let (world, place, hub) = stuck();
    let first = launched(&hub, &request(STUCK, LaunchMode::Full));
    let (_asking, _) = place.accept().expect("its packages are asked for");
    let view = hub.client.launch_get(&first.id).expect("known");
    assert_eq!(view.state, LaunchState::Environment, "{view:?}");
    assert!(
        view.output.concat().contains("preparing its environment"),
        "{view:?}"
    );

    let second = launched(&hub, &request(STUCK, LaunchMode::Full));
    wait("the second to wait for the first", || {
        let view = hub.client.launch_get(&second.id).ok()?;
        view.output
            .concat()
            .contains("waiting for another")
            .then_some(())
    });
    let busy: ClientError = hub
        .client
        .launch(&request(STUCK, LaunchMode::Full))
        .expect_err("refused");
    assert_eq!(busy.status, Some(503), "{busy}");

    for id in [&first.id, &second.id] {
        let stopped = hub.client.launch_stop(id).expect("stopped");
        assert_eq!(stopped.state, LaunchState::Stopped);
    }
    wait("the end of all that prepared them", || {
        (preparing(&world) == 0).then_some(())
    });
    assert!(world.runs().is_empty());
}

#[test]
fn a_preparation_ends_with_its_hub_and_is_told_lost() {
    let (world, place, hub) = stuck();
    let launch = launched(&hub, &request(STUCK, LaunchMode::Full));
    let (_asking, _) = place.accept().expect("its packages are asked for");
    assert!(preparing(&world) > 0);
    hub.kill();
    wait("the end of all that prepared it", || {
        (preparing(&world) == 0).then_some(())
    });
    let hub = world.serve(&[]);
    let lost = hub.client.launch_get(&launch.id).expect("still known");
    assert_eq!(lost.state, LaunchState::Lost);
    assert!(lost.message.expect("why").contains("the hub ended"));
    assert!(world.runs().is_empty());
}

#[test]
fn what_cannot_be_prepared_is_told_failed_with_the_reason() {
    let world = World::with_iris();
    let hub = world.serve(&[]);
    let reply = dry(&hub, "project: p\nadapter: nativ\n");
    assert_eq!(refused(&reply), ["adapter"]);
    assert!(reply.mistakes[0].message.contains("native"), "{reply:?}");
    // The dataset is looked for when it is prepared.
    let failed = ended(
        &hub.client,
        &launched(&hub, &request(TREES, LaunchMode::Full)).id,
    );
    assert_eq!(failed.state, LaunchState::Failed);
    let why = failed.message.expect("why");
    assert!(
        why.starts_with("there is no registered dataset `iris`"),
        "{why}"
    );
    assert!(world.runs().is_empty());
    let gone = hub.client.launch_get("nothing").expect_err("unknown");
    assert!(gone.is_not_found());
}
