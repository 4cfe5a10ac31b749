//! Registered models and their aliases, over the hub's own registry. What is protected there
//! is protected here: a refused promotion is a 400 with what the gate said.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::{Extension, Json};
use mlhub_app::{ModelDraft, Promotion};
use mlhub_core::registry::{
    ModelAlias, ModelChoice, ModelName, ModelStage, ModelVersion, PromotionTarget, RegisteredModel,
};
use mlhub_core::{Caller, ErrorKind};
use serde_json::{Value, json};

use super::error::{Answer, EXISTS, Refusal};
use super::fields::{Fields, missing};
use super::model_versions::{by_number, number, stage_name, version_view};
use super::{nothing, registry_search, view};
use crate::ApiState;

/// The tag of models that are prompts: `true`.
pub(super) const PROMPT_TAG: &str = "mlflow.prompt.is_prompt";

/// The name of a model in a field.
pub(super) fn model_name(fields: &Fields, field: &str) -> Answer<ModelName> {
    let name = fields.required(field)?;
    if name.trim().is_empty() {
        return Err(missing(field));
    }
    if name.contains(['/', ':']) {
        return Err(Refusal::invalid(format!(
            "Invalid model name '{name}'. Names cannot contain '/' or ':'."
        )));
    }
    Ok(name.parse()?)
}

pub(super) fn no_model(name: &ModelName) -> Refusal {
    Refusal::missing(format!("Registered Model with name={name} not found"))
}

/// The model of a name.
pub(super) async fn by_name(
    state: &ApiState,
    caller: &Caller,
    name: &ModelName,
) -> Answer<RegisteredModel> {
    match state.hub.registered_model_get(caller, name).await {
        Ok(model) => Ok(model),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(no_model(name)),
        Err(error) => Err(error.into()),
    }
}

/// A model with its newest versions, as MLflow words it.
fn model_view(model: &RegisteredModel, newest: &[ModelVersion]) -> Value {
    let mut view = json!({
        "name": model.name,
        "creation_timestamp": model.created_at.0,
        "last_updated_timestamp": model.updated_at.0,
    });
    if !model.description.is_empty() {
        view["description"] = model.description.as_str().into();
    }
    if !newest.is_empty() {
        view["latest_versions"] = newest.iter().map(version_view).collect();
    }
    if !model.tags.is_empty() {
        view["tags"] = view::pairs(&model.tags).into();
    }
    if !model.aliases.is_empty() {
        let alias = |(alias, version): (&ModelAlias, &u32)| json!({"alias": alias, "version": version.to_string()});
        view["aliases"] = model.aliases.iter().map(alias).collect();
    }
    view
}

/// Models in their order, each with its newest version of each stage.
async fn model_views(
    state: &ApiState,
    caller: &Caller,
    models: &[RegisteredModel],
) -> Answer<Vec<Value>> {
    let with = models.iter().filter(|model| model.versions > 0);
    let names: Vec<ModelName> = with.map(|model| model.name.clone()).collect();
    let newest = state.hub.model_versions_newest(caller, &names).await?;
    let view = |model: &RegisteredModel| {
        let from = newest.partition_point(|version| version.model < model.name);
        let to = newest.partition_point(|version| version.model <= model.name);
        model_view(model, &newest[from..to])
    };
    Ok(models.iter().map(view).collect())
}

async fn answer(state: &ApiState, caller: &Caller, name: &ModelName) -> Answer<Json<Value>> {
    let model = by_name(state, caller, name).await?;
    let mut views = model_views(state, caller, &[model]).await?;
    Ok(Json(json!({"registered_model": views.pop()})))
}

