import { openFindings, quoted } from "../../core/risk/index.ts";
import type { Classification, Findings } from "../../core/risk/index.ts";

/** A word of a command line; null is one whose text is not known before it runs. */
export type Word = string | null;

/** Words of one command line, and characters of all of them together. */
const WORDS_MAX = 2_000;
const CHARS_MAX = 1_048_576;

type Call = {
  readonly command: string;
  readonly sub: string;
  readonly bare: readonly string[];
  /** Options by name without dashes; the value is what follows `=`, and undefined where there is none. */
  readonly options: ReadonlyMap<string, string | undefined>;
};

/**
 * What a command line of terraform does, of the words after `terraform`. Applying is never known from words alone: a saved
 * plan becomes the fact `plan_file`, so that the composing classifier can read what it holds.
 */
export function classifyTerraformArgv(words: readonly Word[]): Classification {
  const found = openFindings();
  const chars = words.reduce((sum, word) => sum + (word?.length ?? 0), 0);
  if (words.length > WORDS_MAX || chars > CHARS_MAX) {
    found.opaque(`The command line has more than ${WORDS_MAX} words or ${CHARS_MAX} characters.`);
    return found.done();
  }
  if (words.includes(null)) found.opaque("A word of the command is only known when it runs.");
  const call = parse(
    words.filter((word) => word !== null),
    found,
  );
  judge(call, found);
  return found.done();
}

/** Commands whose second word is a command as well. */
const GROUPS: ReadonlySet<string> = wordSet("state workspace providers metadata");

function parse(words: readonly string[], found: Findings): Call {
  const bare: string[] = [];
  const options = new Map<string, string | undefined>();
  for (const word of words) {
    if (!word.startsWith("-") || word === "-") {
      bare.push(word);
      continue;
    }
    // Terraform stops reading options at the first argument, so that a later `-check` is a file of that name.
    if (bare.length > (GROUPS.has(bare[0] ?? "") ? 2 : 1)) found.opaque(`${quoted(word)} comes after an argument.`);
    const name = word.replace(/^--?/, "");
    const equals = name.indexOf("=");
    options.set(equals < 0 ? name : name.slice(0, equals), equals < 0 ? undefined : name.slice(equals + 1));
  }
  const [command = "", sub = ""] = bare;
  return { command, sub, bare, options };
}

/** Whether a switch is on: alone or `=true`. Every other value is taken for off, as `=0` is. */
function isOn(options: Call["options"], name: string): boolean {
  return options.has(name) && (options.get(name) ?? "true") === "true";
}

/** Commands that only read, with the options under which they still do. */
const READING: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ["validate", wordSet("json no-color no-tests test-directory chdir")],
  ["version", wordSet("json")],
  ["providers", wordSet("no-color test-directory chdir")],
  ["graph", wordSet("draw-cycles type module-depth chdir")],
  ["state list", wordSet("id chdir")],
  ["workspace list", wordSet("chdir")],
  ["workspace show", wordSet("chdir")],
  ["metadata functions", wordSet("json")],
  ["modules", wordSet("json chdir")],
  ["help", wordSet("")],
]);

function judge(call: Call, found: Findings): void {
  const { command, sub, options } = call;
  const whole = `${command} ${sub}`.trim();
  found.name("terraform_commands", READING.has(whole) ? whole : command);
  judgeOptions(call, found);
  if (command === "") {
    if (options.has("version") || options.has("help")) return found.effect("read", "It shows help or the version.");
    return found.opaque("`terraform` is called without a command.");
  }
  const harmless = READING.get(whole) ?? READING.get(command);
  if (harmless !== undefined && (READING.has(whole) || sub === "" || command === "help" || command === "validate")) {
    for (const name of options.keys()) if (!harmless.has(name)) found.opaque(`${quoted(name)} is not a known option.`);
    return found.effect("read", `\`terraform ${whole}\` only reads.`);
  }
  const rule = COMMANDS.get(command);
  if (rule === undefined) return found.opaque(`${quoted(whole)} is not a command of terraform that is known.`);
  return rule(call, found);
}

type Rule = (call: Call, found: Findings) => void;

