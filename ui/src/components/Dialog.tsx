/** A dialog over the page: the focus stays in it and goes back where it was, and Escape closes it. */

import type { ReactNode } from "react";
import { Dialog as AriaDialog } from "react-aria-components/Dialog";
import { Heading } from "react-aria-components/Heading";
import { Modal, ModalOverlay } from "react-aria-components/Modal";

export function Dialog(props: { title: string; wide?: boolean; close: () => void; children: ReactNode }) {
  return (
    <ModalOverlay
      className="backdrop"
      data-overlay
      isOpen
      isKeyboardDismissDisabled={false}
      onOpenChange={(open) => {
        if (!open) props.close();
      }}
    >
      <Modal className={`dialog ${props.wide ? "wide" : ""}`}>
        <AriaDialog className="stack dialog-body">
          <Heading slot="title" level={2}>
            {props.title}
          </Heading>
          {props.children}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}
