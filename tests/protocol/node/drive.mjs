// As python/drive.py, with producer.mjs.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { enqueue, Refused } from "./producer.mjs";

// Not by import: that would not look into NODE_PATH, where Debian's packages are found.
const { createClient } = createRequire(import.meta.url)("redis");
const client = createClient({ socket: { path: process.argv[2] } });
client.on("error", (error) => console.error(error.message));
await client.connect();
for await (const line of createInterface({ input: process.stdin })) {
  const call = JSON.parse(line);
  const jobs = call.jobs.map(({ payload_hex, delay_ms, timeout_ms, unique_ms, ...job }) => ({
    ...job,
    payload: Buffer.from(payload_hex, "hex"),
    delayMs: delay_ms,
    timeoutMs: timeout_ms,
    uniqueMs: unique_ms,
  }));
  let answer;
  try {
    answer = { states: await enqueue(client, call.queue, jobs, call.force) };
  } catch (error) {
    answer = error instanceof Refused ? { refused: error.reply } : { error: error.message };
  }
  console.log(JSON.stringify(answer));
}
await client.quit();
