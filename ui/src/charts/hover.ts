/** Which run is pointed at, told to every chart and to the table beside them without drawing React anew. */

type Listener = (key: string | undefined) => void;

export class HoverLink {
  private readonly listeners = new Set<Listener>();
  key: string | undefined;

  /** Points at a run or a group; undefined: at none. */
  point(key: string | undefined): void {
    if (key === this.key) return;
    this.key = key;
    for (const listener of this.listeners) listener(key);
  }

  listen(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  }
}