const COMMANDS: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ["apply", judgeApply],
  ["destroy", judgeDestroy],
  ["plan", judgePlanning],
  ["init", judgeInit],
  ["get", judgeInit],
  ["refresh", judgeRefresh],
  ["show", judgeShow],
  ["output", judgeOutputs],
  ["fmt", judgeFormat],
  ["state", judgeState],
  ["import", judgeImport],
  ["taint", judgeTaint],
  ["untaint", judgeTaint],
  ["force-unlock", judgeUnlock],
  ["workspace", judgeWorkspace],
  ["console", judgeConsole],
  ["test", judgeTest],
  ["login", judgeLogin],
  ["logout", judgeLogin],
  ["providers", judgeProviders],
]);

function judgeApply({ bare, options }: Call, found: Findings): void {
  found.effect("deploy", "`terraform apply` changes infrastructure.");
  found.effect("execute", "`terraform apply` runs providers.");
  if (options.has("destroy")) destroy(found);
  const [, plan, ...more] = bare;
  if (plan === undefined || more.length > 0) {
    return found.opaque("It applies what a plan of that moment will say, which nobody has seen. Apply a saved plan.");
  }
  found.fact("plan_file", plan);
  if (options.has("destroy") || options.has("var") || options.has("var-file") || options.has("target")) {
    found.opaque("A saved plan takes no planning options.");
  }
  return found.opaque("What the saved plan does is not in these words.");
}

function judgeDestroy({ options }: Call, found: Findings): void {
  destroy(found);
  found.effect("execute", "`terraform destroy` runs providers.");
  if (!options.has("target")) found.trait("unbounded", "`terraform destroy` destroys everything of the state.");
  found.opaque("What it destroys is not in these words.");
}

function destroy(found: Findings): void {
  found.effect("delete", "It destroys infrastructure.");
  found.trait("irreversible", "It destroys infrastructure.");
  found.fact("irreversible", true);
}

function judgePlanning({ options }: Call, found: Findings): void {
  found.effect("execute", "`terraform plan` runs providers and external data sources of the configuration.");
  found.effect("read", "`terraform plan` reads the state and what it describes.");
  if (options.has("out") || options.has("generate-config-out")) found.effect("write", "It writes a plan file.");
  if (options.get("refresh") !== "false") found.effect("network", "It asks the providers' services.");
}

function judgeInit({ options }: Call, found: Findings): void {
  found.effect("execute", "It downloads and runs providers and modules of the configuration.");
  found.effect("network", "It downloads providers and modules.");
  found.effect("write", "It writes the working folder.");
  if (options.has("migrate-state") || options.has("force-copy") || options.has("reconfigure")) {
    found.effect("delete", "It can move or abandon the state.");
    found.trait("defence_evasion", "It can move or abandon the state.");
  }
  if (options.has("from-module") || options.has("plugin-dir") || options.has("backend-config")) {
    found.trait("code_injection", "It takes code or a backend from elsewhere.");
  }
}

function judgeRefresh(_call: Call, found: Findings): void {
  found.effect("write", "`terraform refresh` overwrites the state without asking.");
  found.effect("execute", "`terraform refresh` runs providers.");
}

function judgeShow({ options }: Call, found: Findings): void {
  found.effect("read", "`terraform show` reads a state or a plan.");
  // The human form masks sensitive values, the JSON form does not.
  if (options.has("json")) secret("The JSON form shows sensitive values in the clear.", found);
  unknownOptions(options, "json no-color chdir", found);
}

function judgeOutputs({ options, bare }: Call, found: Findings): void {
  found.effect("read", "`terraform output` reads outputs.");
  const plain = !options.has("json") && !options.has("raw") && bare.length === 1;
  if (!plain) secret("Outputs by name and in JSON are shown in the clear.", found);
  unknownOptions(options, "json raw no-color chdir state", found);
}

function judgeFormat({ options }: Call, found: Findings): void {
  const keeps = isOn(options, "check") || options.get("write") === "false";
  if (keeps) found.effect("read", "`terraform fmt` only checks.");
  else found.effect("write", "`terraform fmt` rewrites files.");
  unknownOptions(options, "check diff recursive list write no-color chdir", found);
}

