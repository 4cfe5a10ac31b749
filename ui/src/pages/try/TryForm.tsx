/** The form of one way to ask. What was typed lives above it; what is wrong with it is told at its field. */

import { type FormEvent, type KeyboardEvent, useEffect, useRef, useState } from "react";
import { Notice } from "~/components/parts";
import { failureOf } from "~/model/answers";
import { type Draft, HITS, HITS_MAX, type Mistakes, readHits, writeInput } from "~/model/asking";
import type { InputSpec, QueryKind } from "~/model/served";
import { Field, InputFields } from "./Fields";
import type { Question } from "./useModel";

const HITS_DEFAULT = "10";
const NONE: Mistakes = {};

export function TryForm(props: {
  spec: InputSpec;
  /** The kind of query; undefined for a prediction. */
  search: QueryKind | undefined;
  draft: Draft;
  change: (draft: Draft) => void;
  /** What the hub blames, by field. */
  refused: Mistakes | undefined;
  /** Whether the reader's role does not suffice. */
  forbidden: boolean;
  pending: boolean;
  ask: (question: Question) => void;
  stop: () => void;
}) {
  const { spec, search, draft, forbidden, pending } = props;
  const form = useRef<HTMLFormElement>(null);
  const [hits, setHits] = useState(HITS_DEFAULT);
  const [found, setFound] = useState<Mistakes>();
  const mistakes = found ?? props.refused ?? NONE;
  useEffect(() => {
    if (mistakes !== NONE) form.current?.querySelector<HTMLElement>("[aria-invalid='true']")?.focus();
  }, [mistakes]);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (pending || forbidden) return;
    const written = writeInput(spec, draft);
    const wanted = readHits(hits);
    const wrong: Mistakes = {
      ...written.mistakes,
      ...(search && wanted === undefined ? { [HITS]: `must be a whole number from 1 to ${HITS_MAX}` } : {}),
    };
    setFound(Object.keys(wrong).length > 0 ? wrong : undefined);
    if (Object.keys(wrong).length > 0) return;
    props.ask({ spec, input: written.value, search: search && { kind: search, hits: wanted ?? 1 } });
  };
  // In a text of several lines Enter makes a line.
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.current?.requestSubmit();
  };
  return (
    <form ref={form} className="stack" noValidate onSubmit={submit} onKeyDown={onKeyDown}>
      {forbidden && (
        <Notice tone="warn">
          <h3>{failureOf(403).title}</h3>
          <p>{failureOf(403).advice}</p>
        </Notice>
      )}
      <InputFields spec={spec} draft={draft} change={props.change} mistakes={mistakes} />
      {search && <HitsField value={hits} change={setHits} mistake={mistakes[HITS]} />}
      <div className="row wrap try-actions">
        <button type="submit" className="button primary" disabled={pending || forbidden}>
          {search ? "Search" : "Predict"}
        </button>
        {pending && (
          <button type="button" className="button" onClick={props.stop}>
            Do not wait
          </button>
        )}
      </div>
    </form>
  );
}

function HitsField(props: { value: string; change: (value: string) => void; mistake: string | undefined }) {
  return (
    <Field label="Hits at most" mistake={props.mistake}>
      {(control) => (
        <input
          {...control}
          className="input short"
          inputMode="numeric"
          value={props.value}
          onChange={(event) => props.change(event.target.value)}
        />
      )}
    </Field>
  );
}
