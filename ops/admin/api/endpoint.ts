import type { z } from "zod";
import type { Caller, Visitor } from "../../../core/accounts/callers.ts";
import type { App } from "../../../core/app.ts";
import type { Cookies } from "../cookies.ts";

/** One request to an endpoint, checked against its schemas. */
export type Call<Params, Query, Body> = {
  readonly app: App;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly cookies: Cookies;
  readonly visitor: Visitor;
  /** The language that the client asks for. */
  readonly locale: string;
  /** The access token that came along, good or not. */
  readonly bearer: string | null;
};

/** What an endpoint answers. `body` is null where its status has none. */
export type Reply<Body> = {
  readonly body: Body;
  readonly cookies?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
};

type Facts<Params, Query, Body, Answer> = {
  readonly method: "get" | "post" | "patch" | "delete";
  /** As OpenAPI writes it, below `/api/v1`: `/teams/{id}`. */
  readonly path: `/${string}`;
  readonly group: string;
  readonly summary: string;
  readonly params?: z.ZodType<Params>;
  readonly query?: z.ZodType<Query>;
  readonly body?: z.ZodType<Body>;
  readonly status: 200 | 201 | 202 | 204;
  /** Absent where there is no body, or one that is not JSON. */
  readonly answer?: z.ZodType<Answer>;
  /** Another kind of body than JSON. */
  readonly contentType?: string;
};

/** `sign_in`: what proves who somebody is, and is limited as that. `anybody`: needs no access token either. */
type Open = { readonly access: "sign_in" | "anybody" };

/** One endpoint of the API, as it is served and as it is documented. */
export type Endpoint = Facts<unknown, unknown, unknown, unknown> & {
  readonly access: Open["access"] | "session";
  readonly run: (
    call: Call<unknown, unknown, unknown> & { readonly caller: Caller | null },
  ) => Promise<Reply<unknown>>;
};

/** An endpoint that takes no access token. */
export function openEndpoint<Params, Query, Body, Answer>(
  endpoint: Facts<Params, Query, Body, Answer> &
    Open & { readonly run: (call: Call<Params, Query, Body>) => Promise<Reply<Answer | null>> },
): Endpoint {
  // safe: whoever serves an endpoint parses with these very schemas before it runs
  return endpoint as unknown as Endpoint;
}

/** An endpoint for whoever holds an access token. */
export function ownEndpoint<Params, Query, Body, Answer>(
  endpoint: Facts<Params, Query, Body, Answer> & {
    readonly run: (
      call: Call<Params, Query, Body> & { readonly caller: Caller },
    ) => Promise<Reply<Answer | string | null>>;
  },
): Endpoint {
  // safe: as above, and the caller is found before it runs
  return { ...endpoint, access: "session" } as unknown as Endpoint;
}
