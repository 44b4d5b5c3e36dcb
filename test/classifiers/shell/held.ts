import { HELD_HARM } from "./held/harm.ts";
import { HELD_LANGUAGE } from "./held/language.ts";
import { HELD_PROGRAMS } from "./held/programs.ts";

/** Commands that must never pass by themselves, in families. Parsed only, never executed. */
export const HELD: Readonly<Record<string, readonly string[]>> = { ...HELD_PROGRAMS, ...HELD_LANGUAGE, ...HELD_HARM };
