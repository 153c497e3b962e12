import { and, eq } from "drizzle-orm";
import { z } from "zod";
import type { Tx } from "../../db/client.ts";
import { cloudConnections, credentials } from "../../db/schema/vault.ts";
import type { Scope } from "../scope.ts";
import type { Secret } from "./secret.ts";
import type { Service } from "./services.ts";

/** A credential as it is stored. `expiresAt` is when an access token ends; null for what does not expire. */
export type SealedCredential = {
  readonly id: string;
  readonly connectionId: string;
  readonly service: Service;
  readonly kind: "api_key" | "oauth";
  readonly envelope: Uint8Array;
  readonly last4: string | null;
  readonly status: "active" | "needs_reauth";
  readonly expiresAt: Date | null;
};

/** What is sealed of an OAuth sign-in, as JSON. */
const sealedTokens = z.object({ access: z.string(), refresh: z.string() });
export type SealedTokens = z.infer<typeof sealedTokens>;

/** What the team has of this service, still sealed. */
export async function findSealed(tx: Tx, scope: Scope, service: Service): Promise<SealedCredential | null> {
  const [row] = await tx
    .select({
      id: credentials.id,
      connectionId: credentials.connectionId,
      kind: credentials.kind,
      envelope: credentials.envelope,
      last4: credentials.last4,
      status: cloudConnections.status,
      expiresAt: cloudConnections.expiresAt,
    })
    .from(credentials)
    .innerJoin(
      cloudConnections,
      and(eq(cloudConnections.orgId, credentials.orgId), eq(cloudConnections.id, credentials.connectionId)),
    )
    .where(and(eq(credentials.orgId, scope.orgId), eq(credentials.name, service)));
  return row === undefined ? null : { ...row, service };
}

/** Seals a text as the credential of this id and service. Throws what `Vault.seal` throws. */
export function sealAs(scope: Scope, id: string, service: Service, plaintext: string) {
  const { vault } = scope.app;
  return {
    kid: vault.keyIds()[0],
    envelope: vault.seal(plaintext, { orgId: scope.orgId, record: id, name: service }),
  };
}

/** Throws `VaultError`. Only for this folder: everybody else goes through `withCredential`. */
export function openSealed(scope: Scope, { id, service, envelope }: SealedCredential): Secret {
  return scope.app.vault.open(envelope, { orgId: scope.orgId, record: id, name: service });
}

/** Of what `openSealed` gave for an OAuth sign-in. Only for this folder. */
export function tokensIn(opened: Secret): SealedTokens {
  return sealedTokens.parse(JSON.parse(opened.expose()));
}
