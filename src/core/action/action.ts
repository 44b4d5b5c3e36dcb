import type { Digest } from "../brand.ts";
import { utf8Length } from "../encoding.ts";
import { InputError } from "../errors.ts";
import { canonicalize, inOrder } from "./canonical.ts";
import { digest } from "./digest.ts";
import { isJsonList, isJsonObject } from "./json.ts";
import type { Json, JsonObject } from "./json.ts";
import { NAME_CHARS_MAX, PROMPT_BYTES_MAX, REASON_BYTES_MAX } from "./question.ts";
import type { Action, Context, Declared, Question, Resource, Subject } from "./question.ts";
import { escapeStep, quoted, refuse } from "./refuse.ts";

/** Effects that a gate may declare of one action. */
export const DECLARED_EFFECTS_MAX = 32;
/** Facts that a gate may declare of one action, and strings in the list of one fact. */
export const DECLARED_FACTS_MAX = 256;

/** The canonical action: what is shown, approved, permitted, redeemed, executed and logged. */
export type CanonicalAction = { readonly text: string; readonly digest: Digest };

/** A member's value and its place, for the sentence that refuses it. */
type Place = { readonly value: Json | undefined; readonly pointer: string };

const CONTROL = /\p{Cc}/u;

/**
 * Reads the four of a question (AuthZEN §5, §6.1). Unknown members of the question and of its context are ignored, as
 * AuthZEN asks; in subject, action and resource they are refused, because nothing there may stand outside the digest.
 * `pointer` is where the question itself stands, such as `/evaluations/3`.
 */
export function parseQuestion(json: Json, pointer: string = ""): Question {
  const top: Place = { value: json, pointer };
  return {
    subject: parseEntity(member(top, "subject"), "subject"),
    action: parseAction(member(top, "action")),
    resource: parseEntity(member(top, "resource"), "resource"),
    context: parseContext(member(top, "context")),
  };
}

/** The same question with its members in the canonical order, which spares sorting them again for each text of it. */
export function questionInOrder({ subject, action, resource, context }: Question): Question {
  return {
    action: { name: action.name, ...propertiesInOrder(action) },
    context,
    resource: entityInOrder(resource),
    subject: entityInOrder(subject),
  };
}

function entityInOrder(entity: Subject & Resource): Subject & Resource {
  return { id: entity.id, ...propertiesInOrder(entity), type: entity.type };
}

function propertiesInOrder({ properties }: { readonly properties?: JsonObject }): { readonly properties?: JsonObject } {
  if (properties === undefined) return {};
  const ordered = inOrder(properties);
  return { properties: isJsonObject(ordered) ? ordered : properties };
}

/** The canonical form of a question's action and its digest. Reason, declarations, session and approval are outside it. */
export function canonicalAction(question: Question): CanonicalAction {
  const { subject, action, resource, context } = question;
  const text = canonicalize({ action, environment: context.environment ?? null, resource, subject, v: 1 });
  return { text, digest: digest(text) };
}

function parseEntity(place: Place, what: "subject" | "resource"): Subject & Resource {
  const object = objectAt(place, what);
  onlyMembers(object, place, ["type", "id", "properties"]);
  const type = parseName(member(place, "type"));
  const id = parseName(member(place, "id"));
  const properties = parseProperties(member(place, "properties"));
  return properties === undefined ? { type, id } : { type, id, properties };
}

function parseAction(place: Place): Action {
  const object = objectAt(place, "action");
  onlyMembers(object, place, ["name", "properties"]);
  const name = parseName(member(place, "name"));
  const properties = parseProperties(member(place, "properties"));
  return properties === undefined ? { name } : { name, properties };
}

function parseProperties(place: Place): JsonObject | undefined {
  return place.value === undefined ? undefined : objectAt(place, "properties");
}

function parseContext(place: Place): Context {
  if (place.value === undefined) return {};
  objectAt(place, "context");
  const environment = optional(member(place, "environment"), parseName);
  const reason = optional(member(place, "reason"), (at) => parseClaim(at, "a reason", REASON_BYTES_MAX));
  const prompt = optional(member(place, "prompt"), (at) => parseClaim(at, "a prompt", PROMPT_BYTES_MAX));
  const provenance = member(place, "provenance").value;
  const declared = optional(member(place, "declared"), parseDeclared);
  const approval = optional(member(place, "approval"), parseApproval);
  const session = optional(member(place, "session"), parseName);
  return {
    ...(environment === undefined ? {} : { environment }),
    ...(reason === undefined ? {} : { reason }),
    ...(declared === undefined ? {} : { declared }),
    ...(approval === undefined ? {} : { approval }),
    ...(session === undefined ? {} : { session }),
    ...(prompt === undefined ? {} : { prompt }),
    // Whatever else a gate says of it is no assurance, and means nothing.
    ...(provenance === "untrusted" ? { provenance } : {}),
  };
}

