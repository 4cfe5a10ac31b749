/** Adapters the hub knows: what each can do, whether it can be used, and one of them in full. */

import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { adaptersQuery } from "~/api/queries";
import { ErrorNotice, Loading } from "~/components/parts";
import { AdapterDetail } from "./AdapterDetail";
import { AdapterList } from "./AdapterList";

const route = getRouteApi("/adapters");

export function AdaptersPage() {
  const { name } = route.useSearch();
  const query = useQuery(adaptersQuery());
  const adapters = query.data?.adapters;
  if (name !== undefined && adapters) {
    return <AdapterDetail name={name} adapters={adapters.filter((one) => one.name === name)} />;
  }
  return (
    <div className="page">
      <div className="page-head">
        <h1>Adapters</h1>
        <p className="muted">
          An adapter teaches the hub one kind of model: its params, its commands, its metrics.
        </p>
      </div>
      <div className="page-body">
        {query.isPending && <Loading />}
        {query.isError && <ErrorNotice error={query.error} retry={() => void query.refetch()} />}
        {adapters && <AdapterList adapters={adapters} />}
      </div>
    </div>
  );
}
