/** One report, read or edited in place. */

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { reportQuery } from "~/api/documents";
import { ErrorNotice, Loading } from "~/components/parts";
import { ReportEditor } from "./ReportEditor";
import { ReportView } from "./ReportView";

const route = getRouteApi("/reports/$id");

export function ReportPage() {
  const { id } = route.useParams();
  const { edit } = route.useSearch();
  const navigate = useNavigate();
  const query = useQuery(reportQuery(id));
  const setEdit = (on: boolean) =>
    void navigate({ to: "/reports/$id", params: { id }, search: on ? { edit: true } : {} });
  return (
    <div className="page report-page">
      <div className="page-head crumbs-only">
        <div className="crumbs">
          <Link to="/reports">Reports</Link>
          <span aria-hidden="true">/</span>
          <span className="truncate">{query.data?.name ?? id}</span>
        </div>
      </div>
      {query.isPending && (
        <div className="page-body">
          <Loading lines={6} />
        </div>
      )}
      {query.isError && (
        <div className="page-body">
          <h1>Report</h1>
          <ErrorNotice error={query.error} retry={() => void query.refetch()} />
        </div>
      )}
      {query.data &&
        (edit ? (
          <ReportEditor key={query.data.id} document={query.data} done={() => setEdit(false)} />
        ) : (
          <ReportView document={query.data} edit={() => setEdit(true)} />
        ))}
    </div>
  );
}
