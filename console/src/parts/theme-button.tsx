import type { ReactElement } from "react";
import { nextTheme, theme } from "../state/theme.ts";

const GLYPHS = {
  system: (
    <>
      <circle cx="8" cy="8" r="5.5" />
      <path d="M8 2.5a5.5 5.5 0 0 0 0 11z" fill="currentColor" />
    </>
  ),
  light: (
    <path d="M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6M8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1" />
  ),
  dark: <path d="M13.5 9.8A5.8 5.8 0 0 1 6.2 2.5a5.8 5.8 0 1 0 7.3 7.3" />,
} as const;

export function ThemeButton(): ReactElement {
  const now = theme.use();
  const label = `Theme: ${now === "system" ? "as the system" : now}`;
  return (
    <button
      type="button"
      className="button-quiet inline-flex items-center rounded-md"
      aria-label={label}
      title={label}
      onClick={nextTheme}
    >
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
      >
        {GLYPHS[now]}
      </svg>
    </button>
  );
}
