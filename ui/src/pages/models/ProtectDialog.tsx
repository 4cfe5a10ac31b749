/** Stores the rules an alias or a stage is given by from then on. */

import { useState } from "react";
import { registry } from "~/api/registry";
import type { Gate, RegisteredModelView } from "~/api/types";
import { Dialog } from "~/components/Dialog";
import { Notice } from "~/components/parts";
import { type RulesMistake, readRules, rulesText } from "~/model/gateRules";
import { type TargetRow, targetText } from "~/model/registry";
import { RulesField } from "./RulesField";
import { type TargetDraft, TargetFields, targetOf } from "./TargetFields";
import { useRegistry } from "./useRegistry";

export function ProtectDialog(props: {
  model: RegisteredModelView;
  /** What is protected, where it is chosen already. */
  row: TargetRow | undefined;
  close: () => void;
}) {
  const { model, row, close } = props;
  const [draft, setDraft] = useState<TargetDraft>({ kind: "alias", alias: "", stage: "production" });
  const [text, setText] = useState(row?.rules ? rulesText(row.rules) : "");
  const [mistake, setMistake] = useState<RulesMistake>();
  const target = row?.target ?? targetOf(draft);
  const protect = useRegistry((gate: Gate) => registry.protect(model.name, target, gate));
  const ready = target !== "" && text.trim() !== "" && !protect.isPending;
  const submit = () => {
    const read = readRules(text);
    setMistake("mistake" in read ? read.mistake : undefined);
    // The hub says which rules it does not know.
    if ("rules" in read) protect.mutate(read.rules as unknown as Gate, { onSuccess: close });
  };
  return (
    <Dialog
      title={row ? `Protect ${targetText(row.target)}` : `Protect an alias or a stage of ${model.name}`}
      wide
      close={close}
    >
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (ready) submit();
        }}
      >
        <p className="muted">
          Every way to give it, from any client, holds the version against these rules. Whoever has it keeps
          it. Only an admin may do this.
        </p>
        {!row && <TargetFields draft={draft} aliases={Object.keys(model.aliases)} change={setDraft} />}
        <RulesField label="Rules, as in gate.toml" value={text} mistake={mistake} change={setText} />
        {protect.isError && <Notice tone="bad">{protect.error.message}</Notice>}
        <div className="row wrap end">
          <button type="button" className="button" onClick={close}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={!ready}>
            {row?.rules ? "Change the rules" : "Protect"}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
