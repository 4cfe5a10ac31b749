//! A package that is one patch release off: refused by name, accepted, and found as the cause by a
//! reproduction in another environment. The wheels are written here; nothing is fetched.

use std::path::PathBuf;
use std::process::Command;

use crate::support::World;

const REFUSED: Option<i32> = Some(9);
const DIVERGED: Option<i32> = Some(1);
const UNKNOWN: Option<i32> = Some(8);

/// Writes `wheels/tinypack-VERSION-py3-none-any.whl`, a package of one number.
const WHEEL: &str = r#"
import pathlib, sys, zipfile
version, rate = sys.argv[1:]
info = f"tinypack-{version}.dist-info"
files = {
    "tinypack.py": f"RATE = {rate}\n",
    f"{info}/METADATA": f"Metadata-Version: 2.1\nName: tinypack\nVersion: {version}\n",
    f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: story\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
}
files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
folder = pathlib.Path("wheels")
folder.mkdir(exist_ok=True)
with zipfile.ZipFile(folder / f"tinypack-{version}-py3-none-any.whl", "w") as wheel:
    for name, text in files.items():
        wheel.writestr(name, text)
"#;

#[track_caller]
fn python(world: &World, program: &str, arguments: &[&str]) {
    let done = world
        .clean(Command::new(program))
        .args(arguments)
        .output()
        .expect("it starts");
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{program} {arguments:?}: {said}");
}

fn wheel(world: &World, version: &str, rate: &str) -> String {
    python(world, "python3", &["-c", WHEEL, version, rate]);
    let name = format!("wheels/tinypack-{version}-py3-none-any.whl");
    let path: PathBuf = world.project().join(name);
    path.to_string_lossy().into_owned()
}

/// Installs a wheel into an environment of the project.
fn install(world: &World, environment: &str, wheel: &str) {
    let interpreter = format!("{environment}/bin/python");
    let options = ["-m", "pip", "install", "--quiet", "--no-index", wheel];
    python(
        world,
        &world.project().join(interpreter).to_string_lossy(),
        &options,
    );
}

/// The project's adapter `tiny`, which trains with the user's own Python and `tinypack`.
fn adapter(world: &World, lock: &str) {
    world.write(
        "adapters/tiny/adapter.toml",
        "protocol = 1\nname = \"tiny\"\nversion = \"1.0.0\"\ndescription = \"Of a small package.\"\n\
         capabilities = [\"train\"]\n\
         environment = { kind = \"python\", packages = [\"tinypack>=1\"], lock = \"requirements.lock\", python = \"3.9\" }\n\
         config = { schema = \"schema.json\", format = \"none\" }\n\
         output = { stdout_events = true }\n\
         smoke = {}\n\
         [commands]\ntrain = [\"{python}\", \"{adapter}/train.py\"]\n",
    );
    world.write(
        "adapters/tiny/schema.json",
        "{\"type\": \"object\", \"properties\": {}, \"additionalProperties\": false}",
    );
    world.write("adapters/tiny/requirements.lock", lock);
    world.write(
        "adapters/tiny/train.py",
        "import json, tinypack\nfor step in range(5):\n    print(json.dumps({'step': step, 'metrics': {'loss': step * tinypack.RATE}}))\n",
    );
    world.write(
        "tiny.yaml",
        "project: p\nname: tiny\nadapter: tiny\nparams: {}\n",
    );
}

/// A lock file of one release, from the wheels of the project.
fn locked(world: &World, version: &str, wheel: &str) -> String {
    let script = "import hashlib, sys; open('wheels/hash', 'w').write(hashlib.sha256(open(sys.argv[1], 'rb').read()).hexdigest())";
    python(world, "python3", &["-c", script, wheel]);
    let hash = std::fs::read_to_string(world.project().join("wheels/hash")).expect("a hash");
    let wheels = world.project().join("wheels");
    format!(
        "--no-index\n--find-links {}\ntinypack=={version} --hash=sha256:{hash}\n",
        wheels.display()
    )
}

