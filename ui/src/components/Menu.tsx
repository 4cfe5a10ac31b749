/** A button with a menu of actions: arrow keys, typing ahead, Escape. */

import type { ReactNode } from "react";
import { Button } from "react-aria-components/Button";
import { Menu, MenuItem, MenuTrigger } from "react-aria-components/Menu";
import { Popover } from "react-aria-components/Popover";

export interface MenuAction {
  id: string;
  label: string;
  /** A second line or a shortcut. */
  hint?: string;
  danger?: boolean;
  disabled?: boolean;
  run: () => void;
}

export function ActionMenu(props: {
  label: string;
  button: ReactNode;
  className?: string;
  actions: readonly MenuAction[];
}) {
  return (
    <MenuTrigger>
      <Button className={props.className ?? "button"} aria-label={props.label}>
        {props.button}
      </Button>
      <Popover className="popover menu-popover" data-overlay placement="bottom end" offset={6}>
        <Menu className="menu" aria-label={props.label}>
          {props.actions.map((action) => (
            <MenuItem
              key={action.id}
              id={action.id}
              className={`menu-item ${action.danger ? "danger" : ""}`}
              textValue={action.label}
              isDisabled={action.disabled ?? false}
              onAction={action.run}
            >
              <span className="grow truncate">{action.label}</span>
              {action.hint && <span className="faint small">{action.hint}</span>}
            </MenuItem>
          ))}
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}
