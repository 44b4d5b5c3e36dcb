/**
 * `node tools/soak.ts [--minutes 30] [--load 70%] [--json]`: keeps a real server at a share of what it can do and watches its
 * memory and its open files. Prints a line for every minute; the exit code is 1 where either grows. `test/faults/soak.test.ts` is
 * its short form.
 */
import { parseArgs } from "node:util";
import { soak } from "../test/faults/soak.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "30" },
    load: { type: "string", default: "70%" },
    json: { type: "boolean", default: false },
  },
});
const minutes = Number(values.minutes);
const share = Number(values.load.replace(/%$/, "")) / 100;
if (!(minutes > 0)) throw new RangeError(`--minutes is a number above 0, not \`${values.minutes}\``);
if (!(share > 0 && share <= 1)) throw new RangeError(`--load is a share such as 70%, not \`${values.load}\``);

const result = await soak({
  ms: minutes * 60_000,
  share,
  samples: Math.max(12, Math.ceil(minutes)),
  progress: ({ residentMb, files, acknowledged }) => {
    if (!values.json) console.log(`${residentMb.toFixed(0)} MB, ${files} open files, ${acknowledged} answered`);
  },
});
const { grown, broken } = result;
if (values.json) console.log(JSON.stringify(result));
else console.log(`${result.perSecond.toFixed(0)} a second, ${grown.length === 0 ? "nothing grew" : grown.join("; ")}`);
for (const line of broken) console.error(line);
if (grown.length + broken.length > 0) process.exitCode = 1;
