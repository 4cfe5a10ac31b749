/** Rules of a gate as TOML: a field to write them in, and how they look where they are stored. */

import { useId } from "react";
import { type RulesMistake, rulesText } from "~/model/gateRules";
import type { JsonObject } from "~/model/json";

const EXAMPLE = `[[threshold]]
metric = "test/accuracy"
min = 0.9

[[no_regression]]
metrics = ["test/accuracy"]
tolerance = 0.002`;
const RULES_MAX = 50_000;
const ROWS_LEAST = 7;
const ROWS_MOST = 18;

export function RulesField(props: {
  label: string;
  value: string;
  mistake: RulesMistake | undefined;
  change: (text: string) => void;
}) {
  const { value, mistake } = props;
  const note = useId();
  return (
    <div className="field">
      <label className="stack tight">
        <span>{props.label}</span>
        <textarea
          className="textarea mono"
          rows={Math.min(ROWS_MOST, Math.max(ROWS_LEAST, value.split("\n").length + 1))}
          maxLength={RULES_MAX}
          spellCheck={false}
          placeholder={EXAMPLE}
          aria-invalid={mistake !== undefined}
          aria-describedby={mistake ? note : undefined}
          value={value}
          onChange={(event) => props.change(event.target.value)}
        />
      </label>
      {mistake && (
        <p id={note} role="alert" className="small field-wrong">
          {mistake.line !== undefined && `Line ${mistake.line}: `}
          {mistake.message}
        </p>
      )}
    </div>
  );
}

export function RulesText({ rules }: { rules: JsonObject }) {
  return <pre className="code-block rules-text">{rulesText(rules)}</pre>;
}
