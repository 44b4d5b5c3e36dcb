import { OPERATORS, STABLE_FUNCTIONS } from "../../../src/classifiers/sql/catalogue.ts";

/** The schema that the generated statements speak of; `bump` and `item_seen` write, everything else only holds data. */
export const SCHEMA: string = `
CREATE TABLE items (id int PRIMARY KEY, name text, price numeric, tags text[], doc jsonb, at timestamptz DEFAULT now());
INSERT INTO items SELECT n, 'item ' || n, n * 1.5, ARRAY['a', 'b'], '{"a": 1}', now() FROM generate_series(1, 20) AS n;
CREATE TABLE orders (id serial PRIMARY KEY, item int REFERENCES items, n int, note text);
INSERT INTO orders (item, n, note) SELECT 1 + n % 20, n, 'x' FROM generate_series(1, 30) AS n;
CREATE TABLE customers (id int, mail text);
INSERT INTO customers VALUES (1, 'a@example.org');
CREATE VIEW cheap AS SELECT * FROM items WHERE price < 10;
CREATE SEQUENCE counter;
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE FUNCTION bump(n int) RETURNS int LANGUAGE plpgsql AS
  $$ BEGIN INSERT INTO orders (item, n, note) VALUES (1, n, 'bumped'); RETURN n; END $$;
CREATE FUNCTION joined(a text, b text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT a || b $$;
CREATE FUNCTION item_seen(a items, b items) RETURNS boolean LANGUAGE plpgsql AS
  $$ BEGIN PERFORM nextval('counter'); RETURN true; END $$;
CREATE OPERATOR @#@ (FUNCTION = item_seen, LEFTARG = items, RIGHTARG = items);`;

export type Generator = { readonly statement: () => string };

const DANGEROUS = (
  "nextval('counter')|setval('counter', 7)|bump(1)|lo_create(0)|txid_current()|pg_notify('a', 'b')|" +
  "set_config('work_mem', '4MB', false)|set_config('search_path', 'pg_temp', false)|pg_advisory_xact_lock(1)|" +
  "lo_from_bytea(0, 'x')|pg_current_xact_id()|public.bump(2)|query_to_xml('SELECT bump(3)', true, true, '')|" +
  "brin_summarize_range('items_pkey', 0)|pg_stat_reset()|pg_export_snapshot()|ts_stat('SELECT to_tsvector(bump(3)::text)')"
).split("|");
const TYPES =
  "int|text|numeric|jsonb|timestamptz|mood|int[]|regclass|xml|tsvector|date|bool|items|numrange|oid|interval".split(
    "|",
  );
const COLUMNS = "id|name|price|tags|doc|at|items.id|a.id|b.note|*|n|note|item".split("|");
const RELATIONS =
  "items|orders|cheap|customers|public.items|pg_class|pg_settings|pg_stats|information_schema.tables|pg_authid".split(
    "|",
  );
const SETTINGS =
  "enable_seqscan|work_mem|jit|search_path|role|datestyle|statement_timeout|app.tenant|log_statement|timezone|random_page_cost".split(
    "|",
  );

