import { expect, test } from "bun:test";
import { createTestApp, refusalOf } from "../test-app.ts";
import { resolveSender } from "./sender.ts";
import { setLanguage, setTimeZone } from "./settings.ts";

test("a person's language and time zone count from the next message on, in every team, and leave audit rows", async () => {
  await using it = await createTestApp();
  const owner = await it.team(1);
  const other = await it.team(2);
  await it.member(other, 1, "member");
  expect(await setLanguage(owner, "de")).toMatchObject({ locale: "de", timeZone: "UTC" });
  expect(await setTimeZone(owner, "Europe/Vienna")).toMatchObject({ timeZone: "Europe/Vienna" });
  expect(await resolveSender(it.app, 1, 1, 1)).toMatchObject({ locale: "de", timeZone: "Europe/Vienna" });
  expect(await resolveSender(it.app, 1, 2, 2)).toMatchObject({ locale: "en", timeZone: "UTC" });
  const rows = await it.admin`SELECT org_id, action, actor_id, detail FROM app.audit_log ORDER BY seq`;
  const userId = owner.actor.type === "user" ? owner.actor.userId : "";
  expect([...rows]).toEqual([
    { org_id: owner.orgId, action: "account.language", actor_id: userId, detail: { to: "de" } },
    { org_id: owner.orgId, action: "account.time_zone", actor_id: userId, detail: { to: "Europe/Vienna" } },
  ]);
});

test("what is no time zone, a machine, and a person who has left the team change nothing", async () => {
  await using it = await createTestApp();
  const owner = await it.team(1);
  const member = await it.member(owner, 2, "member");
  const stranger = await it.team(3);
  expect(await refusalOf(setTimeZone(owner, "Europe/Nowhere"))).toBe("time_zone_unknown");
  expect(await refusalOf(setTimeZone(owner, "+03:00"))).toBe("time_zone_unknown");
  expect(await refusalOf(setLanguage({ ...owner, actor: { type: "system", name: "worker" } }, "de"))).toBe(
    "not_member",
  );
  // Another team's account cannot be reached through ours.
  expect(await refusalOf(setLanguage({ ...owner, actor: stranger.actor }, "de"))).toBe("not_member");
  await it.admin`UPDATE app.users SET status = 'removed' WHERE role = 'member'`;
  expect(await refusalOf(setLanguage(member, "de"))).toBe("not_member");
  expect([...(await it.admin`SELECT DISTINCT locale, time_zone FROM auth.accounts`)]).toEqual([
    { locale: "en", time_zone: "UTC" },
  ]);
  expect(await it.admin`SELECT FROM app.audit_log`).toHaveLength(0);
});
