/** Catches what breaks while drawing a page and says what to do; the frame stays usable. */

import { Component, type ErrorInfo, type ReactNode } from "react";

interface State {
  error: Error | undefined;
}

export class ErrorBoundary extends Component<{ children: ReactNode; resetKey: string }, State> {
  override state: State = { error: undefined };

  static getDerivedStateFromError(error: Error): State {
    return { error };
  }

  override componentDidCatch(error: Error, info: ErrorInfo): void {
    console.error(error, info.componentStack);
  }

  override componentDidUpdate(previous: { resetKey: string }): void {
    if (this.state.error && previous.resetKey !== this.props.resetKey) this.setState({ error: undefined });
  }

  override render(): ReactNode {
    const { error } = this.state;
    return error ? (
      <PageError error={error} retry={() => this.setState({ error: undefined })} />
    ) : (
      this.props.children
    );
  }
}

export function PageError({ error, retry }: { error: unknown; retry: () => void }) {
  const message = error instanceof Error ? error.message : String(error);
  return (
    <div className="empty" role="alert">
      <h2>This page broke</h2>
      <p>
        Nothing on the hub is affected; your runs go on. Try again, or go back to the runs. If it happens
        again, the text below belongs in the report.
      </p>
      <pre className="code-block">{message}</pre>
      <div className="row">
        <button type="button" className="button primary" onClick={retry}>
          Try again
        </button>
        <a className="button" href="/">
          Back to the runs
        </a>
      </div>
    </div>
  );
}