#[test]
fn a_package_one_patch_off_is_refused_accepted_and_found_as_the_cause() {
    let world = World::new();
    let old = wheel(&world, "1.0.0", "0.5");
    let new = wheel(&world, "1.0.1", "0.25");
    adapter(&world, &locked(&world, "1.0.0", &old));
    for (environment, wheel) in [(".venv", &old), ("other", &new)] {
        python(&world, "python3", &["-m", "venv", environment]);
        install(&world, environment, wheel);
    }
    let details = world.json(&["run", "tiny.yaml"]);
    assert_eq!(details[0]["state"], "finished", "{details}");
    let id = details[0]["id"].as_str().expect("an id").to_owned();
    let ran = |arguments: &[&str]| world.mlhub(&[&["reproduce", &id], arguments].concat());

    // In another environment there is nothing to accept; alone, it proves no cause.
    let said = ran(&["--on", "python:other/bin/python"]);
    assert_eq!(said.code, DIVERGED, "{}{}", said.stdout, said.stderr);
    for part in [
        "tinypack 1.0.0 -> 1.0.1",
        "--on python:other/bin/python",
        "The environment is what is left to differ",
    ] {
        assert!(said.stdout.contains(part), "{part}: {}", said.stdout);
    }
    // With the recorded one it comes out the same, which leaves the environment.
    let said = ran(&["--on", "recorded"]);
    assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
    let lock = locked(&world, "1.0.1", &new);
    world.write("wheels/next.lock", &lock);
    let said = ran(&["--on", "lock:wheels/next.lock"]);
    assert_eq!(said.code, DIVERGED, "{}{}", said.stdout, said.stderr);
    assert!(
        said.stdout.contains("The cause is the environment"),
        "{}",
        said.stdout
    );

    // The user's own environment goes on by one patch release.
    install(&world, ".venv", &new);
    let before = world.runs().len();
    let said = ran(&[]);
    assert_eq!(said.code, REFUSED, "{}{}", said.stdout, said.stderr);
    assert!(
        said.stdout.contains("tinypack 1.0.0 -> 1.0.1")
            && said.stderr.contains("tinypack 1.0.0 -> 1.0.1")
            && said.stderr.contains("--accept environment"),
        "{}{}",
        said.stdout,
        said.stderr
    );
    assert_eq!(world.runs().len(), before, "nothing was run");
    let said = ran(&["--accept", "environment"]);
    assert_eq!(said.code, DIVERGED, "{}{}", said.stdout, said.stderr);
    assert!(
        said.stdout.contains("The cause is the environment"),
        "{}",
        said.stdout
    );
    let hub = world.serve(&[]);
    let list = hub.client.reproductions(&id, None).expect("a list");
    let newest = &list.reproductions[0];
    let accepted = &newest.differences[..];
    assert!(
        accepted
            .iter()
            .any(|one| one.part == "environment" && one.message.contains("tinypack 1.0.0 -> 1.0.1")),
        "{accepted:?}"
    );
    assert_eq!(newest.attribution.cause.as_deref(), Some("environment"));
    assert!(newest.attribution.confirmed);
    let package = newest.attribution.differences.iter();
    let versions: Vec<_> = package
        .filter(|one| one.name == "tinypack")
        .map(|one| (one.was.as_deref(), one.is.as_deref()))
        .collect();
    assert_eq!(versions, [(Some("1.0.0"), Some("1.0.1"))]);
    // The same is said from the later run's side.
    let found = hub.client.reproductions(&newest.run.id, None);
    let found = found.expect("a list").reproduces.expect("the link");
    assert_eq!(found.attribution, newest.attribution);
    drop(hub);

    let said = ran(&["--on", "agent:far"]);
    assert_eq!(said.code, UNKNOWN, "{}", said.stderr);
    assert!(
        said.stderr.contains("no agent `far` is registered"),
        "{}",
        said.stderr
    );
    let said = ran(&["--on", "python:nowhere/bin/python"]);
    assert_eq!(said.code, Some(5), "{}", said.stderr);
    assert!(said.stderr.contains("no working Python"), "{}", said.stderr);
}

#[test]
fn a_script_runs_in_the_python_that_is_named() {
    let world = World::new();
    world.script(
        "plain",
        "try:\n    from tinypack import RATE\nexcept ImportError:\n    RATE = 0.0\nlog(0, rate=RATE)\n",
        "",
    );
    let details = world.json(&["run", "plain.yaml"]);
    let id = details[0]["id"].as_str().expect("an id").to_owned();
    // What lies beside the experiment is its code.
    let place = world.path().join("other").to_string_lossy().into_owned();
    python(&world, "python3", &["-m", "venv", &place]);
    let new = wheel(&world, "1.0.1", "0.25");
    let interpreter = format!("{place}/bin/python");
    let options = ["-m", "pip", "install", "--quiet", "--no-index", &new];
    python(&world, &interpreter, &options);
    let on = format!("python:{interpreter}");
    let said = world.mlhub(&["reproduce", &id, "--on", &on, "--json"]);
    assert_eq!(said.code, DIVERGED, "{}{}", said.stdout, said.stderr);
    let told: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
    assert_eq!(told["reproduction"]["attribution"]["cause"], "environment");
    assert_eq!(told["reproduction"]["metrics"][0]["reproduced"], 0.25);
    let said = world.mlhub(&["reproduce", &id, "--on", "lock:any.lock"]);
    assert_eq!(said.code, Some(5), "{}", said.stderr);
    assert!(said.stderr.contains("has no lock file"), "{}", said.stderr);
}
