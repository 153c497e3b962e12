/**
 * What runs in the browser: these functions as they are written here, so they
 * use each other and the browser, and nothing else.
 */
export function magicScript(): string {
  const parts = [openLink, inspectLink, confirmLink, refuse, showPart, fillIn, find, post];
  return `${parts.map(String).join("\n")}\nopenLink();\n`;
}

/** Takes the token out of the address, asks what the link would do, and uses it up only when the button is pressed. */
function openLink(): void {
  const token = location.hash.slice(1);
  // Neither the history nor a picture of the address bar keeps it.
  history.replaceState(null, "", location.pathname);
  const failed = (): void => showPart("failed");
  find("form").addEventListener("submit", (event) => {
    event.preventDefault();
    confirmLink(token).catch(failed);
  });
  // Another link that is opened in this tab changes nothing but what stands behind the #.
  addEventListener("hashchange", () => location.reload());
  if (token === "") showPart("empty");
  else inspectLink(token).catch(failed);
}

async function inspectLink(token: string): Promise<void> {
  const { status, body } = await post("/inspect", { token });
  if (status === 410 || status === 422) return showPart("gone");
  if (status !== 200) {
    find("failed-detail").textContent = body.detail;
    return showPart("failed");
  }
  find("form").dataset["purpose"] = body.purpose;
  fillIn({ email: body.email, team: body.team, telegram: body.telegram });
  for (const part of document.querySelectorAll<HTMLElement>("[data-for]"))
    part.hidden = part.dataset["for"] !== body.purpose;
  find("code-part").hidden = !body.codeNeeded;
  showPart("ready");
}

async function confirmLink(token: string): Promise<void> {
  const button = find("button") as HTMLButtonElement;
  const code = (find("code") as HTMLInputElement).value.trim();
  button.disabled = true;
  find("alert").textContent = "";
  const { status, body } = await post("/confirm", code === "" ? { token } : { token, code });
  button.disabled = false;
  if (status === 410) return showPart("gone");
  if (status !== 200) return refuse(status, body);
  fillIn({ email: body.user.email, team: body.team.name });
  showPart(find("form").dataset["purpose"] === "link_telegram" ? "tied" : "signed-in");
}

function refuse(status: number, problem: { code?: string; detail: string }): void {
  const code = find("code") as HTMLInputElement;
  if (problem.code === "link_code_needed") find("code-part").hidden = false;
  find("alert").textContent = problem.detail;
  if (status !== 403) return;
  code.setAttribute("aria-invalid", "true");
  code.select();
  code.focus();
}

/** Shows one part of the page, and leads a screen reader to its heading. */
function showPart(id: string): void {
  for (const part of document.querySelectorAll<HTMLElement>("main > section")) part.hidden = part.id !== id;
  const heading = document.querySelector<HTMLElement>(`#${id} h1`);
  heading?.focus();
  document.title = `BlockBot: ${heading?.innerText ?? ""}`;
}

function fillIn(fields: Record<string, string | null>): void {
  for (const [name, value] of Object.entries(fields))
    for (const place of document.querySelectorAll(`[data-field=${name}]`)) place.textContent = value;
}

function find(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no ${id}`);
  return element;
}

async function post(path: string, body: object) {
  const response = await fetch(`/api/v1/auth/magic-link${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}
