import Type, { type Static } from "typebox";
import { idSchema } from "./capabilities/terms.ts";
import { toolNameSchema } from "./capabilities/tools.ts";
import { authorSchema, closed, matching, prose } from "./document.ts";
import { limitsSchema } from "./plugin-limits.ts";
import { usesSchema } from "./uses.ts";

const licenseName = "\\(?[A-Za-z0-9][A-Za-z0-9.+-]{0,63}\\)?";
const exportSchema = matching("^[!-~]{1,128}$", "be 1 to 128 visible ASCII characters");
const flag = (description: string) => Type.Optional(Type.Boolean({ description }));

const toolSchema = closed({
  name: toolNameSchema,
  description: Type.Optional(prose(4_000, "What the tool does, for people and for models")),
  input: Type.Optional(authorSchema),
  output: Type.Optional(authorSchema),
  export: Type.Optional(exportSchema),
  encoding: Type.Optional(Type.Enum(["json", "text", "bytes"])),
  annotations: Type.Optional(
    closed({
      title: Type.Optional(prose(80, "Name for people")),
      readOnly: flag("Changes nothing; its grants are narrowed to reads"),
      destructive: flag("May destroy what was there"),
      idempotent: flag("A second call with the same input changes nothing more"),
      openWorld: flag("Reaches beyond this host"),
    }),
  ),
});

/** The schema of `manifest.json`. */
export const manifestSchema = closed(
  {
    $schema: Type.Optional(prose(500, "For editors; the host does not read it")),
    manifest: Type.Literal(1, { description: "Version of this form" }),
    id: idSchema,
    version: Type.String({ description: "Semantic version" }),
    name: Type.Optional(prose(80, "Name for people; the last part of the id when left out")),
    description: Type.Optional(prose(1_000, "What the plugin does, in one or two sentences")),
    author: Type.Optional(prose(200, "Who made it")),
    license: Type.Optional(
      matching(
        `^${licenseName}(?: (?:AND|OR|WITH) ${licenseName}){0,8}$`,
        "be an SPDX expression such as MIT or Apache-2.0 OR MIT, or Commercial",
      ),
    ),
    homepage: Type.Optional(
      matching("^https://[!-~]{1,400}$", "be a URL that begins with https://"),
    ),
    host: Type.Optional(Type.String({ description: "Range of host versions that it works with" })),
    wasm: Type.Optional(
      matching(
        "^[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*){0,8}$",
        "be a path inside the package, without .. and without a leading slash",
      ),
    ),
    provides: closed({ tools: Type.Optional(Type.Array(toolSchema, { maxItems: 256 })) }),
    uses: Type.Optional(usesSchema),
    config: Type.Optional(authorSchema),
    limits: Type.Optional(limitsSchema),
    instances: Type.Optional(Type.Enum(["fresh", "warm", "single"])),
    lifecycle: Type.Optional(
      closed({
        load: Type.Optional(exportSchema),
        unload: Type.Optional(exportSchema),
        config: Type.Optional(exportSchema),
        health: Type.Optional(exportSchema),
      }),
    ),
    licensing: Type.Optional(
      Type.Null({ errorMessage: "be null: this host enforces no licensing" }),
    ),
  },
  { title: "Manifest of a Convergio plugin" },
);

/** A manifest as its author wrote it. */
export type ManifestText = Static<typeof manifestSchema>;
/** A tool of a manifest as its author wrote it. */
export type ToolText = Static<typeof toolSchema>;
