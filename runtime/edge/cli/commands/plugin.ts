import type { AddCommand } from "../world.ts";
import { addCan } from "./can.ts";
import { addGrants } from "./grants.ts";
import { addInstall } from "./install.ts";
import { addInvoke } from "./invoke.ts";
import { addLearn } from "./learn.ts";
import { addInfo, addList } from "./list.ts";
import { addLogs } from "./logs.ts";
import { addPluginConfig } from "./plugin-config.ts";
import { addRollback, addVersions } from "./rollback.ts";
import { addDisable, addEnable, addRemove, addStart, addStop } from "./state.ts";

const commands: readonly AddCommand[] = [
  addInstall,
  addList,
  addInfo,
  addInvoke,
  addVersions,
  addRollback,
  addRemove,
  addEnable,
  addDisable,
  addStop,
  addStart,
  addLogs,
  addGrants,
  addCan,
  addPluginConfig,
  addLearn,
];

/** Adds `plugin` and everything below it. */
export const addPlugin: AddCommand = (parent, world) => {
  const plugin = parent.command("plugin").description("install, call and manage plugins");
  for (const add of commands) add(plugin, world);
};
