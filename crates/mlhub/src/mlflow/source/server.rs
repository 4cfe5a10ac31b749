//! A server that speaks MLflow's API: one of MLflow, or a hub.

use std::collections::BTreeMap;
use std::io::Seek as _;
use std::time::Duration;

use mlhub_client::{ClientError, ClientOptions, MlflowClient, MlflowLogin, mlflow_path};
use serde_json::{Value, json};

use super::Source;
use super::server_views::{experiment, labels, list, model, number, point, run, text, version};
use crate::exit::{HUB, fail};
use crate::mlflow::records::{
    Experiment, File, Model, Owner, Point, Problems, Read, Registered, Run, Trouble, Version,
    damaged, in_order, run_status,
};

/// Where the API begins.
pub(in crate::mlflow) const API: &str = "/api/2.0/mlflow";
/// Where artifacts are that a server keeps.
pub(in crate::mlflow) const FILES: &str = "/api/2.0/mlflow-artifacts/artifacts";
/// Experiments, and runs, of one page.
const PAGE: usize = 1000;
/// Logged models, and versions, of one page.
const MODELS_PAGE: usize = 50;
/// Points of one page.
const POINTS_PAGE: &str = "25000";
/// How long a server may think.
const PATIENCE: Duration = Duration::from_secs(300);
/// Folders in folders.
const DEPTH_MAX: usize = 64;
/// Files of one run or model.
const FILES_MAX: usize = 1_000_000;

/// A server.
pub(in crate::mlflow) struct Server {
    pub(in crate::mlflow) client: MlflowClient,
    problems: Problems,
}

/// A variable of the environment that is not empty.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// What is not there is damage of one thing; all else is the end.
fn trouble(owner: &str, error: ClientError) -> Trouble {
    match error.status {
        Some(400..=501) => Trouble::Damaged(format!("{owner}: {error}")),
        _ => Trouble::Fatal(error.into()),
    }
}

