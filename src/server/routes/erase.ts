import { parseInstant } from "../../core/ledger/index.ts";
import type { PersonId } from "../../core/brand.ts";
import { InputError } from "../../core/errors.ts";
import { parseId } from "../../core/ids.ts";
import { askErasure, performErasure, type Privacy, type Selector } from "../../engine/index.ts";
import type { House } from "../house.ts";
import { privacyFault } from "../privacy.ts";
import { HttpProblem, refusalProblem } from "../problem.ts";
import type { Routes } from "../route.ts";
import { Empty, ErasureBody } from "../schemas.ts";
import { timeOf } from "../views.ts";

/** Erasing payloads: an operator asks and carries out, people agree in between. */
export function eraseRoutes(routes: Routes, house: House): void {
  routes.add({
    method: "POST",
    url: "/v1/erasures",
    access: "operator",
    summary: "Ask people to agree that payloads are erased: by person, by subject or by age",
    body: ErasureBody,
    handler: async ({ who, body, reply }) => {
      const wanted = { selector: selectorOf(body), legalBasis: body.legal_basis };
      const { state, plan } = await askErasure(house.ctx, who.id, privacyOf(house), wanted);
      void reply.code(202);
      return {
        request: state.opened.id,
        entries: plan.indexes.length,
        requests: plan.requests.length,
        kept: plan.kept,
        expires_at: timeOf(state.opened.expiresAt),
        terms: state.terms.map(({ group, quorum }) => ({ group, quorum })),
        review: `${house.publicUrl}/requests/${state.opened.id}`,
      };
    },
  });
  routes.add({
    method: "POST",
    url: "/v1/erasures/:id/perform",
    access: "operator",
    summary: "Erase what people agreed to",
    body: Empty,
    handler: async ({ params }) => {
      const erased = await performErasure(house.ctx, privacyOf(house), parseId("request", params["id"]));
      if ("refused" in erased) throw refusalProblem(erased);
      return { entries: erased.entries, requests: erased.requests, by: erased.by };
    },
  });
}

function privacyOf(house: House): Privacy {
  const fault = privacyFault(house);
  if (house.privacy === null || fault !== null) {
    throw new HttpProblem({ status: 409, code: "privacy_unset", message: fault ?? "nobody may agree to erase" });
  }
  return house.privacy;
}

function selectorOf(body: {
  person?: string | undefined;
  subject?: string | undefined;
  before?: string | undefined;
}): Selector {
  const given = [body.person, body.subject, body.before].filter((one) => one !== undefined);
  if (given.length !== 1) throw invalid("give one of `person`, `subject` and `before`", "");
  if (body.person !== undefined) return { person: body.person as PersonId };
  if (body.subject !== undefined) return { subject: body.subject };
  try {
    return { before: parseInstant(body.before ?? "") };
  } catch {
    throw invalid("`before` is a time like `2026-01-31T00:00:00.000Z`", "/before");
  }
}

function invalid(message: string, pointer: string): InputError {
  return new InputError({ code: "question_invalid", message, pointer });
}
