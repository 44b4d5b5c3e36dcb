// Cedar as this room uses it. The order matters: the first import tells V8 how to compile the second.
import { restoreBudget } from "./tiering.ts";
import {
  policySetTextToParts,
  policyToJson,
  preparsePolicySet,
  preparseSchema,
  schemaToJson,
  statefulIsAuthorized,
  templateToJson,
  validate,
} from "@cedar-policy/cedar-wasm/nodejs";

restoreBudget();

export {
  policySetTextToParts,
  policyToJson,
  preparsePolicySet,
  preparseSchema,
  schemaToJson,
  statefulIsAuthorized,
  templateToJson,
  validate,
};