function parseApproval(place: Place): { readonly id: string } {
  objectAt(place, "approval");
  return { id: parseName(member(place, "id")) };
}

function parseClaim(place: Place, what: string, bytesMax: number): string {
  const { value, pointer } = place;
  if (typeof value !== "string") throw invalid(`${what} is a string`, pointer);
  if (utf8Length(value) > bytesMax) {
    throw invalid(`${what} may have at most ${bytesMax} bytes of UTF-8; shorten it`, pointer);
  }
  return value;
}

function parseDeclared(place: Place): Declared {
  onlyMembers(objectAt(place, "declared"), place, ["effects", "facts"]);
  const effects = optional(member(place, "effects"), parseEffects);
  const facts = optional(member(place, "facts"), parseFacts);
  return { ...(effects === undefined ? {} : { effects }), ...(facts === undefined ? {} : { facts }) };
}

function parseEffects(place: Place): readonly string[] {
  const { value, pointer } = place;
  if (!isJsonList(value)) throw invalid('effects are a list of names, such as `["export"]`', pointer);
  if (value.length > DECLARED_EFFECTS_MAX) throw invalid(`at most ${DECLARED_EFFECTS_MAX} effects`, pointer);
  return value.map((effect, index) => parseName({ value: effect, pointer: `${pointer}/${index}` }));
}

function parseFacts(place: Place): { readonly [name: string]: Json } {
  const facts = objectAt(place, "facts");
  const names = Object.keys(facts);
  if (names.length > DECLARED_FACTS_MAX) throw invalid(`at most ${DECLARED_FACTS_MAX} facts`, place.pointer);
  for (const name of names) {
    const fact = member(place, name);
    parseName({ value: name, pointer: fact.pointer });
    if (!isFactValue(fact.value)) {
      throw invalid("a fact is a string, a number, a boolean or a short list of strings", fact.pointer);
    }
  }
  return facts;
}

function isFactValue(value: Json | undefined): boolean {
  if (!isJsonList(value)) return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
  return value.length <= DECLARED_FACTS_MAX && value.every((item) => typeof item === "string");
}

/** A type, name, id, environment or session: compared byte for byte, and shown on one line. */
function parseName(place: Place): string {
  const { value, pointer } = place;
  if (value === undefined) throw invalid("this member is missing", pointer);
  if (typeof value !== "string") throw invalid("this member is a string", pointer);
  if (value === "") throw invalid("this member must not be empty", pointer);
  if (value.length > NAME_CHARS_MAX) throw invalid(`at most ${NAME_CHARS_MAX} characters`, pointer);
  if (CONTROL.test(value)) throw invalid("control characters are not accepted here", pointer);
  return value;
}

function optional<T>(place: Place, parse: (place: Place) => T): T | undefined {
  return place.value === undefined ? undefined : parse(place);
}

/** A member by its own name only: what an object inherits, such as `toString`, was not sent. */
function member(place: Place, name: string): Place {
  const object = objectAt(place, "question");
  const value = Object.hasOwn(object, name) ? object[name] : undefined;
  return { value, pointer: `${place.pointer}/${escapeStep(name)}` };
}

function objectAt(place: Place, what: string): JsonObject {
  const { value, pointer } = place;
  if (value === undefined) throw invalid(`\`${what}\` is missing`, pointer);
  if (!isJsonObject(value)) throw invalid(`\`${what}\` is an object`, pointer);
  return value;
}

function onlyMembers(object: JsonObject, place: Place, known: readonly string[]): void {
  for (const name of Object.keys(object)) {
    if (known.includes(name)) continue;
    const message = `member ${quoted(name)} is not known here; put what belongs to the action into \`properties\``;
    throw invalid(message, `${place.pointer}/${escapeStep(name)}`);
  }
}

function invalid(message: string, pointer: string): InputError {
  return refuse("question_invalid", message, pointer);
}
