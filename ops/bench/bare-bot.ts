import Anthropic from "@anthropic-ai/sdk";
import { run } from "@grammyjs/runner";
import { Bot } from "grammy";

// The baseline of the turn benches: what a bot costs that stores nothing, keeps nobody apart and loses what it
// was doing when it is killed. Started by ops/bench/rig.ts as `bare-bot.ts TOKEN TELEGRAM_URL CLAUDE_URL`.
const EDIT_EVERY_MS = 1_100;
const ANSWER_TOKENS_MAX = 4096;

const [token = "", telegramUrl = "", claudeUrl = ""] = process.argv.slice(2);
const bot = new Bot(token, { client: { apiRoot: telegramUrl } });
const claude = new Anthropic({ apiKey: "a-key-for-the-simulator", baseURL: claudeUrl, maxRetries: 0 });

bot.command("help", (ctx) => ctx.reply("Ask me anything."));
bot.on("message:text", async (ctx) => {
  const stream = claude.messages.stream({
    model: "claude-sonnet-5-5",
    max_tokens: ANSWER_TOKENS_MAX,
    messages: [{ role: "user", content: ctx.message.text }],
  });
  let text = "";
  let shown = "";
  let shownAt = 0;
  let messageId: number | null = null;
  for await (const event of stream) {
    if (event.type !== "content_block_delta" || event.delta.type !== "text_delta") continue;
    text += event.delta.text;
    if (messageId === null) messageId = (await ctx.reply(text)).message_id;
    else if (performance.now() - shownAt < EDIT_EVERY_MS) continue;
    else await ctx.api.editMessageText(ctx.chat.id, messageId, text);
    shown = text;
    shownAt = performance.now();
  }
  if (messageId !== null && shown !== text) await ctx.api.editMessageText(ctx.chat.id, messageId, text);
});

run(bot);
process.stdout.write("ready\n");
