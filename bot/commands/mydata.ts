import { takePress, type ButtonSpec } from "../../core/buttons.ts";
import { collectMine, eraseMine, noteExport, type MyData, type TeamData } from "../../core/my-data.ts";
import type { OutgoingMessage } from "../../core/pipeline/outbox.ts";
import type { Scope } from "../../core/scope.ts";
import { languageOf, sentence } from "../../core/text/text.ts";
import { conclude, saying, stripPressed } from "../conclude.ts";
import type { Ctx, Visit } from "../context.ts";
import { screen } from "./screen.ts";

/** /mydata, and the button that leads back to it: what is stored about the person, and what they can do about it. */
export async function myData(ctx: Ctx, visit: Visit, scope: Scope, buttonId?: string): Promise<void> {
  await conclude(ctx, visit, async () => {
    if (buttonId !== undefined) await takePress(scope, buttonId, visit.place.chatId);
    return [await overview(ctx, scope)];
  });
}

/** The button that sends everything, as two files: for programs and for people. */
export async function sendMine(ctx: Ctx, visit: Visit, scope: Scope, buttonId: string): Promise<void> {
  // Before the transaction: it reads one team after the other.
  const data = await collectMine(scope);
  await conclude(ctx, visit, async () => {
    await takePress(scope, buttonId, visit.place.chatId);
    await noteExport(scope);
    return [
      await overview(ctx, scope),
      { text: "", file: { name: "my-data.json", content: `${JSON.stringify(data, null, 2)}\n` } },
      { text: "", file: { name: "my-data.txt", content: readable(scope, data) } },
    ];
  });
}

/** The buttons that delete, before they are pressed once more: `value` is what goes, `said` or `whole`. */
export async function askErase(ctx: Ctx, visit: Visit, scope: Scope, buttonId: string): Promise<void> {
  await conclude(ctx, visit, async () => {
    const { value } = await takePress(scope, buttonId, visit.place.chatId);
    const what = value === "whole" ? "whole" : "said";
    return [
      await screen(ctx, scope, sentence(scope.locale, "mydata_erase_ask", { what }), [
        [
          {
            label: sentence(scope.locale, "button_mydata_erase_sure"),
            kind: "mydata_erase_sure",
            value: what,
          },
          { label: sentence(scope.locale, "button_cancel"), kind: "mydata" },
        ],
      ]),
    ];
  });
}

/** The second press: what was said is gone, or the person is too. The running answer is stopped before. */
export async function erase(ctx: Ctx, visit: Visit, scope: Scope, buttonId: string): Promise<void> {
  const { lanes, lease } = ctx.front;
  await lanes.preempt(visit.place.lane, () =>
    conclude(ctx, visit, async () => {
      const { value } = await takePress(scope, buttonId, visit.place.chatId);
      const whole = value === "whole";
      const before = ctx.updateIds[0] ?? 0;
      const turns = await eraseMine(scope, lease, { whole, lane: visit.place.lane, before });
      return [saying(ctx, visit, "mydata_erased", { what: whole ? "whole" : "said", turns })];
    }),
  );
  stripPressed(ctx, visit);
}

async function overview(ctx: Ctx, scope: Scope): Promise<OutgoingMessage> {
  const button = (label: string, kind: ButtonSpec["kind"], value = ""): ButtonSpec[] => [
    { label, kind, value },
  ];
  return screen(ctx, scope, sentence(scope.locale, "mydata"), [
    button(sentence(scope.locale, "button_mydata_send"), "mydata_send"),
    button(sentence(scope.locale, "button_mydata_said"), "mydata_erase", "said"),
    button(sentence(scope.locale, "button_mydata_whole"), "mydata_erase", "whole"),
  ]);
}

type Moment = (iso: string) => string;

function readable(scope: Scope, { account, teams }: MyData): string {
  const { locale, timeZone: zone } = scope;
  // One for all of them: it takes longer to make than to use.
  const format = new Intl.DateTimeFormat(languageOf(locale), {
    timeZone: zone,
    dateStyle: "long",
    timeStyle: "short",
  });
  const moment: Moment = (iso) => format.format(new Date(iso));
  const { name, telegramId, email, language, timeZone } = account;
  const intro = sentence(locale, "mydata_account", {
    name,
    id: String(telegramId ?? "-"),
    email: email ?? "-",
    language,
    zone: timeZone,
    since: moment(account.since),
    sessions: account.sessions.length,
  });
  return `${[intro, ...teams.map((team) => teamText(locale, moment, team))].join("\n\n")}\n`;
}

function teamText(locale: string, moment: Moment, data: TeamData): string {
  const { team, role, memberId } = data;
  const questions = data.questions.map(({ at, group, question, files, answer }) =>
    [
      `[${moment(at)}${group === null ? "" : `, ${group}`}]`,
      ...(files.length === 0 ? [] : [files.join(", ")]),
      `> ${question}`,
      answer ?? "-",
    ].join("\n"),
  );
  return [
    sentence(locale, "mydata_team", { team, role, id: memberId, since: moment(data.since) }),
    sentence(locale, "mydata_questions", { count: data.questions.length, left: data.olderQuestions }),
    ...questions,
    ...data.summaries.map((summary) => `${sentence(locale, "mydata_summary")}\n${summary}`),
    [
      sentence(locale, "mydata_log", { count: data.log.length, left: data.olderLog }),
      ...data.log.map(({ at, action, outcome }) => `[${moment(at)}] ${action} (${outcome})`),
    ].join("\n"),
    [
      sentence(locale, "mydata_usage"),
      ...data.usage.map(({ month, resource, used }) => `${month} ${resource}: ${used}`),
    ].join("\n"),
  ].join("\n\n");
}
