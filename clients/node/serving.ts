// A client as a program: it reads names of flows, does each, and prints what became of it.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

export const who: Record<string, string> = JSON.parse(readFileSync("../world.json", "utf8"));
const listed: {
  constraints: Record<string, { answer: string; hint: string }>;
  sqlstates: Record<string, string>;
} = JSON.parse(readFileSync("../../migrations/rules.json", "utf8"));
export const team = `framecast:team:${who.harbour}`;
export const member = `framecast:${who.harbour}:${who.ben}`;
export const ahead = () => new Date(Date.now() + 1000);

export type Flows = Record<string, () => Promise<unknown>>;
// SQLSTATE and constraint, taken from the client's own error; null where it is no refusal.
export type Refusal = (error: any) => { sqlstate?: string; constraint?: string } | null;

// Whether to mend it, to try later or to report a bug; and a hint to show.
export const answer = (sqlstate?: string, constraint?: string): [string, string] => {
  const named = listed.constraints[constraint ?? ""];
  return named ? [named.answer, named.hint] : [listed.sqlstates[sqlstate ?? ""] ?? "bug", ""];
};

export async function serve(flows: Flows, refusal: Refusal): Promise<void> {
  for await (const name of createInterface({ input: process.stdin })) {
    let told: object = {};
    try {
      if (name in flows) {
        await flows[name]();
        told = { done: true };
      }
    } catch (error: any) {
      const refused = refusal(error);
      if (refused === null) throw error;
      const { sqlstate, constraint } = refused;
      const [what, hint] = answer(sqlstate, constraint);
      told = {
        sqlstate: sqlstate ?? null, constraint: constraint ?? null, message: String(error.message), answer: what, hint,
      };
    }
    process.stdout.write(JSON.stringify(told) + "\n");
  }
}
