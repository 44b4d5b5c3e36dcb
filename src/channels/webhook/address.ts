import { lookup as resolveHost } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";

/** Addresses that a webhook does not reach unless its host is named: those of this machine and of its own network. */
const PRIVATE = new BlockList();
for (const [network, bits] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["224.0.0.0", 3],
] as const) {
  PRIVATE.addSubnet(network, bits, "ipv4");
}
for (const [network, bits] of [
  ["::", 96],
  ["64:ff9b::", 96],
  ["64:ff9b:1::", 48],
  ["2002::", 16],
  ["fc00::", 7],
  ["fe80::", 10],
  ["fec0::", 10],
  ["ff00::", 8],
] as const) {
  PRIVATE.addSubnet(network, bits, "ipv6");
}

/** Whether an address is loopback, link-local, private or not one of a host at all (RFC 6890). */
export function isPrivateAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 0) return true;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return isPrivateAddress(mapped);
  return PRIVATE.check(address, family === 4 ? "ipv4" : "ipv6");
}

/** A host that may not be reached. */
export class AddressError extends Error {
  override readonly name = "AddressError";
  readonly code = "address_private";
}

/**
 * Resolves a host for a connection and refuses it if any of its addresses is private. The connection goes to the very
 * address that was checked: a name that answers differently the second time gains nothing.
 */
export function guardedLookup(allowed: readonly string[]): LookupFunction {
  return (host, options, answer) => {
    resolveHost(host, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return answer(error, "", 0);
      const refused = allowed.includes(host) ? undefined : addresses.find(({ address }) => isPrivateAddress(address));
      if (refused !== undefined) return answer(privateHost(host), "", 0);
      if (options.all === true) return answer(null, addresses);
      const [first] = addresses;
      if (first === undefined) return answer(new AddressError(`\`${host}\` has no address`), "", 0);
      answer(null, first.address, first.family);
    });
  };
}

/** Refuses a host that is itself a private address: no name is looked up for it. */
export function assertReachable(url: URL, allowed: readonly string[]): void {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (isIP(host) !== 0 && isPrivateAddress(host) && !allowed.includes(host)) throw privateHost(host);
}

function privateHost(host: string): AddressError {
  return new AddressError(
    `\`${host}\` is an address of this machine or its network; name it under allow_private of this channel if it is meant`,
  );
}
