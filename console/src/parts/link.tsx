import type { MouseEvent, ReactElement, ReactNode, Ref } from "react";
import { go } from "../state/route.ts";

type Props = {
  readonly to: string;
  readonly children: ReactNode;
  readonly className?: string;
  readonly current?: boolean;
  readonly id?: string;
  readonly ref?: Ref<HTMLAnchorElement>;
};

/** A link inside the console; with a modifier key the browser has it. */
export function Link({ to, children, className, current, id, ref }: Props): ReactElement {
  const onClick = (event: MouseEvent): void => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(to);
  };
  return (
    <a
      href={to}
      id={id}
      ref={ref}
      className={className}
      aria-current={current === true ? "page" : undefined}
      onClick={onClick}
    >
      {children}
    </a>
  );
}
