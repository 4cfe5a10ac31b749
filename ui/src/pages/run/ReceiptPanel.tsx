/** What an evaluation stands on, and what is missing for it to count as verified. */

import type { Receipt } from "~/api/types";
import { Copy, Facts, Panel } from "~/components/parts";
import { shortHash } from "~/model/format";

function short(value: string | null | undefined) {
  return value ? <Copy value={value} short={shortHash(value)} /> : undefined;
}

export function ReceiptPanel({ receipt }: { receipt: Receipt }) {
  return (
    <Panel
      title="Receipt"
      aside={
        <span className={`badge ${receipt.verified ? "good" : "warn"}`}>
          {receipt.verified ? "verified" : "unverified"}
        </span>
      }
    >
      <div className="stack">
        {receipt.missing.length > 0 && <p className="muted">Missing: {receipt.missing.join(", ")}.</p>}
        <Facts
          items={[
            ["Predictions", short(receipt.predictions_hash)],
            ["File", receipt.predictions_path],
            ["Model", short(receipt.model_hash)],
            ["Dataset", receipt.dataset],
            ["Split", short(receipt.split_fingerprint)],
            [
              "Code",
              receipt.code ? (
                <Copy key="c" value={receipt.code} short={shortHash(receipt.code)} />
              ) : undefined,
            ],
            ["Environment", short(receipt.environment)],
          ]}
        />
      </div>
    </Panel>
  );
}
