import { expect, test } from "bun:test";
import { ask } from "../chat/test-conversation.ts";
import { createTestApp, leaseOf, refusalOf } from "../test-app.ts";
import { setInstructions, setTeamLanguage, voiceOf } from "./voice.ts";

test("admins decide how their own team is answered, from the next question on, and the audit log does not say what", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  const [owner, others] = [await it.team(1), await it.team(2)];
  const [admin, member] = [await it.member(owner, 3, "admin"), await it.member(owner, 4, "member")];
  for (const work of [
    () => setInstructions(member, "Be rude."),
    () => setTeamLanguage(member, "ru"),
    () => voiceOf(member),
  ])
    expect(await refusalOf(work())).toBe("not_allowed");
  await setInstructions(admin, "  Be\r\nsecretive.\0 ");
  await setTeamLanguage(owner, "de");
  const voice = { instructions: "Be\r\nsecretive.", language: "de" } as const;
  expect((await ask(member, lease, 1)).voice).toEqual(voice);
  expect(await voiceOf(others)).toEqual({ instructions: null, language: null });
  await setInstructions(owner, null);
  await setTeamLanguage(owner, null);
  expect((await ask(member, lease, 2)).voice).toEqual({ instructions: null, language: null });
  const rows = await it.admin`SELECT action, outcome, detail FROM app.audit_log ORDER BY seq`;
  expect([...rows]).toEqual([
    { action: "team.instructions", outcome: "ok", detail: { characters: 14 } },
    { action: "team.language", outcome: "ok", detail: { to: "de" } },
    { action: "team.instructions", outcome: "removed", detail: { characters: 0 } },
    { action: "team.language", outcome: "ok", detail: { to: null } },
  ]);
});

test("instructions have a limit, and nothing is no instruction", async () => {
  await using it = await createTestApp();
  const owner = await it.team(1);
  await setInstructions(owner, "x".repeat(2_000));
  expect(await refusalOf(setInstructions(owner, "x".repeat(2_001)))).toBe("instructions_too_long");
  expect(await refusalOf(setInstructions(owner, " \n\0"))).toBe("instructions_empty");
  expect((await voiceOf(owner)).instructions).toHaveLength(2_000);
});
