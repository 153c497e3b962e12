const REFRESH = "__Host-rt";
const BINDING = "__Host-mlb";
const BINDING_MINUTES = 15;
const DAY_SECONDS = 86_400;
const TOKEN = /^[\w-]{43}$/;

/** What a browser holds for us: its sign-in, and the proof that it asked for a link. */
export type Cookies = { readonly refresh: string | null; readonly binding: string | null };

/** The cookies of ours among those of a request; of another form than we write is none. */
export function cookiesOf(request: Request): Cookies {
  const found = new Map(
    (request.headers.get("cookie") ?? "").split(";").map((pair) => {
      const [name = "", value = ""] = pair.trim().split("=", 2);
      return [name, value];
    }),
  );
  const read = (name: string): string | null => {
    const value = found.get(name);
    return value !== undefined && TOKEN.test(value) ? value : null;
  };
  return { refresh: read(REFRESH), binding: read(BINDING) };
}

export function refreshCookie(token: string, days: number): string {
  return `${REFRESH}=${token}; Path=/; Max-Age=${days * DAY_SECONDS}; HttpOnly; Secure; SameSite=Strict`;
}

/** Takes the sign-in away from the browser. */
export function noRefreshCookie(): string {
  return `${REFRESH}=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Strict`;
}

// Lax, because the mailed link is opened from another site.
export function bindingCookie(binding: string): string {
  return `${BINDING}=${binding}; Path=/; Max-Age=${BINDING_MINUTES * 60}; HttpOnly; Secure; SameSite=Lax`;
}
