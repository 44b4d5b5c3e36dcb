/** What Slack is asked for, each with its reason. */
export const SCOPES: Readonly<Record<string, string>> = {
  "chat:write": "post, edit and thread its own messages",
  "im:write": "write to approvers directly",
  "users:read": "see whether who clicks is a full member, and no guest or bot",
  "users:read.email": "find approvers by the addresses in the directory, to tell them",
  "channels:read": "find public channels by name, and see whether others share them",
  "groups:read": "the same for private channels that it was invited to",
  "usergroups:read": "see who is on duty",
};

/** A Slack app manifest, version 2, as JSON. */
export type Manifest = {
  readonly display_information: {
    readonly name: string;
    readonly description: string;
    readonly background_color: string;
  };
  readonly features: { readonly bot_user: { readonly display_name: string; readonly always_online: boolean } };
  readonly oauth_config: { readonly scopes: { readonly bot: readonly string[] } };
  readonly settings: {
    readonly interactivity: { readonly is_enabled: true; readonly request_url?: string };
    readonly org_deploy_enabled: boolean;
    readonly socket_mode_enabled: boolean;
    readonly token_rotation_enabled: boolean;
  };
};

/** The manifest of an app for this installation; with an address Slack sends clicks there, without one through a socket. */
export function manifestOf(name: string, requestUrl: string | null): Manifest {
  return {
    display_information: {
      name,
      description: "Holds what agents do until the right people agree.",
      background_color: "#1f2937",
    },
    features: { bot_user: { display_name: name, always_online: true } },
    oauth_config: { scopes: { bot: Object.keys(SCOPES) } },
    settings: {
      interactivity: { is_enabled: true, ...(requestUrl === null ? {} : { request_url: requestUrl }) },
      org_deploy_enabled: false,
      socket_mode_enabled: requestUrl === null,
      token_rotation_enabled: false,
    },
  };
}
