//! Writing to the hub by MLflow's API, as a client of MLflow would, and reading back what it
//! has.

use mlhub_client::transfer::{self, Patience, Upload};
use mlhub_client::{Client, ClientError, MlflowClient, mlflow_path};
use serde_json::{Value, json};

use super::records::{Labels, Point, Read, Trouble};
use super::source::{API, FILES, Server};

/// Metrics, params and tags of one call, and bytes of its body, with room to spare.
const METRICS_MAX: usize = 1000;
const LABELS_MAX: usize = 100;
const BATCH_MAX: usize = 1000;
const BATCH_MAX_BYTES: usize = 900_000;
/// Bytes of a metric in JSON beside its name.
const METRIC_BYTES: usize = 120;
/// Bytes of a param or tag in JSON beside its texts.
const LABEL_BYTES: usize = 24;
/// The kind of artifacts that clients of MLflow store.
const KIND: &str = "artifact";

/// A hub.
pub(super) struct Hub {
    client: Client,
    api: MlflowClient,
    pub(super) reader: Server,
}

/// What the hub refuses is the matter of one thing; a hub that is away ends all.
fn refused(error: ClientError) -> Trouble {
    match error.status {
        Some(400..=499) => Trouble::Damaged(error.detail),
        _ => Trouble::Fatal(error.into()),
    }
}

/// Keys with values as the API has them.
pub(super) fn pairs(labels: &Labels) -> Vec<Value> {
    labels
        .iter()
        .map(|(key, value)| json!({"key": key, "value": value}))
        .collect()
}

/// A number as JSON has it.
pub(super) fn number(value: f64) -> Value {
    match serde_json::Number::from_f64(value) {
        Some(number) => Value::Number(number),
        None if value.is_nan() => Value::from("NaN"),
        None if value > 0.0 => Value::from("Infinity"),
        None => Value::from("-Infinity"),
    }
}

impl Hub {
    /// The hub of a client.
    pub(super) fn new(client: Client) -> Self {
        let api = client.mlflow();
        let reader = Server::new(api.clone());
        Self {
            client,
            api,
            reader,
        }
    }

    /// Sends a call of the API, such as `POST runs/create`.
    pub(super) fn call(&self, method: &'static str, path: &str, body: &Value) -> Read<Value> {
        self.api
            .send(method, &format!("{API}/{path}"), body)
            .map_err(refused)
    }

    /// Sends a call, where who sent it is told in what is refused.
    pub(super) fn post(&self, owner: &str, path: &str, body: &Value) -> Read<Value> {
        match self.call("POST", path, body) {
            Err(Trouble::Damaged(why)) => Err(Trouble::Damaged(format!("{owner}: {why}"))),
            other => other,
        }
    }

    /// Content hashes of the artifacts of a run, by path.
    pub(super) fn artifacts(&self, run: &str) -> anyhow::Result<Labels> {
        let listed = self.client.artifact_list(run)?;
        let artifacts = listed.artifacts.into_iter();
        Ok(artifacts.map(|one| (one.path, one.hash)).collect())
    }

    /// The newest attempt of a run.
    pub(super) fn attempt(&self, run: &str) -> anyhow::Result<u32> {
        Ok(self.client.run_get(run)?.summary.attempt)
    }

    /// Stores a file of a run.
    pub(super) fn upload(
        &self,
        (run, attempt): (&str, u32),
        path: &str,
        (hash, size_bytes): (&str, u64),
        file: &mut std::fs::File,
    ) -> Read<()> {
        let what = Upload {
            run,
            attempt,
            path,
            kind: KIND,
            hash,
            size_bytes,
        };
        let sent = transfer::upload(
            &self.client,
            &what,
            file,
            Patience::INTERACTIVE,
            &mut |_, _| {},
        );
        match sent.map_err(refused) {
            Ok(_) => Ok(()),
            Err(Trouble::Damaged(why)) => Err(Trouble::Damaged(format!(
                "run {run}, artifact `{path}`: {why}"
            ))),
            Err(fatal) => Err(fatal),
        }
    }

