import { Failure } from "./failure.ts";

/** The oldest Node that the server runs on: `node:sqlite` without a flag. */
export const SERVER_NODE_MAJOR_MIN = 24;

/** Throws `node_too_old` where a part of the server is asked of a Node that cannot run it. */
export function checkNode(
  command: { readonly name: string; readonly needsServerNode: boolean },
  version: string,
): void {
  if (!command.needsServerNode || Number(version.split(".")[0]) >= SERVER_NODE_MAJOR_MIN) return;
  throw new Failure({
    code: "node_too_old",
    message:
      `\`keyturn ${command.name}\` needs Node ${SERVER_NODE_MAJOR_MIN} or later, and this is Node ${version}. ` +
      "In a clone, `npm start` brings the right one; elsewhere install it from nodejs.org.",
  });
}
