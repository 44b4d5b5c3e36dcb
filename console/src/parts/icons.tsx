import type { ReactElement, ReactNode } from "react";
import type { End } from "../model/words.ts";

function Icon({ children }: { readonly children: ReactNode }): ReactElement {
  return (
    <svg
      viewBox="0 0 16 16"
      width="16"
      height="16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      className="shrink-0"
    >
      {children}
    </svg>
  );
}

export const CheckIcon = (): ReactElement => (
  <Icon>
    <path d="m3 8.5 3.2 3.2L13 4.8" />
  </Icon>
);
export const CrossIcon = (): ReactElement => (
  <Icon>
    <path d="m4 4 8 8m0-8-8 8" />
  </Icon>
);
export const BackIcon = (): ReactElement => (
  <Icon>
    <path d="M9.5 3.5 5 8l4.5 4.5" />
  </Icon>
);
export const DownIcon = (): ReactElement => (
  <Icon>
    <path d="m4 6.5 4 4 4-4" />
  </Icon>
);
export const CopyIcon = (): ReactElement => (
  <Icon>
    <rect x="5.5" y="5.5" width="8" height="8" rx="1.5" />
    <path d="M10.5 5.5V4A1.5 1.5 0 0 0 9 2.5H4A1.5 1.5 0 0 0 2.5 4v5A1.5 1.5 0 0 0 4 10.5h1.5" />
  </Icon>
);
export const AlertIcon = (): ReactElement => (
  <Icon>
    <path d="M8 2 1.8 13.2h12.4z" />
    <path d="M8 6.5v3m0 1.8v.1" />
  </Icon>
);
export const NoIcon = (): ReactElement => (
  <Icon>
    <circle cx="8" cy="8" r="6" />
    <path d="m3.9 3.9 8.2 8.2" />
  </Icon>
);
export const WaitIcon = (): ReactElement => (
  <Icon>
    <circle cx="8" cy="8" r="6" />
    <path d="M8 4.5V8l2.3 1.6" />
  </Icon>
);

/** How a request ended. */
export function EndIcon({ end }: { readonly end: End }): ReactElement {
  if (end === "good") return <CheckIcon />;
  return end === "bad" ? <CrossIcon /> : <NoIcon />;
}
