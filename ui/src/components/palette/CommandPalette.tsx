/** The command palette: everything that can be gone to or done, found by a few letters. */

import { type KeyboardEvent, useEffect, useState } from "react";
import { Autocomplete } from "react-aria-components/Autocomplete";
import { Dialog } from "react-aria-components/Dialog";
import { Header } from "react-aria-components/Header";
import { Input } from "react-aria-components/Input";
import { Menu, MenuItem, MenuSection } from "react-aria-components/Menu";
import { Modal, ModalOverlay } from "react-aria-components/Modal";
import { SearchField } from "react-aria-components/SearchField";
import { Icon } from "../Icon";
import { Keys } from "../Keys";
import { useStillPointer } from "../stillPointer";
import { takeKeys } from "./typeAhead";
import { type Command, useCommands } from "./useCommands";

function Item({ command, close }: { command: Command; close: () => void }) {
  return (
    <MenuItem
      id={command.id}
      className="menu-item"
      textValue={command.label}
      onAction={() => {
        close();
        command.run();
      }}
    >
      <Icon name={command.icon} />
      <span className="truncate">{command.label}</span>
      {command.hint && <span className="faint small truncate">{command.hint}</span>}
      <span className="grow" />
      {command.keys && <Keys keys={command.keys} />}
    </MenuItem>
  );
}

/** The field keeps the focus while it chooses from the list; a list that scrolls is reached by Tab as well. */
function reachByTab(list: HTMLDivElement | null): void {
  list?.setAttribute("tabindex", "0");
}

export default function CommandPalette({ close, openSheet }: { close: () => void; openSheet: () => void }) {
  const [text, setText] = useState("");
  useStillPointer();
  const { groups, asking } = useCommands(text);
  const [entered, setEntered] = useState(false);
  const first = groups[0]?.commands[0];
  // Typed before the field had the focus.
  const onFocus = () => {
    const keys = takeKeys();
    if (keys.text !== "") setText((before) => before + keys.text);
    if (keys.entered) setEntered(true);
  };
  useEffect(() => {
    if (!entered || (!first && asking)) return;
    setEntered(false);
    if (!first) return;
    close();
    first.run();
  }, [entered, first, asking, close]);
  // Enter typed faster than the list marks its first line, or than the hub finds it, means that line. The list
  // may still name a line that the last key took away.
  const onEnter = (event: KeyboardEvent<HTMLInputElement>) => {
    const marked = event.currentTarget.getAttribute("aria-activedescendant");
    if (event.key !== "Enter" || text.trim() === "") return;
    if (marked === null || document.getElementById(marked) === null) setEntered(true);
  };
  return (
    <ModalOverlay
      className="backdrop top"
      data-overlay
      isOpen
      isDismissable
      onOpenChange={(open) => !open && close()}
    >
      <Modal className="palette">
        <Dialog aria-label="Find anything" className="palette-body">
          <Autocomplete inputValue={text} onInputChange={setText}>
            <SearchField className="palette-field" aria-label="Find anything" autoFocus>
              <Icon name="search" />
              <Input
                placeholder="A page, a project, a run, an action"
                onFocus={onFocus}
                onKeyDown={onEnter}
              />
              {asking && <span className="faint small">asking the hub</span>}
            </SearchField>
            <Menu
              ref={reachByTab}
              className="menu palette-list"
              aria-label="Found"
              renderEmptyState={() => (
                <p className="muted palette-none">
                  {asking
                    ? "Looking"
                    : "Nothing has these letters. Runs are found by id, name, experiment, adapter or tag."}
                </p>
              )}
            >
              {groups.map((group) => (
                <MenuSection key={group.title} id={group.title}>
                  <Header className="menu-title">{group.title}</Header>
                  {group.commands.map((command) => (
                    <Item key={command.id} command={command} close={close} />
                  ))}
                </MenuSection>
              ))}
            </Menu>
          </Autocomplete>
          <footer className="palette-foot faint small">
            <span>
              <kbd>↑</kbd> <kbd>↓</kbd> choose
            </span>
            <span>
              <kbd>Enter</kbd> go
            </span>
            <span>
              <kbd>Esc</kbd> close
            </span>
            <span className="grow" />
            <button type="button" className="chip" onClick={openSheet}>
              All shortcuts
            </button>
          </footer>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}
