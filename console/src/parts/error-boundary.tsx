import { Component, type ReactNode } from "react";

type Props = { readonly children: ReactNode };
type State = { readonly failed: boolean };

/** What cannot be shown completely is not shown at all: nobody approves half a page. */
export class ErrorBoundary extends Component<Props, State> {
  override readonly state: State = { failed: false };

  static getDerivedStateFromError(): State {
    return { failed: true };
  }

  override render(): ReactNode {
    if (!this.state.failed) return this.props.children;
    return (
      <div role="alert" className="sheet mx-auto mt-8 max-w-xl p-6">
        <h1 className="text-xl font-semibold">This could not be shown</h1>
        <p className="mt-2 text-soft">
          The console met an answer that it does not understand, so it shows nothing rather than half of it. Reload the
          page; if it happens again, the server and its console may be of different versions. The command line still
          works:
          <code className="literal"> keyturn requests</code>.
        </p>
      </div>
    );
  }
}
