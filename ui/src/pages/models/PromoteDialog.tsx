/** Gives a version an alias or a stage; what its gates say is shown, also when they refuse. */

import { useEffect, useRef, useState } from "react";
import { ApiError } from "~/api/http";
import { registry } from "~/api/registry";
import type { Gate, ModelPromoted, ModelPromotion, RegisteredModelView } from "~/api/types";
import { Dialog } from "~/components/Dialog";
import { Notice } from "~/components/parts";
import { showToast } from "~/components/toasts";
import { type RulesMistake, readRules } from "~/model/gateRules";
import { asObject } from "~/model/json";
import { readVerdict, targetText } from "~/model/registry";
import { RulesField, RulesText } from "./RulesField";
import { type TargetDraft, TargetFields, targetOf } from "./TargetFields";
import { useRegistry } from "./useRegistry";
import { Verdict } from "./Verdict";

interface Props {
  model: RegisteredModelView;
  version: number;
  close: () => void;
}

interface Draft extends TargetDraft {
  archiveOthers: boolean;
  rules: string;
  baseline: string;
}

const DRAFT: Draft = {
  kind: "alias",
  alias: "",
  stage: "production",
  archiveOthers: false,
  rules: "",
  baseline: "",
};

function wish(version: number, draft: Draft, gate: unknown): ModelPromotion {
  return {
    version: String(version),
    target: targetOf(draft),
    // The hub says which rules it does not know.
    ...(gate !== undefined && { gate: gate as Gate }),
    baseline: draft.baseline.split(/[\s,]+/).filter((one) => one !== ""),
    archive_others: draft.kind === "stage" && draft.archiveOthers,
  };
}

export function PromoteDialog({ model, version, close }: Props) {
  const [draft, setDraft] = useState(DRAFT);
  const [mistake, setMistake] = useState<RulesMistake>();
  const promote = useRegistry((promotion: ModelPromotion) => registry.promote(model.name, promotion));
  const target = targetOf(draft);
  const ready = target !== "" && !promote.isPending;
  const submit = () => {
    const given = draft.rules.trim() !== "";
    const read = readRules(draft.rules);
    setMistake("mistake" in read ? read.mistake : undefined);
    if ("mistake" in read) return;
    promote.mutate(wish(version, draft, given ? read.rules : undefined), {
      onSuccess: ({ gate }) => {
        if (gate) return;
        showToast({ text: `Version ${version} has ${targetText(target)} now.`, tone: "good" });
        close();
      },
    });
  };
  if (promote.data) return <Outcome answer={promote.data} target={target} close={close} />;
  return (
    <Dialog title={`Promote version ${version} of ${model.name}`} wide close={close}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (ready) submit();
        }}
      >
        <TargetFields
          draft={draft}
          aliases={Object.keys(model.aliases)}
          change={(next) => setDraft({ ...draft, ...next })}
        />
        <Standing model={model} version={version} target={target} />
        {draft.kind === "stage" && (
          <label className="row">
            <input
              type="checkbox"
              checked={draft.archiveOthers}
              onChange={(event) => setDraft({ ...draft, archiveOthers: event.target.checked })}
            />
            Archive the other versions in this stage
          </label>
        )}
        <GateFields model={model} target={target} draft={draft} mistake={mistake} change={setDraft} />
        {promote.isError && <Refusal error={promote.error} />}
        <div className="row wrap end">
          <button type="button" className="button" onClick={close}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={!ready}>
            {promote.isPending ? "Promoting…" : "Promote"}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** Who has the alias now. */
function Standing({
  model,
  version,
  target,
}: {
  model: RegisteredModelView;
  version: number;
  target: string;
}) {
  const holder = model.aliases[target];
  if (holder === undefined) return null;
  return (
    <p className="muted small">
      {holder === version
        ? `This version has ${target} already.`
        : `Version ${holder} has ${target} now; it is taken from it in the same step.`}
    </p>
  );
}

function GateFields(props: {
  model: RegisteredModelView;
  target: string;
  draft: Draft;
  mistake: RulesMistake | undefined;
  change: (draft: Draft) => void;
}) {
  const { model, target, draft, change } = props;
  const stored = model.protections[target];
  return (
    <>
      {stored && (
        <details className="rules-folded">
          <summary>
            <span className="badge info">protected</span> {targetText(target)} is given past these rules only
          </summary>
          <RulesText rules={asObject(stored)} />
        </details>
      )}
      <details className="promote-gate">
        <summary>{stored ? "More rules for this time" : "Hold it against a gate first"}</summary>
        <div className="stack">
          <RulesField
            label="Rules, as in gate.toml"
            value={draft.rules}
            mistake={props.mistake}
            change={(rules) => change({ ...draft, rules })}
          />
          <label className="field">
            <span>Compare with</span>
            <input
              className="input"
              placeholder="the version that has it now; or an alias, or ids of runs"
              value={draft.baseline}
              onChange={(event) => change({ ...draft, baseline: event.target.value })}
            />
          </label>
        </div>
      </details>
    </>
  );
}

/** Why not: the report of the gate, where one refused. */
function Refusal({ error }: { error: Error }) {
  const told = useRef<HTMLDivElement>(null);
  // The dialog may be longer than the window.
  useEffect(() => {
    told.current?.scrollIntoView({ block: "nearest" });
  }, []);
  const verdict = error instanceof ApiError ? readVerdict(asObject(error.details).gate) : undefined;
  if (!verdict) {
    return (
      <div role="alert" ref={told}>
        <Notice tone="bad">{error.message}</Notice>
      </div>
    );
  }
  return (
    <div role="alert" className="stack tight" ref={told}>
      <Notice tone="bad">Nothing was changed: the gate does not pass. The refusal is in the trail.</Notice>
      <Verdict verdict={verdict} />
    </div>
  );
}

function Outcome({ answer, target, close }: { answer: ModelPromoted; target: string; close: () => void }) {
  const verdict = readVerdict(answer.gate);
  return (
    <Dialog title={`Version ${answer.version.version} has ${targetText(target)} now`} wide close={close}>
      {verdict && <Verdict verdict={verdict} />}
      <div className="row wrap end">
        <button type="button" className="button primary" onClick={close}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
