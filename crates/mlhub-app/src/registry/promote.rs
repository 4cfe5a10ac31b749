//! Giving an alias or a stage to a version, past its gates.
//!
//! The stored rules of what is protected always count, whichever face asks; rules
//! given with the request count too. The store refuses a promotion whose gate was
//! judged against rules or a holder that changed meanwhile.

use mlhub_core::registry::{
    GatePassed, ModelAlias, ModelChoice, ModelName, ModelStage, ModelVersion, ModelVersionQuery,
    PromotionTarget, RegisteredModel, RegistryAct,
};
use mlhub_core::{Caller, Error, Permission, Result, limits};
use mlhub_protocol::rest::{Gate, GateCheck, GateOutcome, GateReport, GateRequest};

use crate::Hub;

/// Failed checks that a refusal repeats; all are in its details.
const CHECKS_TOLD: usize = 3;

/// How a version is promoted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Promotion {
    /// Rules that it must meet, beside those of what is protected.
    pub gate: Option<Gate>,
    /// What it must not fall behind: runs, or aliases of the model; the version that
    /// has the alias or stage when empty.
    pub baseline: Vec<String>,
    /// Of a stage: whether the others in it are archived.
    pub archive_others: bool,
}

impl Hub {
    /// Gives a version an alias, which is taken from the version that has it, or
    /// brings it to a stage. Returns the version and what the gates said.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when a gate does not pass, with the report in
    /// `details.gate`, when a gate is needed and the version has no run, and when
    /// rules or holder changed meanwhile.
    pub async fn model_promote(
        &self,
        caller: &Caller,
        name: &ModelName,
        number: u32,
        target: &PromotionTarget,
        promotion: &Promotion,
    ) -> Result<(ModelVersion, Option<GateReport>)> {
        caller.require(Permission::Write)?;
        let model = self.registered_model_get(caller, name).await?;
        let choice = ModelChoice::Number(number);
        let version = self.model_version_get(caller, name, &choice).await?;
        let protection = model.protections.get(target);
        let mut gates: Vec<Gate> = promotion.gate.iter().cloned().collect();
        if let Some(rules) = protection {
            let stored = serde_json::from_value(rules.clone());
            gates.push(stored.map_err(|error| Error::internal("read the rules of a gate", error))?);
        }
        if gates.is_empty() && !promotion.baseline.is_empty() {
            return Err(Error::invalid(
                "`baseline` says what a gate compares with, and there is no `gate`",
            ));
        }
        let there = match target {
            PromotionTarget::Alias(alias) => model.aliases.get(alias) == Some(&number),
            PromotionTarget::Stage(stage) => version.stage == *stage,
        };
        let mut gate = None;
        let mut report = None;
        if !there && !gates.is_empty() {
            let holder = self.holder(&model, &version, target).await?;
            let judged = self
                .judge(caller, &version, target, &gates, holder, promotion)
                .await?;
            let verdict = serde_json::to_value(&judged)
                .map_err(|error| Error::internal("write what a gate said", error))?;
            if !judged.passed {
                let act = RegistryAct::Refuse {
                    version: number,
                    target: target.clone(),
                    verdict: verdict.clone(),
                };
                self.registry_act(caller, name, act).await?;
                let details = serde_json::json!({"gate": verdict});
                return Err(
                    Error::conflict(refusal(&version, target, &judged)).with_details(details)
                );
            }
            gate = Some(GatePassed {
                protection: protection.cloned(),
                holder,
                verdict,
            });
            report = Some(judged);
        }
        let act = match target.clone() {
            PromotionTarget::Alias(alias) => RegistryAct::AliasSet {
                alias,
                version: number,
                gate,
            },
            PromotionTarget::Stage(stage) => RegistryAct::StageSet {
                version: number,
                stage,
                archive_others: promotion.archive_others,
                gate,
            },
        };
        self.registry_act(caller, name, act).await?;
        let version = self.model_version_get(caller, name, &choice).await?;
        Ok((version, report))
    }

    /// The version that has the target: of a stage the newest other one.
    async fn holder(
        &self,
        model: &RegisteredModel,
        version: &ModelVersion,
        target: &PromotionTarget,
    ) -> Result<Option<u32>> {
        match target {
            PromotionTarget::Alias(alias) => Ok(model.aliases.get(alias).copied()),
            PromotionTarget::Stage(stage) => self.newest_in(model, version, *stage).await,
        }
    }

