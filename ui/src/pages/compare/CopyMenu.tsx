/** A table taken along: on the clipboard as Markdown or LaTeX, or as a CSV file. */

import { useState } from "react";
import { copyText, saveText } from "~/components/clipboard";
import { Icon } from "~/components/Icon";
import { ActionMenu } from "~/components/Menu";
import { type TextTable, toCsv, toLatex, toMarkdown } from "~/model/tables";

export function CopyMenu(props: {
  label: string;
  file: string;
  table: () => TextTable;
  /** The table with every digit, for the file; the same when absent. */
  exact?: () => TextTable;
}) {
  const { table, exact = table } = props;
  const [told, setTold] = useState("");
  const copy = async (what: string, text: string) => {
    const done = await copyText(text);
    setTold(done ? `Copied as ${what}` : "The browser refused the clipboard; take the CSV file");
  };
  return (
    <>
      <span className="muted small" role="status">
        {told}
      </span>
      <ActionMenu
        label={props.label}
        button={
          <>
            <Icon name="download" size={14} /> Export
          </>
        }
        actions={[
          { id: "md", label: "Copy as Markdown", run: () => void copy("Markdown", toMarkdown(table())) },
          { id: "tex", label: "Copy as LaTeX", run: () => void copy("LaTeX", toLatex(table())) },
          {
            id: "csv",
            label: "Save as CSV",
            hint: "every digit",
            run: () => saveText(props.file, "text/csv", toCsv(exact())),
          },
        ]}
      />
    </>
  );
}
