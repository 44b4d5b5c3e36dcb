// Libraries that stand between a server and the system: Debian's libfiu lets calls fail, libfaketime moves its clock.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";

const FIU = ["/usr/lib/fiu/fiu_run_preload.so", "/usr/lib/fiu/fiu_posix_preload.so"];
const FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

/** Why tests with these libraries are left out here; false where they run. CI has them. */
export const skip: string | false =
  [...FIU, FAKETIME].every((path) => existsSync(path)) || process.env["CI"] !== undefined
    ? false
    : "libfiu and libfaketime are not installed: install `fiu-utils` and `faketime`";

/** The environment of a process whose calls may be made to fail from now on; `pipe` begins the name of its pipe. */
export function failing(pipe: string): Readonly<Record<string, string>> {
  return { LD_PRELOAD: FIU.join(" "), FIU_CTRL_FIFO: pipe, FIU_ENABLE: "" };
}

/** Lets calls of a running process fail: `fault` is a command of fiu-ctrl(1). */
export async function inject(pipe: string, pid: number, fault: string): Promise<void> {
  await promisify(execFile)("fiu-ctrl", ["-f", pipe, "-c", fault, String(pid)]);
}

/** The environment of a process whose clock is that of a file, such as `+2h`; time that only grows stays as it is. */
export function clockFrom(file: string): Readonly<Record<string, string>> {
  return {
    LD_PRELOAD: FAKETIME,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: "1",
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
    DONT_FAKE_MONOTONIC: "1",
  };
}
