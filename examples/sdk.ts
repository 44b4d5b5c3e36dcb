// An agent's tool behind Keyturn: `npm run build`, then KEYTURN_TOKEN=kt_… node examples/sdk.ts
import { Denied, KeyturnError, connect } from "keyturn/sdk";

const keyturn = connect({
  url: process.env["KEYTURN_URL"] ?? "http://127.0.0.1:7117",
  token: process.env["KEYTURN_TOKEN"] ?? "",
});

const exportCustomers = keyturn.guard(({ limit }: { limit: number }) => `exported ${limit} customers`, {
  action: "customers.export",
  resource: { type: "table", id: "customers" },
  environment: "production",
  onHeld: (task) => console.log(`held: ${task.links?.review ?? task.id}`),
});

try {
  console.log(await exportCustomers({ limit: 12_000 })); // runs once people agree, and only then
} catch (error) {
  // Whatever keeps it from running is one of these: nobody decided in time, a wrong token, a server that is away.
  if (!(error instanceof KeyturnError)) throw error;
  console.log(error instanceof Denied ? `denied by ${error.by ?? "policy"}: ${error.because}` : error.message);
}
