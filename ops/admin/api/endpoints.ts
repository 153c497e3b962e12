import { ACCOUNT } from "./account.ts";
import type { Endpoint } from "./endpoint.ts";
import { RECORDS } from "./records.ts";
import { SIGN_IN } from "./sign-in.ts";
import { TEAMS } from "./teams.ts";

/** Everything below `/api/v1`, in the order in which it is documented. */
export const ENDPOINTS: readonly Endpoint[] = [...SIGN_IN, ...ACCOUNT, ...TEAMS, ...RECORDS];