/** A generator of statements, the same ones for the same seed (mulberry32). Half of its work is to dress up writes as reads. */
export function generator(seed: number): Generator {
  let state = seed >>> 0;
  const random = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const pick = <T>(of: readonly T[], otherwise: T): T => of[Math.floor(random() * of.length)] ?? otherwise;
  const chance = (share: number): boolean => random() < share;
  const many = (most: number, make: () => string): string =>
    Array.from({ length: 1 + Math.floor(random() * most) }, make).join(", ");

  const constant = (): string =>
    pick(
      [
        "1",
        "0",
        "'a'",
        "NULL",
        "2.5",
        "true",
        "'{}'",
        "'2026-01-02'",
        "$$x$$",
        "ARRAY[1, 2]",
        "'good'",
        "'items'",
        "E'\\\\x'",
      ],
      "1",
    );

  const call = (depth: number): string => {
    if (chance(0.06)) return pick(DANGEROUS, "1");
    if (chance(0.05)) return "joined('a', 'b')";
    return `${chance(0.1) ? "pg_catalog." : ""}${pick(STABLE_FUNCTIONS, "now")}(${chance(0.2) ? "" : many(2, () => expression(depth - 1))})`;
  };

  const expression = (depth: number): string => {
    const kind = depth <= 0 ? Math.floor(random() * 2) : Math.floor(random() * 11);
    const inner = (): string => expression(depth - 1);
    switch (kind) {
      case 0:
        return constant();
      case 1:
        return pick(COLUMNS.slice(0, -4), "id");
      case 2:
      case 3:
        return call(depth);
      case 4:
        return `(${inner()} ${chance(0.03) ? "@#@" : pick(OPERATORS, "=")} ${inner()})`;
      case 5:
        return `${inner()}::${pick(TYPES, "text")}`;
      case 6:
        return `CASE WHEN ${inner()} THEN ${inner()} ELSE ${inner()} END`;
      case 7:
        return `(${query(depth - 1)} LIMIT 1)`;
      case 8:
        return pick(
          [`count(${inner()})`, `sum(id) OVER (ORDER BY ${inner()})`, `ARRAY(${query(depth - 1)})`, `row(${inner()})`],
          "1",
        );
      case 9:
        return pick(
          [
            `coalesce(${inner()}, ${inner()})`,
            `${inner()} IS NULL`,
            `id IN (${query(depth - 1)})`,
            `id BETWEEN 1 AND 5`,
          ],
          "1",
        );
      default:
        return pick(
          [`xmlelement(name a, ${inner()})`, `name LIKE 'item%'`, `NOT ${inner()}`, `extract(year FROM at)`],
          "1",
        );
    }
  };

  const source = (depth: number): string => {
    if (depth > 0 && chance(0.2)) return `(${query(depth - 1)}) AS b`;
    if (chance(0.15)) return `${chance(0.1) ? "bump(4)" : "generate_series(1, 3)"} AS id`;
    const relation = pick(RELATIONS, "items");
    if (chance(0.3)) return `items JOIN orders AS b ON items.id = b.item`;
    return relation + (chance(0.3) ? " AS a" : "") + (chance(0.05) ? " TABLESAMPLE system (50)" : "");
  };

  const query = (depth: number): string => {
    if (chance(0.05)) return `VALUES (${many(2, () => expression(depth - 1))})`;
    const parts = [`SELECT ${many(2, () => (chance(0.5) ? pick(COLUMNS, "id") : expression(depth)))}`];
    if (chance(0.03)) parts.push(`INTO ${chance(0.5) ? "TEMP " : ""}made${Math.floor(random() * 1e6)}`);
    if (chance(0.85)) parts.push(`FROM ${source(depth)}`);
    if (chance(0.4)) parts.push(`WHERE ${expression(depth)}`);
    if (chance(0.1)) parts.push("GROUP BY 1");
    if (chance(0.15)) parts.push("ORDER BY 1");
    if (chance(0.2)) parts.push(`LIMIT ${pick(["1", "5", "0", "ALL"], "1")}`);
    if (chance(0.05)) parts.push(pick(["FOR UPDATE", "FOR SHARE", "FOR KEY SHARE"], "FOR UPDATE"));
    const text = parts.join(" ");
    if (depth > 0 && chance(0.1)) return `(${text}) UNION ALL (${query(depth - 1)})`;
    return depth > 0 && chance(0.12) ? `${withClause(depth)} ${text}` : text;
  };

  /** Expressions of one type over `id` and `name`, so that most statements made of them really run. */
  const typed = (type: "int" | "text" | "bool", depth: number): string => {
    const int = (): string => typed("int", depth - 1);
    const word = (): string => typed("text", depth - 1);
    const truth = (): string => typed("bool", depth - 1);
    if (chance(0.02)) return `${pick(DANGEROUS, "1")}::text::${type}`;
    if (depth <= 0) return { int: pick(["id", "3"], "id"), text: pick(["name", "'a'"], "name"), bool: "id > 2" }[type];
    if (type === "int") {
      return pick(
        [
          () => `(${int()} ${pick(["+", "-", "*", "&", "|", "#"], "+")} ${int()})`,
          () => `${pick(["length", "char_length", "ascii", "octet_length", "hashtext"], "length")}(${word()})`,
          () => `CASE WHEN ${truth()} THEN ${int()} ELSE ${int()} END`,
          () => `coalesce(${int()}, greatest(${int()}, 2))`,
          () => `(SELECT max(id) FROM (${sane(depth - 1)}) AS m)`,
          () => `row_number() OVER (ORDER BY id)::int`,
        ],
        () => "id",
      )();
    }
    if (type === "text") {
      return pick(
        [
          () => `${pick(["lower", "upper", "btrim", "md5", "initcap", "reverse", "quote_ident"], "lower")}(${word()})`,
          () => `(${word()} || ${word()})`,
          () => `${int()}::text`,
          () => `jsonb_build_object('k', ${int()}) ->> 'k'`,
          () => `array_to_string(ARRAY[${word()}, ${word()}], ',')`,
          () => `(SELECT string_agg(name, ',') FROM (${sane(depth - 1)}) AS g)`,
        ],
        () => "name",
      )();
    }
    return pick(
      [
        () => `${int()} ${pick(["<", "=", "<>", ">="], "=")} ${int()}`,
        () => `${word()} ${pick(["LIKE", "~", "~*", "NOT ILIKE"], "LIKE")} 'it%'`,
        () => `(${truth()} ${pick(["AND", "OR"], "AND")} ${truth()})`,
        () => `NOT (${truth()})`,
        () => `id IN (SELECT id FROM (${sane(depth - 1)}) AS i)`,
        () => `EXISTS (${sane(depth - 1)})`,
        () => `${word()} IS NOT NULL`,
      ],
      () => "true",
    )();
  };

  const saneSource = (depth: number): string => {
    if (depth > 0 && chance(0.3)) return `(${sane(depth - 1)}) AS s`;
    return pick(
      ["items", "cheap", "public.items AS a", "items AS a TABLESAMPLE bernoulli (90)", "customers AS c (id, name)"],
      "items",
    );
  };

  /** A query with the columns `id` and `name`. */
  const sane = (depth: number): string => {
    const plain = `SELECT id, name FROM ${saneSource(depth)}${chance(0.6) ? ` WHERE ${typed("bool", depth - 1)}` : ""}`;
    if (chance(0.03)) return `${plain} FOR UPDATE`;
    if (depth > 0 && chance(0.1))
      return `${plain} ${pick(["UNION ALL", "EXCEPT", "INTERSECT"], "UNION")} (${sane(depth - 1)})`;
    return chance(0.3) ? `${plain} ORDER BY id LIMIT 5` : plain;
  };

  const saneQuery = (depth: number): string => {
    const targets = many(3, () => typed(pick(["int", "text", "bool"] as const, "int"), depth - 1));
    if (chance(0.12)) {
      const inner = chance(0.3) ? "DELETE FROM customers RETURNING id, mail AS name" : sane(depth - 1);
      return `WITH w AS (${inner}) SELECT ${targets} FROM w`;
    }
    const into = chance(0.02) ? `INTO made${Math.floor(random() * 1e6)} ` : "";
    return `SELECT ${targets} ${into}FROM ${saneSource(depth)} WHERE ${typed("bool", depth - 1)}`;
  };

  const withClause = (depth: number): string =>
    `WITH ${chance(0.2) ? "RECURSIVE " : ""}${pick(["w", "items", "orders"], "w")} AS (${chance(0.35) ? change() : query(depth - 1)})`;

  const change = (): string =>
    pick(
      [
        "INSERT INTO orders (item, n) VALUES (1, 2) RETURNING *",
        "UPDATE items SET price = price + 1 RETURNING id",
        "UPDATE items SET (name, price) = (SELECT 'x', 1) WHERE id = 3 RETURNING *",
        "DELETE FROM customers RETURNING *",
        "INSERT INTO customers VALUES (nextval('counter'), 'x') ON CONFLICT DO NOTHING RETURNING *",
      ],
      "DELETE FROM customers",
    );

  const other = (): string =>
    pick(
      [
        () => change(),
        () => `SET ${pick(SETTINGS, "jit")} = ${pick(["off", "1", "'x'", "DEFAULT"], "off")}`,
        () => `RESET ${pick(SETTINGS, "jit")}`,
        () => `SHOW ${pick(SETTINGS, "jit")}`,
        () =>
          `EXPLAIN ${pick(["", "ANALYZE ", "(ANALYZE off) ", "(COSTS off) "], "")}${chance(0.4) ? change() : query(2)}`,
        () => `PREPARE p${Math.floor(random() * 1e6)} AS ${chance(0.3) ? change() : query(2)}`,
        () => `DECLARE c${Math.floor(random() * 1e6)} CURSOR FOR ${query(2)}`,
        () => `COPY (${query(1)}) TO STDOUT`,
        () => `DO $b$ BEGIN ${chance(0.5) ? "EXECUTE $e$ " + change() + " $e$" : "PERFORM bump(5)"}; END $b$`,
        () => "CREATE TEMP TABLE made_temp (a int)",
        () => "ANALYZE items",
        () =>
          pick(
            ["BEGIN", "SAVEPOINT s", "COMMIT", "ROLLBACK", "LISTEN a", "DEALLOCATE ALL", "CLOSE ALL", "DISCARD ALL"],
            "BEGIN",
          ),
        () =>
          pick(
            ["BEGIN READ WRITE", "SET TRANSACTION READ WRITE", "SET TRANSACTION READ ONLY", "LOCK TABLE items"],
            "BEGIN",
          ),
        () => `TABLE ${pick(RELATIONS, "items")}`,
        () =>
          pick(
            ["CALL p()", "EXECUTE p1", "FETCH c1", "TRUNCATE customers", "COMMENT ON TABLE items IS 'x'"],
            "CALL p()",
          ),
      ],
      () => "SELECT 1",
    )();

  /** Words dropped, doubled or taken from another statement: most no longer parse, and the others are nobody's idea. */
  const mutated = (text: string): string => {
    const parts = text.split(/(?<=\s)|(?=\s)/);
    const at = Math.floor(random() * parts.length);
    const donor = (chance(0.5) ? other() : query(2)).split(" ");
    return [
      ...parts.slice(0, at),
      chance(0.5) ? ` ${pick(donor, "")} ` : "",
      ...parts.slice(at + (chance(0.5) ? 1 : 0)),
    ].join("");
  };

  const statement = (): string => {
    const text = chance(0.55) ? saneQuery(3) : chance(0.5) ? query(3) : other();
    if (chance(0.05)) return `${text}; ${chance(0.5) ? query(1) : other()}`;
    return chance(0.15) ? mutated(text) : text;
  };
  return { statement };
}
