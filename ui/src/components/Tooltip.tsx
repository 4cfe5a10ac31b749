/** A short text at a button on hover and on focus. The button keeps a name of its own: a tooltip adds to it. */

import type { ReactNode } from "react";
import { Button } from "react-aria-components/Button";
import { Tooltip, TooltipTrigger } from "react-aria-components/Tooltip";

export const TOOLTIP_DELAY_MS = 400;

export function TipButton(props: {
  label: string;
  tip: ReactNode;
  className?: string;
  onPress: () => void;
  children: ReactNode;
}) {
  return (
    <TooltipTrigger delay={TOOLTIP_DELAY_MS}>
      <Button
        className={props.className ?? "button ghost icon"}
        aria-label={props.label}
        onPress={props.onPress}
      >
        {props.children}
      </Button>
      <Tooltip className="tooltip" offset={6}>
        {props.tip}
      </Tooltip>
    </TooltipTrigger>
  );
}
