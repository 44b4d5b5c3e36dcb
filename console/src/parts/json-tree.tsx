import { type ReactElement, useState } from "react";
import type { Json, JsonObject } from "../model/view.ts";
import { grouped } from "../model/words.ts";
import { More, TextValue } from "./text-value.tsx";
import { Literal } from "./visible.tsx";

/** Items of a list that are shown at once. */
const ITEMS_SHOWN = 20;
/** A list of scalars stands on one line if it has so many items of so many characters at most. */
const INLINE_ITEMS_MAX = 12;
const INLINE_CHARS_MAX = 32;

/** Every member of an object with its literal value; nested ones as a tree. */
export function JsonTree({ of, label }: { readonly of: JsonObject; readonly label: string }): ReactElement {
  return (
    <dl aria-label={label} className="divide-y divide-line">
      {Object.entries(of).map(([name, value]) => (
        <Member key={name} name={name} value={value} />
      ))}
    </dl>
  );
}

function Member({ name, value }: { readonly name: string; readonly value: Json }): ReactElement {
  const nested = isTree(value);
  return (
    <div className={nested ? "py-1.5" : "py-1.5 sm:grid sm:grid-cols-[minmax(6.5rem,26%)_1fr] sm:gap-x-4"}>
      <dt className="min-w-0">
        <Literal text={name} className="text-soft" />
        {nested ? <span className="ml-2 text-xs text-faint">{sizeOf(value)}</span> : null}
      </dt>
      <dd className="min-w-0">
        <JsonValue value={value} name={name} />
      </dd>
    </div>
  );
}

/** One JSON value, told apart by form: strings are boxed, other scalars are bare. */
function JsonValue({ value, name }: { readonly value: Json; readonly name: string }): ReactElement {
  if (typeof value === "string") return <TextValue text={value} name={name} />;
  if (value === null || typeof value !== "object") {
    return <code className="literal font-semibold text-accent">{String(value)}</code>;
  }
  if (isList(value)) return value.length === 0 ? <Empty is="empty list" /> : <Items items={value} name={name} />;
  if (Object.keys(value).length === 0) return <Empty is="empty object" />;
  if (typeof value["$secret"] === "string") return <Withheld commitment={value["$secret"]} />;
  return (
    <div className="mt-1 border-l border-line pl-3">
      <JsonTree of={value} label={name} />
    </div>
  );
}

function Items({ items, name }: { readonly items: readonly Json[]; readonly name: string }): ReactElement {
  const [all, setAll] = useState(false);
  const inline = isInline(items);
  const shown = all || inline ? items : items.slice(0, ITEMS_SHOWN);
  return (
    <>
      <ol
        aria-label={name}
        className={inline ? "flex flex-wrap gap-x-2 gap-y-1" : "mt-1 space-y-1 border-l border-line pl-3"}
      >
        {shown.map((item, at) => (
          // oxlint-disable-next-line no-array-index-key -- the position is the identity
          <li key={at} className="flex min-w-0 gap-2">
            {inline ? null : <span className="literal min-w-4 shrink-0 text-right text-faint">{at}</span>}
            <div className="min-w-0 flex-1">
              <JsonValue value={item} name={`${name} ${at}`} />
            </div>
          </li>
        ))}
      </ol>
      {shown.length === items.length && !all ? null : (
        <More open={all} onToggle={() => setAll(!all)} what={`all ${grouped(items.length)} items of ${name}`} />
      )}
    </>
  );
}

/** A secret that never left the gate: only its salted commitment is here, and under the digest. */
function Withheld({ commitment }: { readonly commitment: string }): ReactElement {
  return (
    <span>
      <span className="text-sm font-medium">secret, withheld by the gate</span>{" "}
      <Literal text={commitment} className="text-faint" />
    </span>
  );
}

function Empty({ is }: { readonly is: string }): ReactElement {
  return <span className="text-sm text-faint">{is}</span>;
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function isInline(items: readonly Json[]): boolean {
  const short = (item: Json): boolean =>
    (typeof item !== "object" || item === null) && String(item).length <= INLINE_CHARS_MAX;
  return items.length <= INLINE_ITEMS_MAX && items.every(short);
}

function isTree(value: Json): boolean {
  if (value === null || typeof value !== "object") return false;
  if (isList(value)) return !isInline(value);
  return Object.keys(value).length > 0 && typeof value["$secret"] !== "string";
}

function sizeOf(value: Json): string {
  if (value === null || typeof value !== "object") return "";
  const count = Object.keys(value).length;
  const unit = isList(value) ? "item" : "member";
  return `${grouped(count)} ${unit}${count === 1 ? "" : "s"}`;
}
