/** Deleted runs: to be restored or purged; the ledger of what was freed; the rules that delete by themselves. */

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useCallback, useState } from "react";
import { client } from "~/api/client";
import { keys } from "~/api/queries";
import { Icon } from "~/components/Icon";
import { Empty } from "~/components/parts";
import { DELETED } from "~/model/request";
import { DELETED_TABS, type DeletedSearch, type DeletedTab, type RunsSearch } from "~/model/search";
import { RunsView } from "~/pages/runs/RunsView";
import { DeletionDialog } from "./DeletionDialog";
import { Ledger } from "./Ledger";
import { Retention } from "./Retention";

const route = getRouteApi("/deleted");

const TITLES: Record<DeletedTab, string> = { runs: "Runs", ledger: "Ledger", retention: "Retention rules" };

function Tabs({ tab }: { tab: DeletedTab }) {
  return (
    <nav className="tabs" aria-label="Parts of this page">
      {DELETED_TABS.map((one) => (
        <Link
          key={one}
          to="/deleted"
          search={one === "runs" ? {} : { tab: one }}
          className="tab"
          activeOptions={{ exact: true, includeSearch: true }}
          aria-current={one === tab ? "page" : undefined}
        >
          {TITLES[one]}
        </Link>
      ))}
    </nav>
  );
}

function NoDeleted() {
  return (
    <Empty title="No deleted runs">
      <p>
        Runs that are deleted wait here until they are restored or purged. Check runs in the{" "}
        <Link to="/" className="link">
          runs table
        </Link>{" "}
        and press Delete.
      </p>
    </Empty>
  );
}

function DeletedRuns({ search }: { search: DeletedSearch }) {
  const navigate = useNavigate();
  const change = useCallback(
    (next: Partial<RunsSearch>) =>
      void navigate({
        to: "/deleted",
        search: { ...search, ...next },
        replace: true,
      }),
    [navigate, search],
  );
  return (
    <RunsView
      search={{ ...search, cols: search.cols ?? "state,experiment,adapter,seed,deleted,created" }}
      change={change}
      deleted
      head={null}
      empty={<NoDeleted />}
      unmatched={
        <Empty title="No deleted run matches">
          <p>Change the query or the states above.</p>
        </Empty>
      }
    />
  );
}

/** Whether there is a deleted run; until that is known, it counts as none. */
function useAnyDeleted(): boolean {
  const found = useQuery({
    queryKey: [...keys.runs, "any-deleted"],
    queryFn: ({ signal }) => client.runSearch({ query: DELETED, columns: [], limit: 1 }, signal),
  });
  return (found.data?.total ?? 0) > 0;
}

export function DeletedPage() {
  const search = route.useSearch();
  const anyDeleted = useAnyDeleted();
  const tab = search.tab ?? "runs";
  const [purging, setPurging] = useState(false);
  return (
    <div className={`page ${tab === "runs" ? "fixed" : ""}`}>
      <div className="page-head">
        <div className="row wrap">
          <h1 className="grow">Deleted runs</h1>
          {tab === "runs" && anyDeleted && (
            <button type="button" className="button danger" onClick={() => setPurging(true)}>
              <Icon name="trash" size={14} /> Purge all
            </button>
          )}
        </div>
      </div>
      <Tabs tab={tab} />
      {tab === "runs" && <DeletedRuns search={search} />}
      {tab === "ledger" && <Ledger />}
      {tab === "retention" && <Retention />}
      {purging && (
        <DeletionDialog wish={{ action: "purge" }} close={() => setPurging(false)} done={() => undefined} />
      )}
    </div>
  );
}
