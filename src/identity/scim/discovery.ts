import type { JsonObject } from "../../core/action/index.ts";
import { COUNT_MAX, LIST_SCHEMA } from "./search.ts";
import { ENTERPRISE_SCHEMA, GROUP_SCHEMA, USER, USER_SCHEMA } from "./shape.ts";

/** RFC 7643 §5: what this server does and does not. */
export function providerConfig(base: string): JsonObject {
  const no = { supported: false };
  return {
    schemas: ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
    patch: { supported: true },
    bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
    filter: { supported: true, maxResults: COUNT_MAX },
    changePassword: no,
    sort: no,
    etag: { supported: true },
    authenticationSchemes: [
      { type: "oauthbearertoken", name: "Bearer token", description: "what `keyturn token create --scim NAME` prints" },
    ],
    meta: { resourceType: "ServiceProviderConfig", location: `${base}/ServiceProviderConfig` },
  };
}

/** RFC 7643 §6. */
export function resourceTypes(base: string): readonly JsonObject[] {
  const one = (name: "User" | "Group", schema: string, more: JsonObject): JsonObject => ({
    schemas: ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
    id: name,
    name,
    endpoint: `/${name}s`,
    schema,
    ...more,
    meta: { resourceType: "ResourceType", location: `${base}/ResourceTypes/${name}` },
  });
  return [
    one("User", USER_SCHEMA, { schemaExtensions: [{ schema: ENTERPRISE_SCHEMA, required: false }] }),
    one("Group", GROUP_SCHEMA, {}),
  ];
}

/** RFC 7643 §7, in scimmy's words for what the standard defines, without the attributes that are not kept here. */
export async function schemas(base: string): Promise<readonly JsonObject[]> {
  // Loaded only now: most servers are never asked.
  const { default: scimmy } = await import("scimmy");
  const { User, Group, EnterpriseUser } = scimmy.Schemas;
  return [User, Group, EnterpriseUser].map(({ definition }) => {
    const described = JSON.parse(JSON.stringify(definition.describe())) as JsonObject;
    const { id, attributes } = described as { id: string; attributes: readonly { readonly name: string }[] };
    const kept = attributes.filter(
      ({ name }) => id !== USER_SCHEMA || name === "groups" || USER.of.has(name.toLowerCase()),
    );
    return {
      ...described,
      schemas: ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
      attributes: kept as readonly JsonObject[],
      meta: { resourceType: "Schema", location: `${base}/Schemas/${id}` },
    };
  });
}

/** A list of descriptions; they are few, and come as a whole. */
export function listed(resources: readonly JsonObject[]): JsonObject {
  return {
    schemas: [LIST_SCHEMA],
    totalResults: resources.length,
    startIndex: 1,
    itemsPerPage: resources.length,
    Resources: resources,
  };
}
