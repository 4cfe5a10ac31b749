//! Models of clients before 3.0: files among the artifacts of a run, and a line in a tag of it.

use axum::extract::State;
use axum::{Extension, Json};
use mlhub_app::ClientLog;
use mlhub_core::Caller;
use serde_json::{Map, Value};

use super::error::{Answer, Refusal};
use super::fields::{Fields, shown};
use super::runs::by_run_id;
use super::{logging, nothing};
use crate::ApiState;

/// The tag of a run that lists models of clients before there were logged models.
const HISTORY_TAG: &str = "mlflow.log-model.history";
/// Fields that a model of an old client has to have.
const LEGACY_FIELDS: [&str; 4] = ["artifact_path", "flavors", "run_id", "utc_time_created"];

/// What clients before 3.0 tell of a model that they stored among the artifacts of a run.
pub(super) async fn log_model(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let id = fields.run_id()?;
    let text = fields.required("model_json")?;
    let model: Value = serde_json::from_str(text).map_err(|_| {
        Refusal::invalid(format!(
            "Malformed model info. \n {} \n is not a valid JSON.",
            shown(&text.into())
        ))
    })?;
    let lacks: Vec<String> = LEGACY_FIELDS
        .into_iter()
        .filter(|name| model.get(name).is_none())
        .map(|name| format!("'{name}'"))
        .collect();
    if !lacks.is_empty() {
        return Err(Refusal::invalid(format!(
            "Model json is missing mandatory fields: {{{}}}",
            lacks.join(", ")
        )));
    }
    let run = by_run_id(&state, &caller, id).await?;
    let row = state.hub.run_row(&caller, &run.id).await?;
    let before = row.tags.get(HISTORY_TAG);
    let before = before.and_then(|text| serde_json::from_str::<Vec<Value>>(text).ok());
    let mut history = before.unwrap_or_default();
    let told = history_line(&model);
    if !history.contains(&told) {
        history.push(told);
    }
    let entry = ClientLog {
        tags: vec![(HISTORY_TAG.to_owned(), Value::from(history).to_string())],
        ..ClientLog::default()
    };
    logging::log(&state, &caller, id, entry).await?;
    nothing()
}

/// What the history of a run keeps of a model.
fn history_line(model: &Value) -> Value {
    let mut line = Map::new();
    for name in ["run_id", "utc_time_created", "artifact_path", "model_uuid"] {
        if let Some(value) = model.get(name) {
            line.insert(name.to_owned(), value.clone());
        }
    }
    let mut flavors = model["flavors"].clone();
    for flavor in flavors
        .as_object_mut()
        .into_iter()
        .flat_map(Map::values_mut)
    {
        if let Some(flavor) = flavor.as_object_mut() {
            flavor.remove("config");
        }
    }
    line.insert("flavors".to_owned(), flavors);
    Value::from(line)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_of_the_history_has_no_configuration() {
        let model = json!({
            "run_id": "r", "artifact_path": "m", "utc_time_created": "t", "extra": 1,
            "flavors": {"sklearn": {"config": {"a": 1}, "code": null}, "odd": 3},
        });
        let line = history_line(&model);
        assert_eq!(
            line["flavors"],
            json!({"sklearn": {"code": null}, "odd": 3})
        );
        assert_eq!(line.get("extra"), None);
        assert_eq!(line["artifact_path"], "m");
    }
}
