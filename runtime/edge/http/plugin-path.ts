import { type Static, Type } from "typebox";

/** What the path of a plugin gives: an id whole, or in its two parts. */
export const PluginParams = Type.Object({
  id: Type.String({
    description: "Id of a plugin, its slash as `%2F`, or as the second of two segments of the path",
    examples: ["weather", "acme%2Fweather"],
  }),
  namespace: Type.Optional(Type.String()),
});
/** See the schema of the same name. */
export type PluginParams = Static<typeof PluginParams>;

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
export function pluginPaths(action?: string): readonly [whole: string, split: string] {
  const end = action === undefined ? "" : `/${action}`;
  return [`/plugins/:id${end}`, `/plugins/:namespace/:id${end}`];
}

/** Returns the id that a path names, with its version if it has one; untrusted, not yet parsed. */
export function pluginOf({ id, namespace }: PluginParams): string {
  return namespace === undefined ? id : `${namespace}/${id}`;
}
