/** The box in the head of the table: checks every run that matches, loaded or not. */

import { useMutation } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { PICKED_MAX, rowsMatching } from "~/api/workspace";
import { formatCount } from "~/model/format";
import type { RunsRequest } from "~/model/request";
import type { Selection } from "./lines";

export function SelectAll(props: { request: RunsRequest; total: number; selection: Selection }) {
  const { request, total, selection } = props;
  const box = useRef<HTMLInputElement>(null);
  const act = useMutation({
    mutationFn: () => rowsMatching(request),
    onSuccess: ({ runs }) => selection.set(runs, true),
  });
  const count = selection.ids.size;
  const most = Math.min(total, PICKED_MAX);
  const grouped = request.group_by.length > 0;
  const all = count > 0 && !grouped && count >= most;
  useEffect(() => {
    if (box.current) box.current.indeterminate = count > 0 && !all;
  }, [count, all]);
  const name = grouped
    ? "Check all runs that match"
    : total > PICKED_MAX
      ? `Check the first ${formatCount(PICKED_MAX)} runs that match`
      : `Check all ${formatCount(total)} runs that match`;
  return (
    <input
      ref={box}
      type="checkbox"
      aria-label={name}
      title={act.isError ? act.error.message : name}
      checked={all}
      aria-busy={act.isPending}
      onChange={() => (count > 0 ? selection.clear() : act.mutate())}
    />
  );
}