    async fn newest_in(
        &self,
        model: &RegisteredModel,
        but: &ModelVersion,
        stage: ModelStage,
    ) -> Result<Option<u32>> {
        let mut query = ModelVersionQuery {
            model: Some(model.name.clone()),
            limit: limits::PAGE_MAX_ROWS,
            ..ModelVersionQuery::default()
        };
        loop {
            let page = self.store.registry_version_list(&query).await?;
            let found = page
                .iter()
                .find(|of| of.stage == stage && of.version != but.version);
            if let Some(found) = found {
                return Ok(Some(found.version));
            }
            let Some(last) = page.last() else {
                return Ok(None);
            };
            query.after = Some((last.model.clone(), last.version));
        }
    }

    /// Holds a version against gates; their checks come together.
    async fn judge(
        &self,
        caller: &Caller,
        version: &ModelVersion,
        target: &PromotionTarget,
        gates: &[Gate],
        holder: Option<u32>,
        promotion: &Promotion,
    ) -> Result<GateReport> {
        gates.iter().try_for_each(crate::gate::check_rules)?;
        let runs = vec![run_of(version)?];
        let mut baseline = Vec::new();
        for text in &promotion.baseline {
            baseline.push(self.baseline(caller, &version.model, text).await?);
        }
        if let (true, Some(holder)) = (baseline.is_empty(), holder) {
            let choice = ModelChoice::Number(holder);
            let holder = self.model_version_get(caller, &version.model, &choice);
            baseline.push(run_of(&holder.await?)?);
        }
        // A run does not fall behind itself.
        let itself = baseline.contains(&runs[0]);
        baseline.retain(|run| *run != runs[0]);
        let mut whole = GateReport {
            passed: true,
            ..GateReport::default()
        };
        for gate in gates {
            let mut gate = gate.clone();
            if baseline.is_empty() && !gate.no_regression.is_empty() {
                gate.no_regression.clear();
                whole.checks.push(nothing_behind(target, itself));
                if crate::gate::check_rules(&gate).is_err() {
                    // It says nothing else.
                    continue;
                }
            }
            let request = GateRequest {
                gate,
                runs: runs.clone(),
                baseline: baseline.clone(),
            };
            let report = self.gate(caller, &request).await?;
            whole.passed &= report.passed;
            whole.runs = report.runs;
            whole.baseline = report.baseline;
            whole.checks.extend(report.checks);
        }
        Ok(whole)
    }

    /// The run that is meant by an alias of the model, or by its own id.
    async fn baseline(&self, caller: &Caller, model: &ModelName, text: &str) -> Result<String> {
        let alias = text.strip_prefix('@').unwrap_or(text);
        if let Ok(alias) = alias.parse::<ModelAlias>() {
            let choice = ModelChoice::Alias(alias);
            if let Some(found) = self.store.registry_version_get(model, &choice).await? {
                return run_of(&found);
            }
        }
        match text.starts_with('@') {
            true => Err(Error::not_found("alias", format_args!("{model}{text}"))),
            false => Ok(self.run_resolve(caller, text).await?.id.into()),
        }
    }
}

/// What stands in the place of a comparison that nothing can be compared in.
fn nothing_behind(target: &PromotionTarget, itself: bool) -> GateCheck {
    let (outcome, message) = match itself {
        true => (
            GateOutcome::Passed,
            "the baseline is its own run".to_owned(),
        ),
        false => (
            GateOutcome::Warning,
            format!("no version has `{target}` yet, so there is nothing to fall behind"),
        ),
    };
    GateCheck {
        rule: "no_regression".to_owned(),
        subject: format!("`{target}`"),
        outcome,
        message,
    }
}

fn run_of(version: &ModelVersion) -> Result<String> {
    let place = version.place.as_ref().map(|place| &place.run);
    match version.run.as_ref().or(place) {
        Some(run) => Ok(run.as_str().to_owned()),
        None => Err(Error::conflict(format!(
            "version {} of `{}` has no run, so no gate can be held against it",
            version.version, version.model
        ))),
    }
}

fn refusal(version: &ModelVersion, target: &PromotionTarget, report: &GateReport) -> String {
    let failed = |of: &&GateCheck| of.outcome == GateOutcome::Failed;
    let checks: Vec<&GateCheck> = report.checks.iter().filter(failed).collect();
    let told = checks
        .iter()
        .take(CHECKS_TOLD)
        .map(|of| format!("{} {}: {}", of.rule, of.subject, of.message));
    let mut told = told.collect::<Vec<_>>().join("; ");
    if checks.len() > CHECKS_TOLD {
        told.push_str(&format!("; and {} more", checks.len() - CHECKS_TOLD));
    }
    format!(
        "version {} of `{}` does not pass the gate of `{target}`: {told}",
        version.version, version.model
    )
}
