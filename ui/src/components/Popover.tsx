/** A button that opens a panel under it; Escape and a press outside close the panel. */

import type { ReactNode } from "react";
import { Button } from "react-aria-components/Button";
import { Dialog, DialogTrigger } from "react-aria-components/Dialog";
import { Popover as AriaPopover } from "react-aria-components/Popover";

export function Popover(props: {
  label: string;
  button: ReactNode;
  on?: boolean;
  /** Classes of the button instead of the usual ones. */
  className?: string;
  /** The button's name where its content is only a picture. */
  buttonLabel?: string;
  children: (close: () => void) => ReactNode;
}) {
  return (
    <DialogTrigger>
      <Button
        className={props.className ?? `button ${props.on ? "on" : ""}`}
        aria-haspopup="dialog"
        {...(props.buttonLabel && { "aria-label": props.buttonLabel })}
      >
        {props.button}
      </Button>
      <AriaPopover className="popover" data-overlay placement="bottom end" offset={6}>
        <Dialog className="popover-body" aria-label={props.label}>
          {({ close }) => props.children(close)}
        </Dialog>
      </AriaPopover>
    </DialogTrigger>
  );
}
