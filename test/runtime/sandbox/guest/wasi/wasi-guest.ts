import assert from "node:assert/strict";
import { createDeath } from "#runtime/sandbox/guest/death.ts";
import { createWasi, type Wasi, type WasiPorts } from "#runtime/sandbox/guest/wasi.ts";
import { createGate } from "#runtime/sandbox/guest/wasi/gate.ts";
import { wat } from "#test/support/wat.ts";

/** Parameters of all functions, as letters: i is i32, l is i64. All but proc_exit give an i32. */
export const signatures: Readonly<Record<string, string>> = {
  ...{ args_get: "ii", args_sizes_get: "ii", environ_get: "ii", environ_sizes_get: "ii" },
  ...{ clock_res_get: "ii", clock_time_get: "ili", fd_advise: "illi", fd_allocate: "ill" },
  ...{ fd_close: "i", fd_datasync: "i", fd_fdstat_get: "ii", fd_fdstat_set_flags: "ii" },
  ...{ fd_fdstat_set_rights: "ill", fd_filestat_get: "ii", fd_filestat_set_size: "il" },
  ...{ fd_filestat_set_times: "illi", fd_pread: "iiili", fd_prestat_get: "ii" },
  ...{ fd_prestat_dir_name: "iii", fd_pwrite: "iiili", fd_read: "iiii", fd_readdir: "iiili" },
  ...{ fd_renumber: "ii", fd_seek: "ilii", fd_sync: "i", fd_tell: "ii", fd_write: "iiii" },
  ...{ path_create_directory: "iii", path_filestat_get: "iiiii", path_link: "iiiiiii" },
  ...{ path_filestat_set_times: "iiiilli", path_open: "iiiiillii", path_readlink: "iiiiii" },
  ...{ path_remove_directory: "iii", path_rename: "iiiiii", path_symlink: "iiiii" },
  ...{ path_unlink_file: "iii", poll_oneoff: "iiii", proc_exit: "i", proc_raise: "i" },
  ...{ random_get: "ii", sched_yield: "", sock_accept: "iii", sock_recv: "iiiiii" },
  ...{ sock_send: "iiiii", sock_shutdown: "ii" },
};

/** A guest that imports everything and exports it again, so that calls cross the border both ways. */
const guest = await wat(`(module
  ${Object.entries(signatures).map(importText).join("\n")}
  (memory (export "memory") 1 2) (func (export "grow") (drop (memory.grow (i32.const 1))))
  ${Object.entries(signatures).map(exportText).join("\n")})`);

function typeText(letters: string, name: string): string {
  const params = [...letters].map((letter) => (letter === "i" ? "i32" : "i64"));
  return `(param ${params.join(" ")}) ${name === "proc_exit" ? "" : "(result i32)"}`;
}

function importText([name, letters]: [string, string]): string {
  const type = typeText(letters, name);
  return `(import "wasi_snapshot_preview1" "${name}" (func $${name} ${type}))`;
}

function exportText([name, letters]: [string, string]): string {
  const values = [...letters].map((_, index) => `(local.get ${index})`).join(" ");
  return `(func (export "${name}") ${typeText(letters, name)} (call $${name} ${values}))`;
}

/** That guest, with what it logged, slept and was charged; `bind` gives WASI its memory. */
export class TestGuest {
  readonly logs: [number, string][] = [];
  readonly slept: number[] = [];
  readonly death = createDeath<number>();
  /** What it asked the host about files. */
  readonly asked: string[] = [];
  readonly wasi: Wasi;
  readonly #exports: Record<string, WebAssembly.ExportValue>;
  readonly #memory: WebAssembly.Memory;
  nowMs = 1_000;
  charged = 0;

  /** @param folders  that it has; `answer` says what the host answers */
  constructor(bind = true, folders: readonly string[] = [], answer?: WasiPorts["askFiles"]) {
    const phase = new WebAssembly.Global({ value: "i32", mutable: true }, 1);
    this.wasi = createWasi({
      folders,
      askFiles: (name, request) => {
        this.asked.push(`${name} ${Buffer.from(request.json).toString()}`);
        return answer?.(name, request);
      },
      reserve: () => true,
      gate: folders.length > 0 ? { ...createGate(Object.keys(signatures)), phase } : undefined,
      now: () => this.nowMs,
      epochNow: () => 1_700_000_000_000.56,
      random: (bytes) => bytes.fill(0xa5),
      log: (level, text) => this.logs.push([level, text]),
      sleep: async (ms) => {
        this.slept.push(ms);
      },
      exit: (code) => {
        throw this.death.error(code);
      },
      charge: (bytes) => {
        this.charged += bytes;
      },
    });
    const module = new WebAssembly.Module(guest as Uint8Array<ArrayBuffer>);
    const imports = { wasi_snapshot_preview1: this.wasi.imports };
    this.#exports = new WebAssembly.Instance(module, imports).exports;
    ({ memory: this.#memory } = this.#exports as unknown as { memory: WebAssembly.Memory });
    if (bind) this.wasi.bind(this.#memory);
  }

  get bytes(): Buffer {
    return Buffer.from(this.#memory.buffer);
  }

  call(name: string, ...values: (number | bigint)[]): Promise<unknown> {
    return WebAssembly.promising(this.#exports[name] as WebAssembly.ExportValue)(...values);
  }

  /** Writes texts with one vector each. Returns how many bytes were taken. */
  async write(fd: number, ...texts: string[]): Promise<number> {
    let at = 8_192;
    for (const [index, text] of texts.entries()) {
      const length = this.bytes.write(text, at);
      this.bytes.writeUInt32LE(at, 1_024 + 8 * index);
      this.bytes.writeUInt32LE(length, 1_028 + 8 * index);
      at += length;
    }
    assert.equal(await this.call("fd_write", fd, 1_024, texts.length, 512), 0);
    return this.bytes.readUInt32LE(512);
  }
}
