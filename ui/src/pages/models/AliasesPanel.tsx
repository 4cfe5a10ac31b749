/** What the aliases of a model name, and which aliases and stages are given past a gate only. */

import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { registry } from "~/api/registry";
import type { RegisteredModelView } from "~/api/types";
import { Dialog } from "~/components/Dialog";
import { ActionMenu } from "~/components/Menu";
import { Notice, Panel, TableWrap } from "~/components/parts";
import { type TargetRow, targetRows, targetText } from "~/model/registry";
import { ProtectDialog } from "./ProtectDialog";
import { RulesText } from "./RulesField";
import { useRegistry } from "./useRegistry";

type Open = { what: "protect"; row?: TargetRow } | { what: "unprotect" | "remove"; row: TargetRow };

function Row(props: { model: RegisteredModelView; row: TargetRow; open: (wish: Open) => void }) {
  const { model, row, open } = props;
  const name = targetText(row.target);
  return (
    <tr>
      <th scope="row" className="anywhere">
        {name}
      </th>
      <td className="nowrap">
        {row.version === undefined ? (
          <span className="faint">{row.isAlias ? "no version" : "–"}</span>
        ) : (
          <Link
            className="link"
            to="/models/$name/$version"
            params={{ name: model.name, version: String(row.version) }}
          >
            version {row.version}
          </Link>
        )}
      </td>
      <td>
        {row.rules ? (
          <details className="rules-folded">
            <summary>
              <span className="badge info">protected</span>
            </summary>
            <RulesText rules={row.rules} />
          </details>
        ) : (
          <span className="faint">free</span>
        )}
      </td>
      <td className="num">
        <ActionMenu
          label={`Actions of ${name}`}
          className="button ghost icon"
          button="⋯"
          actions={[
            {
              id: "protect",
              label: row.rules ? "Change the rules…" : "Protect…",
              run: () => open({ what: "protect", row }),
            },
            ...(row.rules
              ? [
                  {
                    id: "unprotect",
                    label: "Unprotect…",
                    danger: true,
                    run: () => open({ what: "unprotect", row }),
                  },
                ]
              : []),
            ...(row.version === undefined
              ? []
              : [
                  {
                    id: "remove",
                    label: "Remove the alias…",
                    danger: true,
                    run: () => open({ what: "remove", row }),
                  },
                ]),
          ]}
        />
      </td>
    </tr>
  );
}

/** One question, one button. */
function Question(props: {
  title: string;
  text: string;
  action: string;
  act: () => Promise<unknown>;
  close: () => void;
}) {
  const { close } = props;
  const mutation = useRegistry(props.act);
  return (
    <Dialog title={props.title} close={close}>
      <p>{props.text}</p>
      {mutation.isError && <Notice tone="bad">{mutation.error.message}</Notice>}
      <div className="row wrap end">
        <button type="button" className="button" onClick={close}>
          Cancel
        </button>
        <button
          type="button"
          className="button primary danger"
          disabled={mutation.isPending}
          onClick={() => mutation.mutate(undefined, { onSuccess: close })}
        >
          {props.action}
        </button>
      </div>
    </Dialog>
  );
}

export function RemoveAlias(props: { model: string; alias: string; version: number; close: () => void }) {
  const { model, alias, version } = props;
  return (
    <Question
      title={`Remove the alias ${alias}?`}
      text={`Version ${version} stays. What asks for ${alias} finds nothing until a version has it again.`}
      action="Remove the alias"
      act={() => registry.aliasRemove(model, alias)}
      close={props.close}
    />
  );
}

export function AliasesPanel({ model }: { model: RegisteredModelView }) {
  const [open, setOpen] = useState<Open>();
  const close = () => setOpen(undefined);
  const rows = targetRows(model);
  return (
    <Panel
      title="Aliases and gates"
      aside={
        <button type="button" className="button ghost" onClick={() => setOpen({ what: "protect" })}>
          Protect…
        </button>
      }
      flush
    >
      {rows.length === 0 ? (
        <p className="inside muted">
          An alias such as <code>champion</code> names one version; what is deployed asks for it. Promote a
          version to give it one.
        </p>
      ) : (
        <TableWrap label="Aliases and gates">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Version</th>
                <th scope="col">Gate</th>
                <th scope="col">
                  <span className="visually-hidden">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <Row key={row.target} model={model} row={row} open={setOpen} />
              ))}
            </tbody>
          </table>
        </TableWrap>
      )}
      {open?.what === "protect" && <ProtectDialog model={model} row={open.row} close={close} />}
      {open?.what === "unprotect" && (
        <Question
          title={`Unprotect ${targetText(open.row.target)}?`}
          text="From then on anybody who may write can give it to any version, without a gate."
          action="Unprotect"
          act={() => registry.unprotect(model.name, open.row.target)}
          close={close}
        />
      )}
      {open?.what === "remove" && open.row.version !== undefined && (
        <RemoveAlias model={model.name} alias={open.row.target} version={open.row.version} close={close} />
      )}
    </Panel>
  );
}
