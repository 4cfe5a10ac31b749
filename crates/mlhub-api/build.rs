//! Builds the web UI with npm into the build's output folder, where the crate
//! embeds it. `MLHUB_UI=skip` embeds a page that says so instead.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

const PLACEHOLDER: &str = "<!doctype html><title>ML Experiment Hub</title><p>This hub was built \
with MLHUB_UI=skip and has no web page. The API is at /api/v1.</p>";

fn main() {
    let manifest = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let ui = manifest.join("../../ui");
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it")).join("ui");
    println!("cargo:rerun-if-env-changed=MLHUB_UI");
    for watched in [
        "src",
        "public",
        "scripts",
        "index.html",
        "package.json",
        "package-lock.json",
        "vite.config.ts",
        "tsconfig.json",
    ] {
        println!("cargo:rerun-if-changed={}", ui.join(watched).display());
    }
    if env::var("MLHUB_UI").is_ok_and(|value| value == "skip") {
        fs::create_dir_all(&out).expect("the output folder can be made");
        fs::write(out.join("index.html"), PLACEHOLDER).expect("the output folder can be written");
        return;
    }
    let installed = ui.join("node_modules/.package-lock.json");
    if !is_newer(&installed, &ui.join("package-lock.json")) {
        npm(&ui, &["ci", "--no-audit", "--no-fund"]);
    }
    let out_text = out.to_str().expect("the output folder's path is UTF-8");
    npm(
        &ui,
        &["run", "build", "--", "--outDir", out_text, "--emptyOutDir"],
    );
}

fn is_newer(a: &Path, b: &Path) -> bool {
    let time = |path: &Path| fs::metadata(path).and_then(|data| data.modified()).ok();
    matches!((time(a), time(b)), (Some(a), Some(b)) if a >= b)
}

fn npm(ui: &Path, arguments: &[&str]) {
    match Command::new("npm").args(arguments).current_dir(ui).output() {
        Ok(output) if output.status.success() => {}
        Ok(output) => panic!(
            "`npm {}` failed in {}:\n{}\n{}\nMend it, or set MLHUB_UI=skip to build without the web page.",
            arguments.join(" "),
            ui.display(),
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        ),
        Err(error) => panic!(
            "the web UI is built with npm, which could not be started ({error}). Install Node.js 20 or \
             newer with npm, or set MLHUB_UI=skip to build without the web page."
        ),
    }
}
