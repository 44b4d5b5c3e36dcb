import { KeyturnError } from "../../client/index.ts";

export type McpErrorCode =
  | "message_malformed" // no JSON-RPC 2.0, or JSON that two readers could read differently
  | "message_too_large"
  | "calls_limited" // more open requests than CALLS_OPEN_MAX
  | "sessions_limited"
  | "id_in_use" // a request's id that another open request has
  | "state_invalid" // a requestState that this gateway did not give for this call, or that is over
  | "definition_changed" // a tool that is not what an operator accepted
  | "mapping_unusable" // a trusted server's mapping that cannot be followed for this call
  | "listing_failed" // the upstream does not tell what its tools are
  | "upstream_failed" // the upstream cannot be started or reached, or broke
  | "config_invalid"
  | "state_folder"; // the gateway's own files cannot be read or written

/** The MCP gateway could not, or would not, hand a message on. */
export class McpError extends KeyturnError {
  override readonly name = "McpError";
  declare readonly code: McpErrorCode;

  constructor(options: { code: McpErrorCode; message: string; cause?: unknown }) {
    super(options);
  }
}
