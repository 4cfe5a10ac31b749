/** Small marks of a version: its aliases, its stage, whether its files are there. */

import { Link } from "@tanstack/react-router";
import { Icon } from "~/components/Icon";
import { stageTone, statusTone } from "~/model/registry";

/** An alias that leads to the version it names. */
export function AliasBadge(props: { model: string; alias: string; version: number; isProtected?: boolean }) {
  const { model, alias, version, isProtected } = props;
  const told = `names version ${version}${isProtected ? "; given past a gate only" : ""}`;
  return (
    <Link
      className="badge accent"
      to="/models/$name/$version"
      params={{ name: model, version: String(version) }}
      title={`${alias} ${told}`}
    >
      {isProtected && <Icon name="lock" size={11} />}
      {alias}
    </Link>
  );
}

export function StageBadge({ stage }: { stage: string }) {
  if (stage === "none") return <span className="faint">–</span>;
  return <span className={`badge ${stageTone(stage)}`}>{stage}</span>;
}

export function StatusBadge({ status, message }: { status: string; message?: string | null | undefined }) {
  return (
    <span className={`badge ${statusTone(status)}`} title={message ?? undefined}>
      <span className="dot" aria-hidden="true" />
      {status}
    </span>
  );
}
