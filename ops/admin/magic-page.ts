import { Hono } from "hono";
import { html, raw } from "hono/html";
import type { HtmlEscapedString } from "hono/utils/html";
import { languageOf, sentence, type Language } from "../../core/text/text.ts";
import { magicScript } from "./magic-script.ts";
import { pageStyle } from "./page-style.ts";
import type { AdminEnv } from "./request.ts";

const SCRIPT_PATH = "/auth/magic.js";
const SCRIPT = magicScript();
// Stand for what the script fills in, and occur in no sentence.
const MARK = "\u0001";
const MARKED = new RegExp(`${MARK}(\\w+)${MARK}`);
const PARAMS = Object.fromEntries(
  ["email", "team", "telegram", "name"].map((name) => [name, `${MARK}${name}${MARK}`]),
);

const STYLE = pageStyle(`
main { max-width: 30rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: 1.5rem; margin-top: .75rem; }
section[hidden], [hidden] { display: none; }
h1 { margin: 0 0 1rem; overflow-wrap: anywhere; }
h1:focus { outline: none; }
p + p, form { margin-top: 1rem; }
p { overflow-wrap: anywhere; }
.warning { color: var(--soft); font-size: .9375rem; }
label { display: block; font-weight: 600; margin-bottom: .35rem; }
input { width: 100%; padding: .7rem .8rem; border: 1px solid var(--idle); border-radius: .5rem; background: var(--ground);
  color: var(--ink); font: 600 1.5rem/1.2 ui-monospace, monospace; letter-spacing: .3em; text-align: center; }
#code-part { margin-top: 1.25rem; }
form > button { margin-top: 1.25rem; }
button { width: 100%; padding: .8rem 1rem; border: 0; border-radius: .5rem; background: var(--accent); color: var(--on-accent);
  font: 600 1.0625rem/1.3 system-ui, sans-serif; cursor: pointer; }
button:disabled { opacity: .6; cursor: default; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
#alert { color: var(--bad); margin-top: .75rem; }
#alert:empty { margin: 0; }
a { color: var(--accent); }
nav { display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; margin-top: 1rem; }
`);

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "connect-src 'self'",
  `style-src ${STYLE.source}`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/**
 * The page that a mailed link or invite opens, and its script, which tells the
 * two by the address. Neither knows the token: it stands behind the # and stays
 * in the browser.
 */
export function magicRoutes(): Hono<AdminEnv> {
  const routes = new Hono<AdminEnv>();
  for (const path of ["/auth/magic", "/auth/invite"]) {
    routes.get(path, (c) => {
      c.header("Content-Security-Policy", POLICY);
      c.header("Vary", "Accept-Language", { append: true });
      return c.html(page(languageOf(c.req.header("Accept-Language")?.split(",")[0])));
    });
  }
  routes.get(SCRIPT_PATH, (c) => c.body(SCRIPT, 200, { "Content-Type": "text/javascript; charset=utf-8" }));
  return routes;
}

function page(language: Language) {
  const say: Say = (id, params = {}) => withFields(sentence(language, id, { ...PARAMS, ...params }));
  return html`<!doctype html>
    <html lang="${language}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>BlockBot</title>
        ${STYLE.element}
        <script src="${SCRIPT_PATH}" defer></script>
      </head>
      <body>
        <main>
          <p class="product">BlockBot</p>
          <noscript
            ><section>
              <p>${say("magic_no_script")}</p>
            </section></noscript
          >
          ${readyPart(say)} ${endPart(say, "signed-in", say("magic_signed_in"))}
          ${endPart(say, "tied", say("magic_tied"))}
          ${endPart(say, "joined", say("magic_joined"), html`<a id="chat">${say("magic_to_chat")}</a>`)}
          ${plainPart("joined-known", say("magic_joined_headline"), say("magic_joined_known"))}
          ${plainPart("gone", say("magic_gone_headline"), say("magic_gone"))}
          ${plainPart("empty", say("magic_empty_headline"), say("magic_empty"))}
          ${plainPart("failed", say("magic_failed_headline"), say("magic_failed"))}
        </main>
      </body>
    </html> `;
}

type Said = readonly (string | HtmlEscapedString)[];
type Say = (id: string, params?: Record<string, string>) => Said;

function readyPart(say: Say) {
  return html`<section id="ready" hidden>
    <h1 tabindex="-1">
      <span data-for="login">${say("mail_login_headline")}</span>
      <span data-for="link_telegram">${say("mail_tie_headline")}</span>
      <span data-for="invite_member invite_admin">${say("mail_invite_subject")}</span>
    </h1>
    <form id="form" novalidate>
      <p data-for="login">${say("magic_login_text")}</p>
      <p data-for="link_telegram">${say("magic_tie_text")}</p>
      <p data-for="invite_member">${say("magic_invite_text", { role: "member" })}</p>
      <p data-for="invite_admin">${say("magic_invite_text", { role: "admin" })}</p>
      <div id="code-part">
        <p>
          <label for="code">${say("magic_code")}</label>
          <input
            id="code"
            inputmode="numeric"
            autocomplete="one-time-code"
            maxlength="7"
            aria-describedby="alert code-warning"
          />
        </p>
        <p class="warning" id="code-warning">${say("magic_code_warning")}</p>
      </div>
      <button id="button" type="submit">
        <span data-for="login">${say("mail_login_button")}</span>
        <span data-for="link_telegram">${say("magic_tie_button")}</span>
        <span data-for="invite_member invite_admin">${say("mail_invite_button")}</span>
      </button>
      <p id="alert" role="alert"></p>
    </form>
  </section>`;
}

function endPart(
  say: Say,
  id: string,
  text: Said,
  first: HtmlEscapedString | Promise<HtmlEscapedString> | "" = "",
) {
  return html`<section id="${id}" hidden>
    <h1 tabindex="-1">${say("magic_done")}</h1>
    <p>${text}</p>
    <nav>
      ${first}
      <a href="/health">${say("magic_to_health")}</a>
      <a href="/api/v1/docs">${say("magic_to_docs")}</a>
    </nav>
  </section>`;
}

function plainPart(id: string, headline: Said, text: Said) {
  return html`<section id="${id}" hidden>
    <h1 tabindex="-1">${headline}</h1>
    <p id="${id}-detail">${text}</p>
  </section>`;
}

function withFields(text: string): Said {
  return text
    .split(MARKED)
    .map((part, index) => (index % 2 === 0 ? part : raw(`<b data-field="${part}"></b>`)));
}
