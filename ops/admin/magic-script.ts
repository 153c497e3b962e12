/**
 * What runs in the browser: these functions as they are written here, so they
 * use each other and the browser, and nothing else.
 */
export function magicScript(): string {
  const parts = [
    openLink,
    inspectLink,
    confirmLink,
    showJoined,
    showGone,
    refuse,
    showPart,
    fillIn,
    find,
    isInvite,
    post,
  ];
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
  const { status, body } = await post("inspect", { token });
  if (status === 404 || status === 410 || status === 422) return showGone(status, body);
  if (status !== 200) {
    find("failed-detail").textContent = body.detail;
    return showPart("failed");
  }
  const purpose: string = isInvite() ? `invite_${body.role}` : body.purpose;
  find("form").dataset["purpose"] = purpose;
  fillIn({ email: body.email, team: body.team, telegram: body.telegram, name: body.invitedBy });
  for (const part of document.querySelectorAll<HTMLElement>("[data-for]"))
    part.hidden = part.dataset["for"]?.split(" ").includes(purpose) !== true;
  find("code-part").hidden = body.codeNeeded !== true;
  showPart("ready");
}

async function confirmLink(token: string): Promise<void> {
  const button = find("button") as HTMLButtonElement;
  const code = (find("code") as HTMLInputElement).value.trim();
  button.disabled = true;
  find("alert").textContent = "";
  const { status, body } = await post("confirm", code === "" ? { token } : { token, code });
  button.disabled = false;
  if (status === 404 || status === 410) return showGone(status, body);
  if (status !== 200) return refuse(status, body);
  if (isInvite()) return showJoined(body);
  fillIn({ email: body.user.email, team: body.team.name });
  showPart(find("form").dataset["purpose"] === "link_telegram" ? "tied" : "signed-in");
}

function showJoined(join: {
  email: string;
  team: { name: string };
  bot: string | null;
  signedIn: object | null;
}): void {
  fillIn({ email: join.email, team: join.team.name });
  const chat = find("chat") as HTMLAnchorElement;
  chat.hidden = join.bot === null;
  chat.href = `https://t.me/${join.bot}?text=${encodeURIComponent(`/login ${join.email}`)}`;
  showPart(join.signedIn === null ? "joined-known" : "joined");
}

/** An invite that is over says how; of a link the page itself says where to get another. */
function showGone(status: number, problem: { detail: string }): void {
  if (isInvite() && status !== 422) find("gone-detail").textContent = problem.detail;
  showPart("gone");
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

function fillIn(fields: Record<string, string | null | undefined>): void {
  for (const [name, value] of Object.entries(fields))
    for (const place of document.querySelectorAll(`[data-field=${name}]`)) place.textContent = value ?? null;
}

function find(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no ${id}`);
  return element;
}

function isInvite(): boolean {
  return location.pathname === "/auth/invite";
}

async function post(step: "inspect" | "confirm", body: object) {
  const response = await fetch(`/api/v1/auth/${isInvite() ? "invite" : "magic-link"}/${step}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}
