import { loadHost } from "./edge/cli/host-maker.ts";
import { run } from "./edge/cli/run.ts";

// A reader that has seen enough (`| head`) closes the pipe; that is no failure of the command.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? 0 : 3);
});
// Nobody listens to its remarks any more: no reason for a host to cut the calls that run.
process.stderr.on("error", () => {});
// Without a listener this signal opens a debugger, when Node was started without --disable-sigusr1.
process.on("SIGUSR1", () => {});

process.exitCode = await run(process.argv.slice(2), {
  streams: { input: process.stdin, output: process.stdout, errors: process.stderr },
  signals: {
    on(name, hear) {
      process.on(name, hear);
      return { [Symbol.dispose]: () => void process.off(name, hear) };
    },
  },
  makeHost: loadHost,
  exit: (code) => process.exit(code),
});
