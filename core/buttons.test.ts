import { expect, test } from "bun:test";
import { buttonKind, keyboardOf, takePress, type ButtonSpec } from "./buttons.ts";
import type { Scope } from "./scope.ts";
import { createTestApp, refusalOf } from "./test-app.ts";

const CHAT = 7;
const DAY_MS = 86_400_000;

async function idsOf(scope: Scope, ...specs: readonly ButtonSpec[]): Promise<string[]> {
  return (await keyboardOf(scope, CHAT, specs)).flatMap((row) => row.map(({ data }) => data));
}

test("a keyboard has one button a row, with ids that Telegram takes and nobody can guess", async () => {
  await using it = await createTestApp();
  const scope = await it.team(1);
  const keyboard = await keyboardOf(scope, CHAT, [
    { label: "Keep", kind: "keep_name" },
    { label: "Rename", kind: "rename_team" },
  ]);
  expect(keyboard.map((row) => row.map(({ text }) => text))).toEqual([["Keep"], ["Rename"]]);
  const ids = keyboard.flat().map(({ data }) => data);
  expect(new Set(ids).size).toBe(2);
  for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_-]{16}$/);
  expect(await buttonKind(scope, ids[1] ?? "", CHAT)).toBe("rename_team");
  expect(await keyboardOf(scope, CHAT, [])).toEqual([]);
});

test("buttons in a list stand side by side, and a press says what its button chooses", async () => {
  await using it = await createTestApp();
  const scope = await it.team(1);
  const keyboard = await keyboardOf(scope, CHAT, [
    [
      { label: "A", kind: "retry", value: "a" },
      { label: "B", kind: "retry", value: "b" },
    ],
    { label: "New chat", kind: "new_chat" },
  ]);
  expect(keyboard.map((row) => row.map(({ text }) => text))).toEqual([["A", "B"], ["New chat"]]);
  expect(await takePress(scope, keyboard[0]?.[1]?.data ?? "", CHAT)).toEqual({
    kind: "retry",
    turnId: null,
    value: "b",
  });
});

test("a button works once, even when it is pressed twenty times at the same moment", async () => {
  await using it = await createTestApp();
  const scope = await it.team(1);
  const [id = ""] = await idsOf(scope, { label: "New chat", kind: "new_chat" });
  const presses = await Promise.allSettled(Array.from({ length: 20 }, () => takePress(scope, id, CHAT)));
  expect(presses.flatMap((press) => (press.status === "fulfilled" ? [press.value] : []))).toEqual([
    { kind: "new_chat", turnId: null, value: null },
  ]);
  expect(await refusalOf(takePress(scope, id, CHAT))).toBe("button_gone");
  expect(await refusalOf(buttonKind(scope, id, CHAT))).toBe("button_gone");
});

test("a button for one person refuses the others of the team and is still theirs afterwards", async () => {
  await using it = await createTestApp();
  const owner = await it.team(1);
  const other = await it.member(owner, 2, "admin");
  const userId = owner.actor.type === "user" ? owner.actor.userId : "";
  const [theirs = "", anyone = ""] = await idsOf(
    owner,
    { label: "Keep", kind: "keep_name", userId },
    { label: "New chat", kind: "new_chat" },
  );
  expect(await refusalOf(takePress(other, theirs, CHAT))).toBe("button_not_yours");
  expect(await refusalOf(buttonKind(other, theirs, CHAT))).toBe("button_not_yours");
  expect(await buttonKind(owner, theirs, CHAT)).toBe("keep_name"); // looking uses nothing up
  const worker = { ...owner, actor: { type: "system", name: "worker" } as const };
  expect(await refusalOf(takePress(worker, theirs, CHAT))).toBe("button_not_yours");
  expect(await takePress(owner, theirs, CHAT)).toEqual({ kind: "keep_name", turnId: null, value: null });
  expect(await takePress(other, anyone, CHAT)).toEqual({ kind: "new_chat", turnId: null, value: null });
});

test("a button works only in its chat and its team, and a made-up id finds nothing", async () => {
  await using it = await createTestApp();
  const [mine, theirs] = [await it.team(1), await it.team(2)];
  const [id = ""] = await idsOf(mine, { label: "New chat", kind: "new_chat" });
  expect(await refusalOf(takePress(mine, id, CHAT + 1))).toBe("button_gone");
  expect(await refusalOf(buttonKind(mine, id, CHAT + 1))).toBe("button_gone");
  expect(await refusalOf(takePress(theirs, id, CHAT))).toBe("button_gone");
  expect(await refusalOf(buttonKind(theirs, id, CHAT))).toBe("button_gone");
  for (const made of ["", "x", `${id} `, "'; --", "\u{1f600}"]) {
    expect(await refusalOf(takePress(mine, made, CHAT))).toBe("button_gone");
    expect(await refusalOf(buttonKind(mine, made, CHAT))).toBe("button_gone");
  }
  expect(await takePress(mine, id, CHAT)).toEqual({ kind: "new_chat", turnId: null, value: null });
});

test("a button works for seven days", async () => {
  await using it = await createTestApp();
  const scope = await it.team(1);
  it.pass(-7 * DAY_MS + 60_000);
  const [young = ""] = await idsOf(scope, { label: "New chat", kind: "new_chat" });
  it.pass(-2 * 60_000);
  const [old = ""] = await idsOf(scope, { label: "New chat", kind: "new_chat" });
  expect(await refusalOf(takePress(scope, old, CHAT))).toBe("button_gone");
  expect(await refusalOf(buttonKind(scope, old, CHAT))).toBe("button_gone");
  expect(await takePress(scope, young, CHAT)).toEqual({ kind: "new_chat", turnId: null, value: null });
});
