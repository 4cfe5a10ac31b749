/** Puts what is looked at into a report, an old one or a new one. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { reports, reportsQuery } from "~/api/documents";
import { Dialog } from "~/components/Dialog";
import { ErrorNotice, Loading } from "~/components/parts";
import { isWritable, panelTitle, type ReportBlock, type ReportPanel, readBlocks } from "~/model/report";
import { NameForm } from "~/pages/reports/NameForm";

const NEW = "";

export function AddPanel(props: { panel: () => ReportPanel | readonly ReportPanel[]; label?: string }) {
  const [panels, setPanels] = useState<readonly ReportPanel[]>();
  return (
    <>
      <button type="button" className="button" onClick={() => setPanels([props.panel()].flat())}>
        {props.label ?? "Add to report"}
      </button>
      {panels && <AddDialog panels={panels} close={() => setPanels(undefined)} />}
    </>
  );
}

function asBlocks(panels: readonly ReportPanel[]): ReportBlock[] {
  return panels.map((panel, i) => ({ key: `new${i}`, type: "panel", panel }));
}

/** The report as it is now with the panels at its end; the hub refuses it when it changed in between. */
async function append(id: string, panels: readonly ReportPanel[]) {
  const document = await reports.read(id);
  if (!isWritable(document.body)) {
    throw new Error(
      "This report was written by a newer version of the hub. Load the page again, then add to it.",
    );
  }
  const blocks = [...readBlocks(document.body), ...asBlocks(panels)];
  return reports.save(id, { name: document.name, blocks, revision: document.revision });
}

function AddDialog({ panels, close }: { panels: readonly ReportPanel[]; close: () => void }) {
  const queries = useQueryClient();
  const list = useQuery(reportsQuery());
  const [chosen, setChosen] = useState<string>();
  const documents = list.data?.documents ?? [];
  const id = chosen ?? documents[0]?.id ?? NEW;
  const add = useMutation({
    mutationFn: (name: string) =>
      id === NEW ? reports.create(name, null, asBlocks(panels)) : append(id, panels),
    onSuccess: (document) => reports.put(queries, document),
  });
  if (add.data) {
    return (
      <Dialog title="Added" close={close}>
        <p>
          It stands at the end of <strong>{add.data.name}</strong>.
        </p>
        <div className="row end">
          <button type="button" className="button" onClick={close}>
            Stay here
          </button>
          <Link to="/reports/$id" params={{ id: add.data.id }} className="button primary">
            Open the report
          </Link>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title="Add to a report" close={close}>
      <NameForm
        action="Add"
        named={id === NEW}
        pending={add.isPending || list.isPending}
        error={add.error}
        submit={add.mutate}
        close={close}
      >
        <p className="muted">{panels.map((panel) => panelTitle(panel.kind)).join(", ")}</p>
        {list.isPending && <Loading lines={2} />}
        {list.isError && <ErrorNotice error={list.error} retry={() => void list.refetch()} />}
        <label className="stack tight">
          <span className="small muted">Report</span>
          <select className="select" value={id} onChange={(event) => setChosen(event.target.value)}>
            {documents.map((document) => (
              <option key={document.id} value={document.id}>
                {document.name}
              </option>
            ))}
            <option value={NEW}>A new report</option>
          </select>
        </label>
      </NameForm>
    </Dialog>
  );
}
