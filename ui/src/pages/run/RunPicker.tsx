/** A dialog to choose another run: the newest of the project first, found by text on the hub. */

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { type KeyboardEvent, useDeferredValue, useState } from "react";
import { candidatesQuery } from "~/api/runPage";
import type { RunDetail, RunFound } from "~/api/types";
import { Dialog } from "~/components/Dialog";
import { useNow } from "~/components/hooks";
import { ErrorNotice, Loading, Segments, StateBadge, Swatch } from "~/components/parts";
import { colorIndex } from "~/model/colors";
import { formatAge } from "~/model/format";

/** Arrow keys go through the buttons of the list, and from its top back to the search. */
function onArrow(event: KeyboardEvent<HTMLElement>): void {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const stops = [...event.currentTarget.querySelectorAll<HTMLElement>("input, .picker-list button")];
  const at = stops.indexOf(document.activeElement as HTMLElement);
  const next = stops[at + (event.key === "ArrowDown" ? 1 : -1)];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

function Candidate({ run, choose }: { run: RunFound; choose: () => void }) {
  const now = useNow(false);
  return (
    <li>
      <button type="button" className="picker-run" onClick={choose}>
        <Swatch color={colorIndex(run.id)} />
        <span className="grow stack picker-name">
          <span className="truncate">{run.name}</span>
          <span className="faint small truncate">
            {run.project} / {run.experiment}
          </span>
        </span>
        <StateBadge state={run.state} />
        <span className="faint small nowrap">{formatAge(run.created_at, now)}</span>
      </button>
    </li>
  );
}

export function RunPicker(props: {
  title: string;
  run: RunDetail;
  close: () => void;
  choose: (run: string) => void;
}) {
  const { run } = props;
  const [text, setText] = useState("");
  const [where, setWhere] = useState<"project" | "all">("project");
  const wanted = useDeferredValue(text.trim());
  const query = useQuery({
    ...candidatesQuery(where === "project" ? run.project : null, wanted),
    placeholderData: keepPreviousData,
  });
  const found = query.data?.runs.filter((one) => one.id !== run.id);
  return (
    <Dialog title={props.title} close={props.close} wide>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: arrow keys are heard here for the parts within */}
      <div className="stack tight" onKeyDown={onArrow}>
        <div className="row wrap">
          <input
            type="search"
            className="input grow"
            placeholder="Name, experiment, tag…"
            aria-label="Find a run"
            autoFocus
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
          <Segments
            label="Where"
            value={where}
            onChange={setWhere}
            options={[
              ["project", "This project"],
              ["all", "Everywhere"],
            ]}
          />
        </div>
        {query.isError && <ErrorNotice error={query.error} />}
        {query.isPending && <Loading />}
        {found?.length === 0 && (
          <p className="muted" role="status">
            {wanted === "" ? "There is no other run here." : "No run holds this text."}
          </p>
        )}
        <ul className="picker-list" aria-label="Runs">
          {found?.map((one) => (
            <Candidate
              key={one.id}
              run={one}
              choose={() => {
                props.choose(one.id);
                props.close();
              }}
            />
          ))}
        </ul>
      </div>
    </Dialog>
  );
}
