/** Hands on a chart: shift-drag and shift-wheel pan, ctrl-wheel zooms, and the same by keys. */

export interface Moves {
  /** By a share of the width; positive to the right. */
  pan: (share: number) => void;
  /** By a factor (below 1: closer) about a place, from 0 at the left edge to 1. */
  zoom: (factor: number, about: number) => void;
  reset: () => void;
  /** A button holds the view, or lets go of it. */
  hold: (held: boolean) => void;
}

const WHEEL_ZOOM = 1.0015;
const KEY_PAN = 0.1;
const KEY_ZOOM = 0.8;

function onKey(event: KeyboardEvent, moves: Moves): boolean {
  switch (event.key) {
    case "ArrowLeft":
      moves.pan(KEY_PAN);
      return true;
    case "ArrowRight":
      moves.pan(-KEY_PAN);
      return true;
    case "+":
    case "=":
      moves.zoom(KEY_ZOOM, 0.5);
      return true;
    case "-":
      moves.zoom(1 / KEY_ZOOM, 0.5);
      return true;
    case "0":
      moves.reset();
      return true;
    default:
      return false;
  }
}

/** Listens on the plotting area, and for keys on its focusable host; returns how to stop. */
export function gestures(host: HTMLElement, over: HTMLElement, moves: Moves): () => void {
  let before: number | undefined;
  const end = new AbortController();
  const options = { signal: end.signal };
  const width = () => over.clientWidth || 1;
  over.addEventListener(
    "pointerdown",
    (event) => {
      if (!event.shiftKey || event.button !== 0) return;
      before = event.clientX;
      moves.hold(true);
      over.setPointerCapture(event.pointerId);
      over.classList.add("panning");
      event.preventDefault();
    },
    options,
  );
  over.addEventListener(
    "pointermove",
    (event) => {
      if (before === undefined) return;
      moves.pan((event.clientX - before) / width());
      before = event.clientX;
    },
    options,
  );
  const release = () => {
    if (before === undefined) return;
    before = undefined;
    moves.hold(false);
    over.classList.remove("panning");
  };
  over.addEventListener("pointerup", release, options);
  over.addEventListener("pointercancel", release, options);
  over.addEventListener("dblclick", () => moves.reset(), options);
  over.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey && !event.shiftKey) return;
      event.preventDefault();
      const turned = event.deltaY || event.deltaX;
      const about = (event.clientX - over.getBoundingClientRect().left) / width();
      if (event.ctrlKey) moves.zoom(WHEEL_ZOOM ** turned, about);
      else moves.pan(-turned / width());
    },
    { ...options, passive: false },
  );
  host.addEventListener(
    "keydown",
    (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || !onKey(event, moves)) return;
      event.preventDefault();
    },
    options,
  );
  return () => end.abort();
}
