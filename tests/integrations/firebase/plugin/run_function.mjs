// Run one exported function as the runtime does, with events from standard input, one JSON a line. Usage: node run_function.mjs FILE NAME
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const functions = await import(pathToFileURL(process.argv[2]));
for await (const line of createInterface({ input: process.stdin })) {
  const outcome = await functions[process.argv[3]](JSON.parse(line)).then(
    () => ({ done: true }),
    (error) => ({ done: false, error: error.message }),
  );
  process.stdout.write(`@${JSON.stringify(outcome)}\n`);
}
