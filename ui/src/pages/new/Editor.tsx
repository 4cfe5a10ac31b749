/** The experiment as form and text, which are one: every change of the form is written into the text. */

import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { checkQuery } from "~/api/queries";
import type { AdapterView, ConfigMistake } from "~/api/types";
import { Icon } from "~/components/Icon";
import { ErrorNotice, Notice } from "~/components/parts";
import { lineOf, readExperiment, writeAt } from "~/model/experimentText";
import { asText } from "~/model/json";
import { type NewSearch, pathKeys } from "~/model/launch";
import { CheckPanel } from "./CheckPanel";
import { Form } from "./Form";
import { LaunchPanel } from "./LaunchPanel";
import { StartPanel } from "./StartPanel";
import { TextEditor } from "./TextEditor";
import { useDraft, useSettled } from "./useDraft";

/** How long typing must pause before the hub is asked. */
const PAUSE_MS = 300;

interface Props {
  search: NewSearch;
  /** What names the draft. */
  origin: string;
  start: string;
  /** What the reader should know of the text it starts with. */
  notes: readonly string[];
  adapters: readonly AdapterView[];
}

/** Puts the focus into the field of a path, or of the nearest above it; whether there was one. */
function focusField(path: readonly string[]): boolean {
  for (let length = path.length; length > 0; length -= 1) {
    const name = CSS.escape(path.slice(0, length).join("."));
    const field = document.querySelector<HTMLElement>(`[data-path="${name}"]`);
    if (!field) continue;
    field.closest("details")?.setAttribute("open", "");
    field.scrollIntoView({ block: "center" });
    field.focus();
    return true;
  }
  return false;
}

export function Editor(props: Props) {
  const { search } = props;
  const navigate = useNavigate();
  const { draft, setText, edit, setFolder, reset, isChanged } = useDraft(props.origin, props.start);
  const [jump, setJump] = useState<{ line: number }>();
  const settled = useSettled(draft, PAUSE_MS);
  const check = useQuery(checkQuery(settled.text, settled.folder));
  const waiting = settled !== draft || check.isFetching;
  const mistakes = check.data?.mistakes ?? [];
  const { values } = readExperiment(draft.text);
  const adapterName = asText(values?.adapter)?.split("@")[0];
  const adapter = props.adapters.find((one) => one.name === adapterName);
  const show = (launch: string | undefined) => {
    const { launch: _, ...rest } = search;
    void navigate({ to: "/new", search: launch === undefined ? rest : { ...rest, launch } });
  };
  const open = (mistake: ConfigMistake) => {
    const path = pathKeys(mistake.path);
    if (values && focusField(path)) return;
    setJump({ line: mistake.line ?? lineOf(draft.text, path) ?? 1 });
  };
  return (
    <div className="page">
      <Head name={asText(values?.name)} from={search.from} reset={isChanged ? reset : undefined} />
      <div className="page-body">
        {props.notes.length > 0 && (
          <Notice tone="warn">
            {props.notes.map((note) => (
              <p key={note}>{note}</p>
            ))}
          </Notice>
        )}
        <div className="new-layout">
          {values ? (
            <Form
              values={values}
              adapter={adapter}
              mistakes={mistakes}
              hasFolder={draft.folder !== ""}
              onChange={(path, value) => edit((text) => change(text, path, value))}
            />
          ) : (
            <Notice tone="warn">
              <h3>The text cannot be read as YAML</h3>
              <p>The form comes back when it can. What is wrong is told beside the text.</p>
            </Notice>
          )}
          <div className="new-side">
            {search.launch && (
              <LaunchPanel key={search.launch} id={search.launch} dismiss={() => show(undefined)} />
            )}
            <StartPanel
              draft={draft}
              ready={!waiting && Boolean(check.data?.plan)}
              setFolder={setFolder}
              onStarted={show}
            />
            {check.isError ? (
              <ErrorNotice error={check.error} retry={() => void check.refetch()} />
            ) : (
              <CheckPanel reply={check.data} waiting={waiting} open={open} />
            )}
            <section className="panel" aria-label="Text">
              <header>
                <h2 className="grow">experiment.yaml</h2>
              </header>
              <TextEditor
                text={draft.text}
                mistakes={waiting ? [] : mistakes}
                onChange={setText}
                jump={jump}
              />
            </section>
          </div>
        </div>
      </div>
    </div>
  );
}

/** `seed` gives way to `seeds`, which the form writes. */
function change(text: string, path: readonly string[], value: Parameters<typeof writeAt>[2]): string {
  const written = writeAt(text, path, value);
  return path[0] === "seeds" ? writeAt(written, ["seed"], undefined) : written;
}

function Head(props: {
  name: string | undefined;
  from: string | undefined;
  reset: (() => void) | undefined;
}) {
  return (
    <div className="page-head">
      <div className="row wrap">
        <h1 className="grow truncate">{props.name ? `New experiment: ${props.name}` : "New experiment"}</h1>
        {props.reset && (
          <button type="button" className="button" onClick={props.reset}>
            <Icon name="reset" /> Start over
          </button>
        )}
      </div>
    </div>
  );
}