fn is_prompt(tags: &BTreeMap<String, String>) -> bool {
    tags.get(PROMPT_TAG)
        .is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

pub(super) async fn create(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let name = model_name(&fields, "name")?;
    let tags: BTreeMap<String, String> = fields.pairs("tags")?.into_iter().collect();
    let draft = ModelDraft {
        name: name.clone(),
        description: fields.text("description")?.unwrap_or_default().to_owned(),
        tags: tags.clone(),
    };
    match state.hub.registered_model_create(&caller, draft).await {
        Ok(_) => answer(&state, &caller, &name).await,
        Err(error) if error.kind() == ErrorKind::Conflict => {
            let there = by_name(&state, &caller, &name).await?;
            Err(exists(&name, is_prompt(&there.tags), is_prompt(&tags)))
        }
        Err(error) => Err(error.into()),
    }
}

fn exists(name: &ModelName, there: bool, wanted: bool) -> Refusal {
    let called = |prompt| match prompt {
        true => "Prompt",
        false => "Registered Model",
    };
    let message = match there == wanted {
        true => format!("{} (name={name}) already exists.", called(wanted)),
        false => format!(
            "Tried to create a {} with name '{name}', but the name is already taken by a {}. \
             MLflow does not allow creating a model and a prompt with the same name.",
            called(wanted).to_lowercase(),
            called(there).to_lowercase()
        ),
    };
    Refusal::new(EXISTS, message)
}

pub(super) async fn get(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    answer(&state, &caller, &model_name(&fields, "name")?).await
}

pub(super) async fn rename(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let name = model_name(&fields, "name")?;
    let to = model_name(&fields, "new_name")?;
    by_name(&state, &caller, &name).await?;
    let renamed = state
        .hub
        .registered_model_rename(&caller, &name, to.clone())
        .await;
    match renamed {
        Ok(_) => answer(&state, &caller, &to).await,
        Err(error) if error.kind() == ErrorKind::Conflict => Err(Refusal::new(
            EXISTS,
            format!("Registered Model (name={to}) already exists."),
        )),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn update(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let name = model_name(&fields, "name")?;
    by_name(&state, &caller, &name).await?;
    let text = fields.text("description")?.unwrap_or_default().to_owned();
    state
        .hub
        .registry_describe(&caller, &name, None, text)
        .await?;
    answer(&state, &caller, &name).await
}

pub(super) async fn delete(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let name = model_name(&fields, "name")?;
    by_name(&state, &caller, &name).await?;
    state.hub.registered_model_delete(&caller, &name).await?;
    nothing()
}

pub(super) async fn search(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let (page, next) = registry_search::models(&state, &caller, &fields).await?;
    let views = model_views(&state, &caller, &page).await?;
    let mut answer = json!({});
    if !views.is_empty() {
        answer["registered_models"] = views.into();
    }
    if let Some(next) = next {
        answer["next_page_token"] = next.into();
    }
    Ok(Json(answer))
}

pub(super) async fn set_tag(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let name = model_name(&fields, "name")?;
    by_name(&state, &caller, &name).await?;
    let (key, value) = fields.pair()?;
    let tags = [(key.to_owned(), Some(value.to_owned()))].into();
    state.hub.registry_tag(&caller, &name, None, tags).await?;
    nothing()
}

pub(super) async fn delete_tag(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let name = model_name(&fields, "name")?;
    by_name(&state, &caller, &name).await?;
    let tags = [(fields.required("key")?.to_owned(), None)].into();
    state.hub.registry_tag(&caller, &name, None, tags).await?;
    nothing()
}

pub(super) async fn latest_versions(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let name = model_name(&fields, "name")?;
    by_name(&state, &caller, &name).await?;
    let mut stages = Vec::new();
    for stage in fields.texts("stages")? {
        stages.push(self::stage(stage)?);
    }
    let names = [name];
    let mut found = state.hub.model_versions_newest(&caller, &names).await?;
    found.retain(|version| stages.is_empty() || stages.contains(&version.stage));
    let views: Vec<Value> = found.iter().map(version_view).collect();
    match views.is_empty() {
        true => nothing(),
        false => Ok(Json(json!({"model_versions": views}))),
    }
}

/// A stage in any case.
pub(super) fn stage(text: &str) -> Answer<ModelStage> {
    text.parse().map_err(|_| {
        let all = [
            ModelStage::None,
            ModelStage::Staging,
            ModelStage::Production,
            ModelStage::Archived,
        ];
        let all: Vec<&str> = all.into_iter().map(stage_name).collect();
        let text: String = text.chars().take(200).collect();
        Refusal::invalid(format!(
            "Invalid Model Version stage: {text}. Value must be one of {}.",
            all.join(", ")
        ))
    })
}

/// An alias that a version can have.
fn alias(text: &str) -> Answer<ModelAlias> {
    if text.eq_ignore_ascii_case("latest") {
        return Err(Refusal::invalid(
            "'latest' alias name (case insensitive) is reserved.",
        ));
    }
    text.parse().map_err(|error: mlhub_core::Error| {
        let text: String = text.chars().take(300).collect();
        Refusal::invalid(format!("Invalid alias name: '{text}'. {error}"))
    })
}

pub(super) async fn alias_set(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let name = model_name(&fields, "name")?;
    let alias = alias(fields.required("alias")?)?;
    let number = number(&fields)?;
    let version = by_number(&state, &caller, &name, number).await?;
    let target = PromotionTarget::Alias(alias);
    let promotion = Promotion::default();
    state
        .hub
        .model_promote(&caller, &name, version.version, &target, &promotion)
        .await?;
    nothing()
}

pub(super) async fn alias_get(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let name = model_name(&fields, "name")?;
    let text = fields.required("alias")?;
    by_name(&state, &caller, &name).await?;
    let choice = match text.eq_ignore_ascii_case("latest") {
        true => ModelChoice::Latest,
        // What no alias can be, no version has.
        false => ModelChoice::Alias(text.parse().map_err(|_| no_alias(text))?),
    };
    let found = state.hub.model_version_get(&caller, &name, &choice).await;
    match found {
        Ok(version) => Ok(Json(json!({"model_version": version_view(&version)}))),
        Err(error) if error.kind() == ErrorKind::NotFound && choice == ModelChoice::Latest => Err(
            Refusal::missing(format!("Latest version not found for model {name}.")),
        ),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(no_alias(text)),
        Err(error) => Err(error.into()),
    }
}

fn no_alias(text: &str) -> Refusal {
    let text: String = text.chars().take(300).collect();
    Refusal::invalid(format!("Registered model alias {text} not found."))
}

pub(super) async fn alias_delete(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let name = model_name(&fields, "name")?;
    let alias = alias(fields.required("alias")?)?;
    let model = by_name(&state, &caller, &name).await?;
    if !model.aliases.contains_key(&alias) {
        return nothing();
    }
    match state.hub.model_alias_remove(&caller, &name, alias).await {
        // Somebody else was faster.
        Err(error) if error.kind() == ErrorKind::NotFound => nothing(),
        Err(error) => Err(error.into()),
        Ok(()) => nothing(),
    }
}
