import { Hono } from "hono";
import { html } from "hono/html";
import type { App } from "../../../core/app.ts";
import { pageStyle } from "../page-style.ts";
import type { AdminEnv } from "../request.ts";
import type { Endpoint } from "./endpoint.ts";
import { jsonSchema, openApi } from "./openapi.ts";

const STYLE = pageStyle(`
main { max-width: 52rem; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .75rem; }
article { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: 1rem 1.25rem; margin-top: .75rem; }
h3 { font: 600 1rem/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
.method { color: var(--accent); text-transform: uppercase; }
p { margin-top: .5rem; }
.facts { color: var(--soft); font-size: .875rem; }
summary { cursor: pointer; margin-top: .75rem; color: var(--accent); }
pre { overflow-x: auto; font: .8125rem/1.5 ui-monospace, monospace; background: var(--ground); border: 1px solid var(--line);
  border-radius: .5rem; padding: .75rem; margin-top: .5rem; }
code { font-family: ui-monospace, monospace; font-size: .9em; }
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
`);

const POLICY = [
  "default-src 'none'",
  `style-src ${STYLE.source}`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const ACCESS: Readonly<Record<Endpoint["access"], string>> = {
  sign_in: "No access token. Few attempts per network.",
  anybody: "No access token; the refresh cookie.",
  session: "With an access token.",
};

/** The API described twice from the same schemas: for programs, and as a page without scripts for people. */
export function docsRoutes(app: App, endpoints: readonly Endpoint[]): Hono<AdminEnv> {
  const routes = new Hono<AdminEnv>();
  const document = openApi(endpoints, { version: app.version, server: app.publicUrl });
  routes.get("/openapi.json", (c) => c.json(document));
  routes.get("/docs", (c) => {
    c.header("Content-Security-Policy", POLICY);
    return c.html(page(app, endpoints));
  });
  return routes;
}

function page({ version, publicUrl }: App, endpoints: readonly Endpoint[]) {
  const groups = [...new Set(endpoints.map(({ group }) => group))];
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>BlockBot: the API</title>
        ${STYLE.element}
      </head>
      <body>
        <main>
          <p class="product">BlockBot ${version}</p>
          <h1>The API</h1>
          <p>
            Everything is below <code>${publicUrl}/api/v1</code> and speaks JSON. The same for programs:
            <a href="/api/v1/openapi.json">openapi.json</a> (OpenAPI 3.1).
          </p>
          <p>
            Sign in with a mailed link or a password, send the access token as
            <code>Authorization: Bearer …</code>, and get a new one every fifteen minutes from
            <code>/auth/refresh</code> with the cookie that came along. Errors are
            <code>application/problem+json</code> with a <code>correlationId</code>, which the log has too.
            <code>RateLimit-*</code> says what is left, <code>Retry-After</code> when to come back. A session
            acts for one team; any other team's address is 404.
          </p>
          ${groups.map(
            (group) =>
              html`<h2>${group}</h2>
                ${endpoints.filter((endpoint) => endpoint.group === group).map(article)}`,
          )}
        </main>
      </body>
    </html> `;
}

function article(endpoint: Endpoint) {
  const { method, path, summary, access, status, params, query, body, answer, contentType } = endpoint;
  const shown = [
    ["Address", params, "input"],
    ["Query", query, "input"],
    ["Body", body, "input"],
    [`Answer ${status}`, answer, "output"],
  ] as const;
  const kind = contentType ?? (answer === undefined ? "no body" : "JSON");
  return html`<article>
    <h3><span class="method">${method}</span> ${path}</h3>
    <p>${summary.split("`").map((part, index) => (index % 2 === 0 ? part : html`<code>${part}</code>`))}</p>
    <p class="facts">${ACCESS[access]} Answers ${status}, ${kind}.</p>
    ${shown.map(([title, schema, io]) =>
      schema === undefined
        ? ""
        : html`<details>
            <summary>${title}</summary>
            <pre>${JSON.stringify(jsonSchema(schema, io), null, 2)}</pre>
          </details>`,
    )}
  </article>`;
}
