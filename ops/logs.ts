import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";

// What one reference led to, of a log on standard input or in a file. The same as the jq line in SETUP.md, for who has no jq.
const { values, positionals } = parseArgs({
  args: process.argv.slice(2),
  options: { correlation: { type: "string" } },
  allowPositionals: true,
});
const [file, ...others] = positionals;
if (values.correlation === undefined || others.length > 0) {
  process.stderr.write(
    "Use: npm run logs -- --correlation REFERENCE [FILE]; without a file, standard input is read.\n",
  );
  process.exit(2);
}
const input = file === undefined ? process.stdin : createReadStream(file);
for await (const text of createInterface({ input })) {
  if (correlationOf(text) === values.correlation) process.stdout.write(`${text.slice(text.indexOf("{"))}\n`);
}

// Docker and journald put words before a line, and not every line is of the log.
function correlationOf(text: string): unknown {
  try {
    const line: unknown = JSON.parse(text.slice(text.indexOf("{")));
    return typeof line === "object" && line !== null && "correlationId" in line ? line.correlationId : null;
  } catch {
    return null; // the banner
  }
}
