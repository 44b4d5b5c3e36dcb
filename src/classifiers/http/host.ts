/** What a host is, of a URL's host as it is written and as the URL standard reads it. */
export type HostKind = "public" | "private" | "metadata";

/** Services that hand a machine's own credentials to whoever asks. Sources: the clouds' own references. */
const METADATA_HOSTS: ReadonlySet<string> = new Set([
  "169.254.169.254", // AWS, Azure, Google, DigitalOcean, Oracle
  "169.254.170.2", // AWS ECS task credentials
  "169.254.170.23", // AWS EKS pod identity
  "169.254.169.123",
  "[fd00:ec2::254]",
  "[fd00:ec2::23]",
  "[fd20:ce::254]", // Google
  "100.100.100.200", // Alibaba
  "168.63.129.16", // Azure's wire server
  "192.0.0.192", // Oracle
  "metadata",
  "metadata.google.internal",
  "metadata.goog",
  "metadata.azure.internal",
  "metadata.tencentyun.com",
  "instance-data",
  "instance-data.ec2.internal",
  "kubernetes",
  "kubernetes.default",
  "kubernetes.default.svc",
  "kubernetes.default.svc.cluster.local",
]);

/** Names that only a private network knows, or that name any address one likes. */
const PRIVATE_NAMES =
  /(?:^|\.)(?:localhost|local|localdomain|internal|intranet|corp|home|lan|private|cluster\.local|home\.arpa|nip\.io|sslip\.io|xip\.io|localtest\.me|lvh\.me|vcap\.me)$/;

/** What a host is; `host` as `URL.hostname` gives it: lower case, IPv4 in four parts, IPv6 in brackets. */
export function hostKind(host: string): HostKind {
  const name = host.replace(/\.$/, "");
  if (METADATA_HOSTS.has(name)) return "metadata";
  if (name.startsWith("[")) return ipv6Kind(name.slice(1, -1));
  const parts = /^(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(name)?.slice(1).map(Number);
  if (parts !== undefined) return ipv4Kind(parts);
  return !name.includes(".") || PRIVATE_NAMES.test(name) ? "private" : "public";
}

/** RFC 6890: addresses that are not of the public Internet. */
function ipv4Kind([a = 0, b = 0, c = 0]: readonly number[]): HostKind {
  if (a === 169 && b === 254) return "metadata";
  const isPrivate =
    a === 0 ||
    a === 10 ||
    a === 127 ||
    a >= 224 ||
    (a === 100 && b >= 64 && b < 128) ||
    (a === 172 && b >= 16 && b < 32) ||
    (a === 192 && b === 168) ||
    (a === 192 && b === 0 && (c === 0 || c === 2)) ||
    (a === 198 && (b === 18 || b === 19));
  return isPrivate ? "private" : "public";
}

function ipv6Kind(address: string): HostKind {
  const mapped = /^(?:::ffff:|::|64:ff9b::)([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(address);
  if (mapped !== null) {
    const [high = 0, low = 0] = mapped.slice(1).map((part) => Number.parseInt(part, 16));
    return ipv4Of(high, low);
  }
  if (/^fe[89ab]/.test(address)) return "metadata";
  // RFC 4291 and RFC 4193: only 2000::/3 is of the public Internet; 6to4 and Teredo carry other addresses inside.
  const isPublic = /^[23][0-9a-f]{3}:/.test(address) && !/^(?:2002|2001:0?):/.test(address);
  return isPublic ? "public" : "private";
}

function ipv4Of(high: number, low: number): HostKind {
  const parts = [high >> 8, high & 255, low >> 8, low & 255];
  return METADATA_HOSTS.has(parts.join(".")) ? "metadata" : ipv4Kind(parts);
}
