import type { FastifyInstance } from "fastify";
import { InputError } from "../core/errors.ts";
import { HttpProblem } from "./problem.ts";

/** Bytes of a form, and its fields. */
export const FORM_BYTES_MAX = 65_536;
const FIELDS_MAX = 64;
const MEDIA_TYPE = "application/x-www-form-urlencoded";

/**
 * Reads forms, for the few addresses whose standards speak so. Pages of other sites can send one without being asked
 * (a form is no reason for a preflight), so every other route refuses it: see `checkMediaType`.
 */
export function acceptForms(app: FastifyInstance): void {
  app.addContentTypeParser(MEDIA_TYPE, { parseAs: "string", bodyLimit: FORM_BYTES_MAX }, (_request, body, done) => {
    try {
      done(null, parseForm(String(body)));
    } catch (error) {
      done(error as Error, undefined);
    }
  });
}

/** Fields by their names. A name that comes twice is refused (RFC 6749 §3.2): two readers could take different ones. */
export function parseForm(text: string): Readonly<Record<string, string>> {
  const fields = [...new URLSearchParams(text)];
  const refuse = (message: string): InputError => new InputError({ code: "question_invalid", message });
  if (fields.length > FIELDS_MAX) throw refuse(`a form has at most ${FIELDS_MAX} fields`);
  if (new Set(fields.map(([name]) => name)).size !== fields.length) throw refuse("a field comes twice");
  // Without a prototype: a field may be called anything.
  return Object.assign(Object.create(null) as Record<string, string>, Object.fromEntries(fields));
}

/** Refuses a form where none is taken, before it is read; and anything else where a form is. */
export function checkMediaType(given: string | undefined, isForm: boolean): void {
  if (given === "application/json" && !isForm) return; // what every gate sends
  const type = (given ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
  if (isForm === (type === MEDIA_TYPE)) return;
  if (isForm || type === MEDIA_TYPE) {
    const message = isForm ? `send ${MEDIA_TYPE}` : "send application/json";
    throw new HttpProblem({ status: 415, code: "media_type", message });
  }
}