impl Server {
    /// An MLflow server, with the login that MLflow's own clients would use.
    pub(in crate::mlflow) fn of_mlflow(url: &str) -> anyhow::Result<Self> {
        let token = variable("MLFLOW_TRACKING_TOKEN");
        let login = match (variable("MLFLOW_TRACKING_USERNAME"), token) {
            (Some(name), _) => {
                let password = variable("MLFLOW_TRACKING_PASSWORD").unwrap_or_default();
                MlflowLogin::Password(name, password)
            }
            (None, Some(token)) => MlflowLogin::Token(token),
            (None, None) => MlflowLogin::None,
        };
        let options = ClientOptions {
            idle_timeout: PATIENCE,
            ..ClientOptions::default()
        };
        let client = MlflowClient::new(url, &login, &options)?;
        // Asked first, so that a wrong address is told before anything is done.
        let asked = client.send(
            "POST",
            &format!("{API}/experiments/search"),
            &json!({"max_results": 1}),
        );
        match asked {
            Ok(_) => Ok(Self::new(client)),
            Err(error) if error.is_foreign() => Err(fail(
                HUB,
                format!("`{url}` answers, but not as an MLflow server does: {error}"),
            )),
            Err(error) if error.status.is_none() => {
                Err(fail(HUB, format!("`{url}`: {}", error.detail)))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Any server.
    pub(in crate::mlflow) fn new(client: MlflowClient) -> Self {
        Self {
            client,
            problems: Problems::default(),
        }
    }

    fn get(&self, path: &str, query: &[(&'static str, &str)]) -> Result<Value, ClientError> {
        self.client.get(&format!("{API}/{path}"), query)
    }

    /// All pages of a search; `field` has what is searched for.
    fn pages(&self, path: &str, body: Value, field: &str) -> Result<Vec<Value>, ClientError> {
        let mut body = body;
        let mut found = Vec::new();
        loop {
            let mut page = self.client.send("POST", &format!("{API}/{path}"), &body)?;
            let next = page["next_page_token"].take();
            if let Value::Array(items) = page[field].take() {
                found.extend(items);
            }
            match next.as_str().filter(|token| !token.is_empty()) {
                // A page that follows itself is the last one.
                Some(token) if body["page_token"] != token => body["page_token"] = token.into(),
                _ => return Ok(found),
            }
        }
    }

    /// All pages of a search by GET.
    fn got_pages(
        &self,
        path: &str,
        size: &str,
        filter: Option<&str>,
        field: &str,
    ) -> Result<Vec<Value>, ClientError> {
        let mut token = String::new();
        let mut found = Vec::new();
        loop {
            let mut query = vec![("max_results", size)];
            query.extend(filter.map(|filter| ("filter", filter)));
            if !token.is_empty() {
                query.push(("page_token", &token));
            }
            let mut page = self.get(path, &query)?;
            if let Value::Array(items) = page[field].take() {
                found.extend(items);
            }
            match page["next_page_token"].as_str() {
                Some(next) if !next.is_empty() && next != token => token = next.to_owned(),
                _ => return Ok(found),
            }
        }
    }

    /// The experiment of a name.
    pub(in crate::mlflow) fn experiment_named(
        &self,
        name: &str,
    ) -> anyhow::Result<Option<Experiment>> {
        match self.get("experiments/get-by-name", &[("experiment_name", name)]) {
            Ok(answer) => Ok(Some(experiment(&answer["experiment"]))),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The experiment of an id.
    pub(in crate::mlflow) fn experiment_of(&self, id: &str) -> anyhow::Result<Option<Experiment>> {
        match self.get("experiments/get", &[("experiment_id", id)]) {
            Ok(answer) => Ok(Some(experiment(&answer["experiment"]))),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// A run of any experiment.
    pub(in crate::mlflow) fn run_of(&self, id: &str) -> anyhow::Result<Option<Run>> {
        match self.get("runs/get", &[("run_id", id)]) {
            Ok(answer) => Ok(Some(run(&answer["run"]))),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// A logged model, deleted or not.
    pub(in crate::mlflow) fn model_of(&self, id: &str) -> anyhow::Result<Option<Model>> {
        let path = mlflow_path(&format!("{API}/logged-models"), id);
        let ask = |query: &[(&'static str, &str)]| self.client.get(&path, query);
        let found = match ask(&[]) {
            Ok(answer) => Some((answer, false)),
            Err(error) if error.is_not_found() => match ask(&[("allow_deleted", "true")]) {
                Ok(answer) => Some((answer, true)),
                Err(error) if error.is_not_found() => None,
                Err(error) => return Err(error.into()),
            },
            Err(error) => return Err(error.into()),
        };
        Ok(found.map(|(answer, deleted)| Model {
            deleted,
            ..model(&answer["model"])
        }))
    }

    /// Which runs of an experiment there are, and which of them are deleted.
    pub(in crate::mlflow) fn stages(
        &self,
        experiment: &str,
    ) -> anyhow::Result<BTreeMap<String, bool>> {
        let body = json!({
            "experiment_ids": [experiment],
            "run_view_type": "ALL",
            "max_results": PAGE,
        });
        let runs = self.pages("runs/search", body, "runs")?;
        let of = |run: &Value| {
            let info = &run["info"];
            (text(info, "run_id"), info["lifecycle_stage"] == "deleted")
        };
        Ok(runs.iter().map(of).collect())
    }

    /// A registered model by name.
    pub(in crate::mlflow) fn registered_named(
        &self,
        name: &str,
    ) -> anyhow::Result<Option<Registered>> {
        match self.get("registered-models/get", &[("name", name)]) {
            Ok(answer) => Ok(Some(self.with_versions(&answer["registered_model"])?)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn with_versions(&self, view: &Value) -> anyhow::Result<Registered> {
        let name = text(view, "name");
        let filter = format!("name='{}'", name.replace('\'', "''"));
        let size = MODELS_PAGE.to_string();
        let found = self.got_pages(
            "model-versions/search",
            &size,
            Some(&filter),
            "model_versions",
        )?;
        let mut versions: Vec<Version> = found
            .iter()
            .filter(|one| one["name"] == name.as_str())
            .map(version)
            .collect();
        versions.sort_by_key(|version| version.number);
        let mut aliases = BTreeMap::new();
        for alias in list(view, "aliases") {
            if let Ok(number) = text(alias, "version").parse() {
                aliases.insert(text(alias, "alias"), number);
            }
        }
        Ok(Registered {
            name,
            description: text(view, "description"),
            tags: labels(view, "tags"),
            aliases,
            versions,
        })
    }

    /// The path of a file under `mlflow-artifacts`, if that is where it is.
    fn served(owner: Owner<'_>) -> Option<String> {
        let rest = owner.uri().strip_prefix("mlflow-artifacts:")?;
        let path = match rest.strip_prefix("//") {
            Some(rest) => rest.split_once('/').map(|(_host, path)| path)?,
            None => rest,
        };
        Some(path.trim_matches('/').to_owned())
    }

    /// One level of files: names below the owner's artifacts.
    fn level(&self, owner: Owner<'_>, folder: &str) -> Result<Vec<Value>, ClientError> {
        let answer = match (Self::served(owner), owner) {
            (Some(root), _) => {
                let at = if folder.is_empty() {
                    root
                } else {
                    format!("{root}/{folder}")
                };
                let mut answer = self.client.get(FILES, &[("path", &at)])?;
                // Names come without the folder here.
                if let Value::Array(files) = &mut answer["files"] {
                    for file in files {
                        file["path"] = match folder {
                            "" => text(file, "path"),
                            folder => format!("{folder}/{}", text(file, "path")),
                        }
                        .into();
                    }
                }
                answer
            }
            (None, Owner::Run(run)) => {
                let mut query = vec![("run_id", run.id.as_str())];
                query.extend((!folder.is_empty()).then_some(("path", folder)));
                self.get("artifacts/list", &query)?
            }
            (None, Owner::Model(model)) => {
                let path = format!(
                    "{}/artifacts/directories",
                    mlflow_path("logged-models", &model.id)
                );
                let mut query = Vec::new();
                query.extend((!folder.is_empty()).then_some(("artifact_directory_path", folder)));
                self.get(&path, &query)?
            }
        };
        Ok(list(&answer, "files").to_vec())
    }

    fn content(&self, owner: Owner<'_>, path: &str) -> Result<Box<dyn std::io::Read>, ClientError> {
        Ok(match (Self::served(owner), owner) {
            (Some(root), _) => {
                let path = mlflow_path(FILES, &format!("{root}/{path}"));
                Box::new(self.client.open(&path, &[])?)
            }
            (None, Owner::Run(run)) => {
                let query = [("run_uuid", run.id.as_str()), ("path", path)];
                Box::new(self.client.open("/get-artifact", &query)?)
            }
            (None, Owner::Model(model)) => {
                let at = mlflow_path("/ajax-api/2.0/mlflow/logged-models", &model.id);
                let query = [("artifact_file_path", path)];
                Box::new(self.client.open(&format!("{at}/artifacts/files"), &query)?)
            }
        })
    }
}

impl Source for Server {
    fn problems(&self) -> &Problems {
        &self.problems
    }

    fn experiments(&self) -> anyhow::Result<Vec<Experiment>> {
        let body = json!({"view_type": "ALL", "max_results": PAGE});
        let found = self.pages("experiments/search", body, "experiments")?;
        Ok(found.iter().map(experiment).collect())
    }

    fn runs(&self, of: &Experiment) -> anyhow::Result<Vec<String>> {
        Ok(self.stages(&of.id)?.into_keys().collect())
    }

    fn run(&self, _: &Experiment, id: &str) -> Read<Run> {
        let owner = format!("run {id}");
        match self.get("runs/get", &[("run_id", id)]) {
            Ok(answer) => {
                let found = run(&answer["run"]);
                match run_status(&found.status) {
                    Some(_) if found.id == id => Ok(found),
                    _ => damaged(format!("{owner}: the answer is not that of a run")),
                }
            }
            Err(error) => Err(trouble(&owner, error)),
        }
    }

    fn history(&self, run: &Run, metric: &str) -> Read<Vec<Point>> {
        let owner = format!("run {}, metric `{metric}`", run.id);
        let mut points = Vec::new();
        let mut token = String::new();
        loop {
            let mut query = vec![
                ("run_id", run.id.as_str()),
                ("metric_key", metric),
                ("max_results", POINTS_PAGE),
            ];
            if !token.is_empty() {
                query.push(("page_token", &token));
            }
            let page = self
                .get("metrics/get-history", &query)
                .map_err(|error| trouble(&owner, error))?;
            for one in list(&page, "metrics") {
                match point(one) {
                    Some(point) if point.time >= 0 => points.push(point),
                    _ => self
                        .problems
                        .add(format!("{owner}: a point cannot be read")),
                }
            }
            match page["next_page_token"].as_str() {
                Some(next) if !next.is_empty() && next != token => token = next.to_owned(),
                _ => return Ok(in_order(points)),
            }
        }
    }

    fn models(&self, of: &Experiment) -> anyhow::Result<Vec<Model>> {
        let body = json!({"experiment_ids": [of.id], "max_results": MODELS_PAGE});
        match self.pages("logged-models/search", body, "models") {
            Ok(found) => Ok(found.iter().map(model).collect()),
            // Servers before 3.0 have none.
            Err(error) if error.status == Some(404) => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }

    fn registered(&self) -> anyhow::Result<Vec<Registered>> {
        let found = match self.got_pages(
            "registered-models/search",
            "1000",
            None,
            "registered_models",
        ) {
            Ok(found) => found,
            // A server without a registry.
            Err(error) if error.status == Some(404) => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        let prompts = self.got_pages(
            "registered-models/search",
            "1000",
            Some("tag.`mlflow.prompt.is_prompt` = 'true'"),
            "registered_models",
        );
        let mut all = BTreeMap::new();
        for view in found.iter().chain(&prompts.unwrap_or_default()) {
            let registered = self.with_versions(view)?;
            all.insert(registered.name.clone(), registered);
        }
        Ok(all.into_values().collect())
    }

    fn files(&self, owner: Owner<'_>) -> Read<Vec<File>> {
        let mut found = Vec::new();
        let mut open = vec![(String::new(), 0)];
        while let Some((folder, depth)) = open.pop() {
            let level = match self.level(owner, &folder) {
                Ok(level) => level,
                // A run that stored nothing has no folder.
                Err(error) if folder.is_empty() && error.status == Some(404) => Vec::new(),
                Err(error) => return Err(trouble(&owner.told(), error)),
            };
            for file in &level {
                let path = text(file, "path");
                let climbs = path.split('/').any(|part| matches!(part, "" | "." | ".."));
                if climbs || found.len() >= FILES_MAX || depth > DEPTH_MAX {
                    self.problems
                        .add(format!("{}: `{path}` is left out", owner.told()));
                } else if file["is_dir"] == true {
                    open.push((path, depth + 1));
                } else {
                    let size = number(file, "file_size").and_then(|size| u64::try_from(size).ok());
                    let size = size.unwrap_or(0);
                    found.push(File { path, size });
                }
            }
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    fn open(&self, owner: Owner<'_>, path: &str) -> Read<std::fs::File> {
        let told = format!("{}, `{path}`", owner.told());
        let mut content = self
            .content(owner, path)
            .map_err(|error| trouble(&told, error))?;
        let mut spool = tempfile::tempfile().map_err(anyhow::Error::from)?;
        let copied = std::io::copy(&mut content, &mut spool).and_then(|_| spool.rewind());
        match copied {
            Ok(()) => Ok(spool),
            Err(error) => damaged(format!("{told}: {error}")),
        }
    }
}
