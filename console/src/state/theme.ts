import { createStore, type Store } from "./store.ts";

export type Theme = "system" | "light" | "dark";

const KEY = "keyturn.theme";
const THEMES: readonly Theme[] = ["system", "light", "dark"];

function kept(): Theme {
  try {
    return THEMES.find((theme) => theme === localStorage.getItem(KEY)) ?? "system";
  } catch {
    return "system"; // storage may be forbidden; the theme then lasts as long as the page
  }
}

function apply(theme: Theme): void {
  if (theme === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
}

export const theme: Store<Theme> = createStore(kept());
apply(theme.get());

/** Goes on to the next theme: as the system has it, light, dark. */
export function nextTheme(): void {
  theme.set((now) => THEMES[(THEMES.indexOf(now) + 1) % THEMES.length] ?? "system");
  apply(theme.get());
  try {
    localStorage.setItem(KEY, theme.get());
  } catch {
    // see kept()
  }
}
