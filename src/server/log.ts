/** Told of what went wrong here: never of what was sent. */
export type Log = (level: "info" | "error", message: string, details?: object) => void;