    fn model_file(experiment: &str, model: &str, path: &str) -> String {
        mlflow_path(
            FILES,
            &format!("{experiment}/models/{model}/artifacts/{path}"),
        )
    }

    /// Whether a logged model has a file with this content.
    pub(super) fn has(&self, experiment: &str, model: &str, path: &str, hash: &str) -> Read<bool> {
        self.api
            .has(&Self::model_file(experiment, model, path), hash)
            .map_err(refused)
    }

    /// Stores a file of a logged model.
    pub(super) fn put(
        &self,
        (experiment, model): (&str, &str),
        path: &str,
        file: &mut std::fs::File,
        size: u64,
    ) -> Read<()> {
        self.api
            .put(&Self::model_file(experiment, model, path), file, size)
            .map_err(refused)
    }
}

/// What is logged to one run, in calls as large as they may be.
pub(super) struct Pen<'h> {
    hub: &'h Hub,
    run: &'h str,
    metrics: Vec<Value>,
    params: Vec<Value>,
    tags: Vec<Value>,
    bytes: usize,
}

impl<'h> Pen<'h> {
    /// A pen for a run that is there and not deleted.
    pub(super) fn new(hub: &'h Hub, run: &'h str) -> Self {
        Self {
            hub,
            run,
            metrics: Vec::new(),
            params: Vec::new(),
            tags: Vec::new(),
            bytes: 0,
        }
    }

    /// Makes room for one more of a kind.
    fn room(&mut self, bytes: usize, kind_is_full: bool) -> Read<()> {
        let all = self.metrics.len() + self.params.len() + self.tags.len();
        if kind_is_full || all >= BATCH_MAX || self.bytes + bytes > BATCH_MAX_BYTES {
            self.flush()?;
        }
        self.bytes += bytes;
        Ok(())
    }

    pub(super) fn point(&mut self, name: &str, point: &Point) -> Read<()> {
        let full = self.metrics.len() >= METRICS_MAX;
        self.room(name.len() * 2 + METRIC_BYTES, full)?;
        self.metrics.push(json!({
            "key": name,
            "value": number(point.value),
            "timestamp": point.time,
            "step": point.step,
        }));
        Ok(())
    }

    /// A metric that is about a logged model as well.
    pub(super) fn metric(&mut self, message: Value) -> Read<()> {
        let full = self.metrics.len() >= METRICS_MAX;
        self.room(message.to_string().len(), full)?;
        self.metrics.push(message);
        Ok(())
    }

    pub(super) fn param(&mut self, key: &str, value: &str) -> Read<()> {
        let pair = json!({"key": key, "value": value});
        let full = self.params.len() >= LABELS_MAX;
        self.room(pair.to_string().len() + LABEL_BYTES, full)?;
        self.params.push(pair);
        Ok(())
    }

    pub(super) fn tag(&mut self, key: &str, value: &str) -> Read<()> {
        let pair = json!({"key": key, "value": value});
        let full = self.tags.len() >= LABELS_MAX;
        self.room(pair.to_string().len() + LABEL_BYTES, full)?;
        self.tags.push(pair);
        Ok(())
    }

    /// Sends what is left.
    pub(super) fn flush(&mut self) -> Read<()> {
        self.bytes = 0;
        let (metrics, params, tags) = (
            std::mem::take(&mut self.metrics),
            std::mem::take(&mut self.params),
            std::mem::take(&mut self.tags),
        );
        if metrics.is_empty() && params.is_empty() && tags.is_empty() {
            return Ok(());
        }
        let body = json!({"run_id": self.run, "metrics": metrics, "params": params, "tags": tags});
        let owner = format!("run {}", self.run);
        self.hub.post(&owner, "runs/log-batch", &body).map(drop)
    }
}
