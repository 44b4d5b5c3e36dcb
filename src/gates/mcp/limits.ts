/** Bytes of one message in UTF-8, either way. What a client sends has to fit into a question, which has 1 MiB itself. */
export const CLIENT_MESSAGE_BYTES_MAX: number = 1024 * 1024;
/** Answers of an upstream may be larger: they are handed on, and are in no question. */
export const UPSTREAM_MESSAGE_BYTES_MAX: number = 32 * 1024 * 1024;
/** Requests of one client connection that are not yet answered. */
export const CALLS_OPEN_MAX = 256;
/** Connections and sessions of a listener, and how long one may be idle, in milliseconds. */
export const SESSIONS_MAX = 1_024;
export const SESSION_IDLE_MS: number = 30 * 60_000;
/** Bytes of all headers of one request to the listener. */
export const HEADER_BYTES_MAX: number = 16 * 1024;
/** Tools that one upstream may list, and pages of its list. */
export const TOOLS_MAX = 2_000;
export const TOOL_PAGES_MAX = 64;
/** After so long the definitions of tools are asked for again before a call, in milliseconds. */
export const DEFINITIONS_FRESH_MS = 60_000;
/** How long an upstream may take for a question of the gateway's own, in milliseconds. */
export const OWN_REQUEST_MS = 20_000;
/** Characters of a request's id or a progress token that is text. */
export const ID_CHARS_MAX = 256;
/** Messages to a client that has no stream open to take them. */
export const BACKLOG_MAX = 256;
/** Upstreams of one listener, and clients. */
export const UPSTREAMS_MAX = 64;
export const CLIENTS_MAX = 256;
/** Held calls of one connection that wait as tasks, and how long one may, in milliseconds. */
export const TASKS_MAX = 256;
export const TASK_HOLD_MS: number = 60 * 60_000;
