import assert from "node:assert/strict";
import { test } from "node:test";
import { createStorage, type Room, roomOf } from "#runtime/storage.ts";

const gib = 2 ** 30;
const limits = { lowPercent: 5, lowBytes: gib / 2, fullPercent: 1 };

function watched(room: Room) {
  const told: string[] = [];
  const held = { room, fails: false };
  const storage = createStorage({
    limits: () => limits,
    readRoom: async () => {
      if (held.fails) throw new TypeError("gone");
      return held.room;
    },
    onChange: (fullness) => told.push(fullness),
  });
  return { storage, held, told };
}

const rooms: readonly (readonly [string, Room, string])[] = [
  ["half of a large disk", { freeBytes: 500 * gib, allBytes: 1_000 * gib }, "ample"],
  ["exactly five percent", { freeBytes: 50 * gib, allBytes: 1_000 * gib }, "ample"],
  ["under five percent", { freeBytes: 49 * gib, allBytes: 1_000 * gib }, "low"],
  ["much of a small disk, and under 512 MiB", { freeBytes: gib / 4, allBytes: gib }, "low"],
  ["exactly one percent", { freeBytes: 10 * gib, allBytes: 1_000 * gib }, "low"],
  ["under one percent", { freeBytes: 9 * gib, allBytes: 1_000 * gib }, "full"],
  ["nothing", { freeBytes: 0, allBytes: 1_000 * gib }, "full"],
];
for (const [what, room, expected] of rooms)
  test(`look() finds a disk with ${what} left ${expected}`, async () => {
    const { storage } = watched(room);
    await storage.look();
    assert.equal(storage.fullness, expected);
    const refuses = (act: () => void) => {
      try {
        act();
        return false;
      } catch (error) {
        return (error as { code?: string }).code === "STORAGE_FULL";
      }
    };
    assert.equal(
      refuses(() => storage.checkInstall()),
      expected !== "ample",
    );
    assert.equal(
      refuses(() => storage.checkEffect()),
      expected === "full",
    );
  });

test("look() tells of changes alone, and keeps what is known of a disk that cannot be looked at", async () => {
  const { storage, held, told } = watched({ freeBytes: gib, allBytes: 100 * gib });
  await storage.look();
  await storage.look();
  held.fails = true;
  await storage.look();
  assert.deepEqual([storage.fullness, told], ["low", ["low"]]);
  storage.ranFull();
  assert.throws(() => storage.checkEffect(), { code: "STORAGE_FULL" });
  held.fails = false;
  held.room = { freeBytes: 50 * gib, allBytes: 100 * gib };
  await storage.look();
  assert.deepEqual(told, ["low", "full", "ample"]);
});

test("roomOf() reads the disk of a folder", async () => {
  const { freeBytes, allBytes } = await roomOf("/")();
  assert.ok(allBytes > 0 && freeBytes <= allBytes);
});