function judgeState({ sub, options }: Call, found: Findings): void {
  switch (sub) {
    case "show":
      found.effect("read", "`terraform state show` reads one resource.");
      return unknownOptions(options, "state chdir no-color", found);
    case "pull":
      found.effect("export", "`terraform state pull` prints the whole state.");
      return secret("The state holds secrets in the clear.", found);
    case "mv":
    case "rm":
    case "push":
    case "replace-provider":
      // `-dry-run` is an option of `mv` and `rm` alone.
      if (/^(?:mv|rm)$/.test(sub) && isOn(options, "dry-run") && onlyOptions(options, "dry-run lock chdir")) {
        return found.effect("read", `\`terraform state ${sub} -dry-run\` only shows what would move.`);
      }
      found.effect("write", `\`terraform state ${sub}\` changes the state.`);
      found.effect("delete", `\`terraform state ${sub}\` can make resources forgotten.`);
      found.trait("irreversible", "What the state forgets, no plan sees any more.");
      found.fact("irreversible", true);
      if (sub === "push") found.trait("unbounded", "It replaces the whole state.");
      return undefined;
    default:
      return found.opaque(`${quoted(`state ${sub}`)} is not known.`);
  }
}

function judgeImport(_call: Call, found: Findings): void {
  found.effect("write", "`terraform import` changes the state.");
  found.effect("execute", "`terraform import` runs providers.");
}

function judgeTaint({ command }: Call, found: Findings): void {
  found.effect("write", `\`terraform ${command}\` changes the state.`);
  if (command === "taint") found.trait("availability", "The next apply replaces it.");
}

function judgeUnlock(_call: Call, found: Findings): void {
  found.effect("delete", "`terraform force-unlock` removes another one's lock.");
  found.trait("availability", "Two changes at once can break the state.");
}

function judgeWorkspace({ sub }: Call, found: Findings): void {
  if (sub === "delete") {
    found.effect("delete", "`terraform workspace delete` deletes a state.");
    found.trait("irreversible", "`terraform workspace delete` deletes a state.");
    found.fact("irreversible", true);
  } else if (sub === "new" || sub === "select") {
    found.effect("write", "It changes which state later commands act on.");
  } else found.opaque(`${quoted(`workspace ${sub}`)} is not known.`);
}

function judgeConsole(_call: Call, found: Findings): void {
  found.effect("execute", "`terraform console` evaluates what it is given.");
  secret("`terraform console` can show the whole state.", found);
}

function judgeTest(_call: Call, found: Findings): void {
  found.effect("deploy", "`terraform test` creates and destroys infrastructure.");
  found.effect("delete", "`terraform test` creates and destroys infrastructure.");
  found.effect("execute", "`terraform test` runs providers.");
}

function judgeLogin({ command }: Call, found: Findings): void {
  if (command === "logout") found.effect("delete", "`terraform logout` removes a local token.");
  else secret("`terraform login` obtains and stores a token.", found);
}

function judgeProviders({ sub }: Call, found: Findings): void {
  if (sub === "schema") found.effect("execute", "`terraform providers schema` runs providers.");
  else {
    found.effect("write", `\`terraform providers ${sub}\` writes files.`);
    found.effect("network", `\`terraform providers ${sub}\` downloads.`);
  }
}

function judgeOptions({ options }: Call, found: Findings): void {
  const folder = options.get("chdir");
  if (folder !== undefined) found.fact("terraform_folder", folder);
}

function unknownOptions(options: Call["options"], known: string, found: Findings): void {
  if (!onlyOptions(options, known)) found.opaque(`Only the options ${known} are known to be harmless.`);
}

function onlyOptions(options: Call["options"], known: string): boolean {
  const names = wordSet(known);
  return [...options.keys()].every((name) => names.has(name));
}

function secret(because: string, found: Findings): void {
  found.effect("secret.read", because);
  found.trait("secret_access", because);
}

function wordSet(text: string): ReadonlySet<string> {
  return new Set(text.split(" ").filter((word) => word !== ""));
}
