import type { OpenCall } from "./call-rules.ts";
import type { Asker } from "./capabilities/capability.ts";
import type { Active } from "./installed.ts";
import { bindingOf } from "./store/records.ts";

/** Returns on whose behalf a guest asks while a call runs: all of it is the host's own knowledge. */
export function askerOf(call: OpenCall, { version, tools, holdings }: Active): Asker {
  const { caller, parent } = call.request;
  const chain = parent?.chain ?? [];
  const readOnly = tools.get(call.tool)?.tool.annotations.readOnly === true;
  return {
    plugin: version.plugin,
    binding: bindingOf(version),
    uses: version.manifest.uses,
    callId: call.callId,
    outermost: parent?.outermost ?? call,
    owner: caller.owner,
    chain,
    readOnly,
    grants: holdings({ chain, readOnly }),
    get signal() {
      return overSignal(call);
    },
    deadlineAt: call.deadlineAt,
  };
}

/** Returns the signal that fires when a call is over, however it ended. */
function overSignal(call: OpenCall): AbortSignal {
  call.over ??= new AbortController();
  if (call.isOver) call.over.abort();
  return call.over.signal;
}
