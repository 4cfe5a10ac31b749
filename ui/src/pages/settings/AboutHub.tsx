/** What the hub says of itself: who is asking, where it runs, what it stores in. */

import { useQuery } from "@tanstack/react-query";
import { infoQuery } from "~/api/queries";
import { ErrorNotice, Facts, Loading, Panel } from "~/components/parts";

const ROLES: Record<string, string> = {
  admin: "does everything and administers the hub",
  writer: "reads, and changes runs, datasets and evaluations",
  reader: "reads everything, changes nothing",
};

export function AboutHub() {
  const query = useQuery(infoQuery());
  const info = query.data;
  const role = info && ROLES[info.role];
  return (
    <Panel title="About this hub">
      {query.isPending && <Loading />}
      {query.isError && <ErrorNotice error={query.error} retry={() => void query.refetch()} />}
      {info && (
        <Facts
          items={[
            ["Version", info.version],
            ["Machine", info.host],
            ["Store", info.store],
            ["You", info.user],
            ["Role", role ? `${info.role}: ${role}` : info.role],
            ["Events taken", (info.event_formats ?? []).join(", ")],
            [
              "API",
              <a key="a" className="link" href="/api/v1/openapi.json">
                OpenAPI document
              </a>,
            ],
          ]}
        />
      )}
    </Panel>
  );
}
