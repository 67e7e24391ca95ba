/** The program with a fake host, for tests of what happens between processes. */
import { run } from "#runtime/edge/cli/run.ts";
import { createFakeHost } from "./fake-host.ts";

const { host, keyWith } = createFakeHost(["vowels"], async ({ input }) => {
  if ("json" in input && input.json === '"wait"') await Promise.withResolvers<never>().promise;
  return "json" in input
    ? { output: { encoding: "json", bytes: Buffer.from(input.json) } }
    : { output: { encoding: "bytes", bytes: input.bytes } };
});

process.exitCode = await run(process.argv.slice(2), {
  streams: { input: process.stdin, output: process.stdout, errors: process.stderr },
  signals: {
    on(name, hear) {
      process.on(name, hear);
      return { [Symbol.dispose]: () => void process.off(name, hear) };
    },
  },
  makeHost: async () => {
    keyWith(["admin"]);
    return host;
  },
  exit: (code) => process.exit(code),
});
