import type { FastifyInstance } from "fastify";
import type { SlackChannel } from "../../channels/slack/index.ts";
import { HttpProblem } from "../problem.ts";
import type { Documented } from "../route.ts";

const MEDIA_TYPE = "application/x-www-form-urlencoded";
/** Where Slack sends clicks, in its settings of an app that has no socket. */
export const SLACK_URL = "/v1/channels/slack";

/**
 * What Slack sends by HTTP. No credential of ours opens it: the signature over the exact bytes does, so they are kept as
 * they came and parsed afterwards.
 */
export function slackRoutes(app: FastifyInstance, { receiver }: SlackChannel, documented: Documented[]): void {
  const summary = "Clicks from Slack, signed by it";
  documented.push({ method: "POST", url: SLACK_URL, access: "anyone", summary, body: null, form: true });
  void app.register((scope, _, done) => {
    scope.removeAllContentTypeParsers();
    const options = { parseAs: "buffer", bodyLimit: receiver.bodyBytesMax } as const;
    scope.addContentTypeParser(MEDIA_TYPE, options, (_request, body, parsed) => parsed(null, body));
    scope.post(SLACK_URL, async (request, reply) => {
      const { status, body } = await receiver.http({
        timestamp: single(request.headers["x-slack-request-timestamp"]),
        signature: single(request.headers["x-slack-signature"]),
        body: request.body instanceof Uint8Array ? request.body : new Uint8Array(),
      });
      if (status !== 200) throw refusal(status);
      return reply.code(200).send(body ?? "");
    });
    done();
  });
}

function single(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === "string" ? header : undefined;
}

/** Without the reason: whoever forges learns nothing, and the operator finds it in the metrics. */
function refusal(status: 401 | 403 | 404 | 503): HttpProblem {
  switch (status) {
    case 401:
      return new HttpProblem({ status, code: "unauthenticated", message: "this was not signed by Slack, just now" });
    case 403:
      return new HttpProblem({ status, code: "not_allowed", message: "this is not for this installation" });
    case 404:
      return new HttpProblem({ status, code: "not_found", message: "clicks of Slack come through a socket here" });
    case 503:
      return new HttpProblem({ status, code: "store_unavailable", message: "not now: nothing was decided" });
    default:
      return status satisfies never;
  }
}
