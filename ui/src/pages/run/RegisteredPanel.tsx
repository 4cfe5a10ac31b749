/** Versions of registered models that come from the run, or have files of it; and a button to register one. */

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { runModelsQuery } from "~/api/registry";
import { ErrorNotice, Panel } from "~/components/parts";
import { StageBadge } from "../models/badges";
import { RegisterDialog } from "../models/RegisterDialog";
import type { TabProps } from "./RunPage";

export function RegisteredPanel({ run }: TabProps) {
  const query = useQuery(runModelsQuery(run.id));
  const [registering, setRegistering] = useState(false);
  const versions = query.data?.versions ?? [];
  return (
    <Panel
      title="Registered as"
      aside={
        <button type="button" className="button ghost" onClick={() => setRegistering(true)}>
          Register model
        </button>
      }
    >
      {query.isError && <ErrorNotice error={query.error} retry={() => void query.refetch()} />}
      {query.data && versions.length === 0 && <p className="muted">No version of a model names this run.</p>}
      {versions.length > 0 && (
        <ul className="stack tight" aria-label="Registered as">
          {versions.map((one) => (
            <li key={`${one.model} ${one.version}`} className="row wrap">
              <Link
                className="link anywhere"
                to="/models/$name/$version"
                params={{ name: one.model, version: String(one.version) }}
              >
                {one.model}, version {one.version}
              </Link>
              {one.aliases.map((alias) => (
                <span key={alias} className="badge accent">
                  {alias}
                </span>
              ))}
              {one.stage !== "none" && <StageBadge stage={one.stage} />}
              {one.run !== run.id && <span className="faint small">its files only</span>}
            </li>
          ))}
        </ul>
      )}
      {registering && <RegisterDialog run={run} close={() => setRegistering(false)} />}
    </Panel>
  );
}
