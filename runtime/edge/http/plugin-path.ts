import { type Static, Type } from "typebox";

const id = Type.String({
  description: "Id of a plugin; its slash is written `%2F`, or starts a segment of its own",
  examples: ["weather", "acme%2Fweather"],
});

/** What the path of a plugin gives: an id whole, or in its two parts. */
export const PluginParams = Type.Object({ id, namespace: Type.Optional(Type.String()) });
/** What the path with an id in one segment gives. */
const WholeParams = Type.Object({ id });
/** See the schema of the same name. */
export type PluginParams = Static<typeof PluginParams>;

/** One form of the path of an action on a plugin. */
export interface PluginPath {
  readonly url: string;
  readonly params: typeof PluginParams | typeof WholeParams;
  /** Whether descriptions leave the form out: it does what the other one does. */
  readonly hide: boolean;
}

/**
 * Returns the two paths of one action on a plugin: the id in one segment, or in two.
 *
 * Only the segments after the id are words of ours, so a plugin may be called `invoke` or `config`:
 * `/plugins/config/config` is the configuration of the plugin `config`, and
 * `/plugins/acme%2Fconfig` is the plugin `acme/config`. Where the form with two segments can be
 * read in two ways, `/plugins/acme/config`, it is the action on `acme`; whoever installs
 * `acme/config` must not take the place of that.
 *
 * @param action  the word after the id; none for the plugin itself
 */
export function pluginPaths(action?: string): readonly PluginPath[] {
  const end = action === undefined ? "" : `/${action}`;
  return [
    { url: `/plugins/:id${end}`, params: WholeParams, hide: false },
    { url: `/plugins/:namespace/:id${end}`, params: PluginParams, hide: true },
  ];
}

/** Returns the id that a path names, with its version if it has one; untrusted, not yet parsed. */
export function pluginOf({ id, namespace }: PluginParams): string {
  return namespace === undefined ? id : `${namespace}/${id}`;
}
