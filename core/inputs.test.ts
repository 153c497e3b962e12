import { expect, test } from "bun:test";
import { resolveSender } from "./accounts/sender.ts";
import { awaitInput, clearInput } from "./inputs.ts";
import { createTestApp } from "./test-app.ts";

const BOT_ID = 4711;

test("what a command waits for is answered by that person in that chat, for ten minutes, until cleared", async () => {
  await using it = await createTestApp();
  const owner = await it.team(1);
  await it.member(owner, 2, "admin");
  const pending = async (telegramUserId: number, chatId: number) =>
    (await resolveSender(it.app, BOT_ID, telegramUserId, chatId)).pending;
  await awaitInput(owner, 1, "team_name");
  await awaitInput(owner, 1, "team_name");
  expect(await pending(1, 1)).toBe("team_name");
  expect(await pending(1, 99)).toBeNull();
  expect(await pending(2, 1)).toBeNull();
  await it.admin`UPDATE app.pending_inputs SET expires_at = expires_at - interval '9 minutes 30 seconds'`;
  expect(await pending(1, 1)).toBe("team_name");
  await it.admin`UPDATE app.pending_inputs SET expires_at = expires_at - interval '30 seconds'`;
  expect(await pending(1, 1)).toBeNull();
  await awaitInput(owner, 1, "team_name");
  expect(await pending(1, 1)).toBe("team_name");
  await clearInput(owner, 1);
  expect(await pending(1, 1)).toBeNull();
});
