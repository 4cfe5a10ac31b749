/** Chooses one of many columns by typing a part of its name. */

import { useMemo, useState } from "react";
import { Button, ComboBox, Input, Label, ListBox, ListBoxItem, Popover } from "react-aria-components";
import { Icon } from "~/components/Icon";
import type { AnalysisColumn } from "~/model/analysis";

/** Matches listed at once; more are found by typing. */
const LISTED_MAX = 100;
const NONE = "";

interface Props {
  label: string;
  columns: readonly AnalysisColumn[];
  value: string | null;
  onChange: (id: string | null) => void;
  /** What "no column" is called, where that can be chosen. */
  none?: string | undefined;
}

interface Entry {
  id: string;
  label: string;
}

export function ColumnPicker({ label, columns, value, onChange, none }: Props) {
  const named = value === null ? (none ?? "") : (columns.find((one) => one.id === value)?.label ?? value);
  const [typed, setTyped] = useState<string>();
  const entries = useMemo(() => {
    const needle = (typed ?? "").toLowerCase();
    const found = columns.filter((column) => `${column.label} ${column.id}`.toLowerCase().includes(needle));
    const start: Entry[] = none === undefined || needle !== "" ? [] : [{ id: NONE, label: none }];
    return [...start, ...found.slice(0, LISTED_MAX)];
  }, [columns, typed, none]);
  return (
    <ComboBox
      className="column-picker"
      menuTrigger="focus"
      allowsEmptyCollection
      items={entries}
      inputValue={typed ?? named}
      onInputChange={setTyped}
      selectedKey={value ?? NONE}
      onSelectionChange={(key) => {
        setTyped(undefined);
        if (key === null) return;
        onChange(key === NONE ? null : String(key));
      }}
      onOpenChange={(open) => setTyped(open ? "" : undefined)}
    >
      <Label>{label}</Label>
      <span className="column-field">
        <Input className="input" placeholder={named || "Choose a column"} />
        <Button aria-label={`Columns for ${label}`}>
          <Icon name="chevron" size={11} />
        </Button>
      </span>
      <Popover className="analysis-popover" placement="bottom start">
        <ListBox
          className="analysis-menu"
          renderEmptyState={() => <p className="muted small inside">No column is called like that.</p>}
        >
          {(entry: Entry) => (
            <ListBoxItem id={entry.id} textValue={entry.label}>
              {entry.label}
              {entry.id !== entry.label && <span className="faint small"> {entry.id}</span>}
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </ComboBox>
  );
}
