/** All reports, newest first. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { reports, reportsQuery } from "~/api/documents";
import { Dialog } from "~/components/Dialog";
import { useNow } from "~/components/hooks";
import { Empty, ErrorNotice, Loading, TableWrap } from "~/components/parts";
import { formatAge, formatTime } from "~/model/format";
import type { DocumentHead } from "~/model/report";
import { NameForm } from "./NameForm";

export function ReportsPage() {
  const query = useQuery(reportsQuery());
  const [naming, setNaming] = useState(false);
  const [find, setFind] = useState("");
  const documents = query.data?.documents ?? [];
  const needle = find.trim().toLowerCase();
  const shown = documents.filter((one) => `${one.name} ${one.owner}`.toLowerCase().includes(needle));
  return (
    <div className="page">
      <div className="page-head">
        <div className="row wrap">
          <h1 className="grow">Reports</h1>
          {documents.length > 0 && (
            <input
              data-search
              type="search"
              className="input"
              aria-label="Find a report"
              placeholder="Find a report  ( / )"
              value={find}
              onChange={(event) => setFind(event.target.value)}
            />
          )}
          <button type="button" className="button primary" onClick={() => setNaming(true)}>
            New report
          </button>
        </div>
      </div>
      <div className="page-body">
        {query.isPending && <Loading />}
        {query.isError && <ErrorNotice error={query.error} retry={() => void query.refetch()} />}
        {query.data && documents.length === 0 && (
          <Empty title="No reports yet">
            <p>
              A report is text in Markdown with panels that follow the runs: curves, metrics, config
              differences. Start one here, or compare runs and press "Add to report".
            </p>
          </Empty>
        )}
        {shown.length > 0 && <List documents={shown} />}
        {documents.length > 0 && shown.length === 0 && (
          <p className="muted">No report is called like that.</p>
        )}
      </div>
      {naming && <NewReport close={() => setNaming(false)} />}
    </div>
  );
}

function List({ documents }: { documents: readonly DocumentHead[] }) {
  const now = useNow(false);
  return (
    <section className="panel">
      <TableWrap label="Reports">
        <table className="table hover">
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">By</th>
              <th scope="col">Project</th>
              <th scope="col">Changed</th>
            </tr>
          </thead>
          <tbody>
            {documents.map((one) => (
              <tr key={one.id}>
                <th scope="row">
                  <Link to="/reports/$id" params={{ id: one.id }} className="link">
                    {one.name}
                  </Link>
                </th>
                <td>{one.owner}</td>
                <td className={one.project ? "" : "faint"}>{one.project ?? "all"}</td>
                <td title={formatTime(one.updated_at)}>{formatAge(one.updated_at, now)} ago</td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableWrap>
    </section>
  );
}

function NewReport({ close }: { close: () => void }) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const create = useMutation({
    mutationFn: (name: string) => reports.create(name, null, []),
    onSuccess: async (document) => {
      await reports.put(queries, document);
      void navigate({ to: "/reports/$id", params: { id: document.id }, search: { edit: true } });
    },
  });
  return (
    <Dialog title="New report" close={close}>
      <NameForm
        named
        action="Start writing"
        pending={create.isPending}
        error={create.error}
        submit={create.mutate}
        close={close}
      />
    </Dialog>
  );
}
