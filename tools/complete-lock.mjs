/**
 * Completes package-lock.json with the optional packages of other platforms, which npm leaves out when the lock is
 * written on one platform (npm/cli#4828): without them `npm ci` fails on the others. Run it after `npm install`.
 * Entries made here have no integrity hash, since their files were not seen; npm fills it in where they are installed.
 */
import { readFileSync, writeFileSync } from "node:fs";

const FILE = new URL("../package-lock.json", import.meta.url);
const OS = new Set([
  "android",
  "darwin",
  "freebsd",
  "linux",
  "win32",
  "openharmony",
  "openbsd",
  "netbsd",
  "sunos",
  "aix",
]);
/** The words for processors in package names, as npm's `cpu` spells them. */
const CPU = new Map(
  ["x64", "arm64", "arm", "ia32", "ppc64", "riscv64", "s390x", "loong64"]
    .map((cpu) => [cpu, cpu])
    .concat([
      ["ppc64le", "ppc64"],
      ["mips64el", "mips64el"],
    ]),
);

function platformOf(name) {
  const words = name.split("/").at(-1).split("-");
  const os = words.filter((word) => OS.has(word));
  const cpu = words.flatMap((word) => CPU.get(word) ?? []);
  const libc = words.some((word) => word.startsWith("musl"))
    ? ["musl"]
    : words.some((word) => word.startsWith("gnu")) && os[0] === "linux"
      ? ["glibc"]
      : null;
  return { os, cpu, libc };
}

const lock = JSON.parse(readFileSync(FILE, "utf8"));
for (const [at, entry] of Object.entries({ ...lock.packages })) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const place = `node_modules/${name}`;
    const { os, cpu, libc } = platformOf(name);
    const known = lock.packages[place] !== undefined || lock.packages[`${at}/${place}`] !== undefined;
    // Only exact versions of packages for one platform: anything else npm resolves by itself.
    if (known || os.length === 0 || /[~^*<>]/.test(version)) continue;
    lock.packages[place] = {
      version,
      ...(cpu.length > 0 ? { cpu } : {}),
      ...(entry.dev ? { dev: true } : {}),
      ...(libc === null ? {} : { libc }),
      license: entry.license,
      optional: true,
      os,
      engines: entry.engines,
    };
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, "en")));
writeFileSync(FILE, `${JSON.stringify(lock, null, 2)}\n`);
