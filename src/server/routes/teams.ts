import type { FastifyInstance } from "fastify";
import type { TeamsChannel } from "../../channels/teams/index.ts";
import { HttpProblem } from "../problem.ts";
import type { Documented } from "../route.ts";

/** Where the Bot Framework sends what happens in Teams: the bot's messaging endpoint. */
export const TEAMS_URL = "/v1/channels/teams";
/** Bytes of one activity; the receiver has the same limit. */
const BODY_BYTES_MAX: number = 256 * 1024;

/**
 * What Teams sends. No credential of ours opens it: the token of the Bot Framework does, which is checked against the body,
 * so the body is kept as it came and parsed by the receiver.
 */
export function teamsRoutes(app: FastifyInstance, { receiver }: TeamsChannel, documented: Documented[]): void {
  const summary = "Clicks from Microsoft Teams, with a token of the Bot Framework";
  documented.push({ method: "POST", url: TEAMS_URL, access: "anyone", summary, body: null });
  void app.register((scope, _, done) => {
    scope.removeAllContentTypeParsers();
    const options = { parseAs: "buffer", bodyLimit: BODY_BYTES_MAX } as const;
    scope.addContentTypeParser("application/json", options, (_request, body, parsed) => parsed(null, body));
    scope.post(TEAMS_URL, async (request, reply) => {
      const { status, body } = await receiver.http({
        authorization: request.headers.authorization,
        body: request.body instanceof Uint8Array ? request.body : new Uint8Array(),
      });
      if (status !== 200) throw refusal(status);
      return reply.code(200).send(body ?? "");
    });
    done();
  });
}

/** Without the reason: whoever forges learns nothing, and the operator finds it in the metrics. */
function refusal(status: 401 | 403 | 503): HttpProblem {
  switch (status) {
    case 401:
      return new HttpProblem({ status, code: "unauthenticated", message: "this was not sent by Teams, just now" });
    case 403:
      return new HttpProblem({ status, code: "not_allowed", message: "this is not for this installation" });
    case 503:
      return new HttpProblem({ status, code: "store_unavailable", message: "not now: nothing was decided" });
    default:
      return status satisfies never;
  }
}
