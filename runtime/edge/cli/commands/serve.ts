import type { Command } from "commander";
import { example } from "../example.ts";
import type { ServeOptions } from "../serving.ts";
import type { AddCommand } from "../world.ts";

/** Adds `serve`. */
export const addServe: AddCommand = (parent, world) => {
  const command: Command = parent
    .command("serve")
    .description("answer calls over HTTP until SIGTERM or Ctrl-C; SIGHUP reads the settings again")
    .option("--host <address>", "address to listen on (default: 127.0.0.1)")
    .option("--port <port>", "port to listen on; 0 takes any that is free (default: 7700)")
    .option("--tls-cert <file>", "certificate chain in PEM")
    .option("--tls-key <file>", "private key in PEM")
    .option("--behind-proxy <cidr...>", "addresses of proxies whose forwarded headers are believed")
    .action(async (options: ServeOptions) => {
      // Only here, because it brings the HTTP server with it.
      const { serve } = await import("../serving.ts");
      await serve(world, options);
    });
  example(command, "convergio serve --port 8080");
};
