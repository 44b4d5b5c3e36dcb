import { iconOf } from "./icon.ts";
import { zip } from "./zip.ts";

/** A Teams app manifest as far as we use it. */
export type Manifest = {
  readonly $schema: string;
  readonly manifestVersion: string;
  readonly version: string;
  readonly id: string;
  readonly developer: Readonly<Record<"name" | "websiteUrl" | "privacyUrl" | "termsOfUseUrl", string>>;
  readonly name: Readonly<Record<"short" | "full", string>>;
  readonly description: Readonly<Record<"short" | "full", string>>;
  readonly icons: Readonly<Record<"color" | "outline", string>>;
  readonly accentColor: string;
  readonly bots: readonly {
    readonly botId: string;
    readonly scopes: readonly string[];
    readonly supportsFiles: boolean;
    readonly isNotificationOnly: boolean;
  }[];
  readonly validDomains: readonly string[];
};

const VERSION = "1.17";
/** Characters that Teams allows. */
export const APP_NAME_CHARS_MAX = 30;

/** The manifest of an app for this installation. It asks for no permission: it writes cards, and is told of clicks on them. */
export function manifestOf(app: string, name: string, publicUrl: string): Manifest {
  const site = new URL(publicUrl);
  return {
    $schema: `https://developer.microsoft.com/json-schemas/teams/v${VERSION}/MicrosoftTeams.schema.json`,
    manifestVersion: VERSION,
    version: "1.0.0",
    id: app,
    developer: {
      name: "Keyturn",
      websiteUrl: site.href,
      privacyUrl: site.href,
      termsOfUseUrl: site.href,
    },
    name: { short: name, full: `${name}: approvals of what agents do` },
    description: {
      short: "Holds what agents do until the right people agree.",
      full:
        "Shows each privileged action of an agent that waits for an approval, and takes the decision of the people who may " +
        "approve or deny it. It reads no messages.",
    },
    icons: { color: "color.png", outline: "outline.png" },
    accentColor: "#1F2937",
    bots: [{ botId: app, scopes: ["personal", "team", "groupChat"], supportsFiles: false, isNotificationOnly: false }],
    validDomains: [site.hostname],
  };
}

/** The package to upload: the manifest and the two icons that Teams asks for, in a zip. */
export function packageOf(manifest: Manifest): Uint8Array {
  return zip([
    { name: "manifest.json", bytes: new TextEncoder().encode(`${JSON.stringify(manifest, null, 2)}\n`) },
    { name: manifest.icons.color, bytes: iconOf("color") },
    { name: manifest.icons.outline, bytes: iconOf("outline") },
  ]);
}
