import { expect, test } from "bun:test";
import { ALICE, BOB, GROUP, hasButton, startWorld, until, type World } from "./world.ts";

async function inviteBob(world: World): Promise<void> {
  world.telegram.say({ from: ALICE, text: "/invite" });
  const { text } = await world.hears(ALICE, "https://t.me/");
  world.telegram.say({ from: BOB, text: `/start ${/start=(\S+)/.exec(text)?.[1] ?? ""}` });
  await world.hears(BOB, "You are a member");
}

test("a question that the budget does not cover is kept, an admin raises the budget, and Retry has it answered", async () => {
  await using world = await startWorld(() => ({ text: "Forty-two." }));
  const { telegram } = world;
  await world.claimTeam();
  await inviteBob(world);
  telegram.say({ from: ALICE, text: "/budget Bob 0.01" });
  await world.hears(ALICE, "Bob may now use $0.01 in a month.");
  telegram.say({ from: BOB, text: "What is six times seven?" });
  const refusal = await world.hears(BOB, "Your own budget for this month does not cover another question.");
  expect(refusal.text).toMatch(
    /It starts anew on 1 \p{L}+ at 00:00 \(UTC\)\. An admin can raise it: \/budget\./u,
  );
  expect(hasButton(refusal, "Retry")).toBe(true);
  expect(world.claude.requests).toHaveLength(0);
  // The same for everybody else goes on.
  telegram.say({ from: ALICE, text: "And you?" });
  await world.hears(ALICE, "Forty-two.");

  world.press(BOB, "Retry");
  await telegram.waitFor(
    () => world.heard(BOB).filter(({ text }) => text.startsWith("Your own")).length === 2,
  );
  telegram.say({ from: ALICE, text: "/budget bob 5" });
  await world.hears(ALICE, "Bob may now use $5.00");
  world.press(BOB, "Retry");
  await world.hears(BOB, "Forty-two.");
  expect(world.claude.requests.at(-1)?.messages[0]).toMatchObject({
    content: [{ type: "text", text: "What is six times seven?" }],
  });
});

test("everybody sees their own use, admins see everybody's, and neither is told in a group", async () => {
  await using world = await startWorld(() => ({ text: "word ".repeat(400) }));
  const { telegram } = world;
  await world.claimTeam();
  await inviteBob(world);
  telegram.say({ from: BOB, text: "Write something long" });
  await world.hears(BOB, "word");
  telegram.say({ from: BOB, text: "/usage" });
  const own = await world.hears(BOB, "Your use of Claude");
  expect(own.text).toMatch(
    /▰▱{9} \$0\.01 of \$20\.00 \(0%\)\n[\d.]+K? tokens\n\nThe team as a whole: ▰▱{9} 0%/u,
  );
  expect(own.text).toMatch(/Starts anew on 1 \p{L}+ at 00:00 \(UTC\)\./u);
  expect(own.text).not.toContain("≥");
  for (const text of ["/usage team", "/budget", "/budget team 1"]) {
    const before = world.heard(BOB).length;
    telegram.say({ from: BOB, text });
    await telegram.waitFor(() => world.heard(BOB).length > before);
    expect(world.heard(BOB).at(-1)?.text).toContain("Only an admin");
  }
  telegram.say({ from: ALICE, text: "/usage team" });
  const team = await world.hears(ALICE, "Use of Claude by");
  expect(team.text).toMatch(
    /Bob: \$0\.01 of \$20\.00, [\d.]+K? tokens\nAlice: \$0\.00 of \$20\.00, 0 tokens/,
  );
  telegram.say({ from: ALICE, text: "/budget" });
  const budgets = await world.hears(ALICE, "may use in a month");
  expect(budgets.text).toContain(
    "The team: $50.00\nEach member: $20.00\n\n#1 Alice\n#2 Bob\n\nAll teams of this bot together: $200.00.",
  );
  telegram.say({ from: ALICE, chat: GROUP, text: "/claim@blockbot_demo_bot" });
  await world.hears(GROUP, "now belongs to");
  telegram.say({ from: ALICE, chat: GROUP, text: "/usage@blockbot_demo_bot" });
  await world.hears(GROUP, "in our private chat only");
});

test("owners are told once when four fifths of the team's budget are used, before it is used up", async () => {
  const settings = { limits: { BUDGET_TEAM_USD: "0.11" }, rateLimits: false };
  await using world = await startWorld(() => ({ text: "word ".repeat(3_200) }), settings);
  const { telegram } = world;
  await world.claimTeam();
  const refused = () =>
    world.heard(ALICE).some(({ text }) => text.includes("does not cover another question"));
  for (let question = 1; question <= 20 && !refused(); question++) {
    telegram.say({ from: ALICE, text: `Question ${question}` });
    await until(
      () => world.log.filter(({ msg, what }) => msg === "update" && what === "ask").length === question,
    );
  }
  const warning = await world.hears(ALICE, "% of this month's budget of “Alice's team” is used");
  expect(warning.text).toMatch(/^(8|9)\d%.*: \$0\.\d\d of \$0\.11\./);
  expect(refused()).toBe(true);
  expect(world.heard(ALICE).filter(({ text }) => text.includes("of this month's budget"))).toHaveLength(1);
});
