import { z } from "zod";
import type { Endpoint } from "./endpoint.ts";

type Json = Record<string, unknown>;

const ABOUT = `Every error is \`application/problem+json\` (RFC 9457) with a \`correlationId\` that the log has too, and with a \`code\` where a program may want to branch. Every answer says in \`RateLimit-*\` what is left; 429 says in \`Retry-After\` when to come back. Unknown fields are errors. A session acts for one team: any other team's address is 404.`;

const PROBLEM = {
  type: "object",
  required: ["type", "title", "status", "detail", "correlationId"],
  properties: {
    type: { type: "string" },
    title: { type: "string" },
    status: { type: "integer" },
    detail: { type: "string" },
    correlationId: { type: "string" },
    code: { type: "string", description: "The reason, for programs." },
    errors: {
      type: "array",
      items: {
        type: "object",
        required: ["path", "message"],
        properties: { path: { type: "string" }, message: { type: "string" } },
      },
    },
  },
};

/** The OpenAPI 3.1 document of the endpoints, made from the schemas that check their requests. */
export function openApi(endpoints: readonly Endpoint[], about: { version: string; server: string }): Json {
  const paths: Record<string, Json> = {};
  for (const endpoint of endpoints) {
    const path = (paths[endpoint.path] ??= {});
    path[endpoint.method] = operation(endpoint);
  }
  return {
    openapi: "3.1.0",
    info: { title: "BlockBot", version: about.version, description: ABOUT },
    servers: [{ url: `${about.server}/api/v1` }],
    tags: [...new Set(endpoints.map(({ group }) => group))].map((name) => ({ name })),
    paths,
    components: {
      schemas: { Problem: PROBLEM },
      responses: {
        Problem: {
          description: "A refusal",
          content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
        },
      },
      securitySchemes: { accessToken: { type: "http", scheme: "bearer", bearerFormat: "JWT" } },
    },
  };
}

/** A schema as JSON Schema: of what is sent, or of what is answered. */
export function jsonSchema(schema: z.ZodType, io: "input" | "output"): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io });
  return rest;
}

function operation(endpoint: Endpoint): Json {
  const { summary, group, method, path, access, body } = endpoint;
  return {
    operationId: `${method}${path.replaceAll(/[^a-z]+([a-z])?/gi, (_, letter: string = "") => letter.toUpperCase())}`,
    tags: [group],
    summary,
    security: access === "session" ? [{ accessToken: [] }] : [],
    parameters: [...parameters(endpoint.params, "path"), ...parameters(endpoint.query, "query")],
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { "application/json": { schema: jsonSchema(body, "input") } },
          },
        }),
    responses: { [endpoint.status]: answer(endpoint), default: { $ref: "#/components/responses/Problem" } },
  };
}

function answer({ answer, contentType }: Endpoint): Json {
  if (contentType !== undefined)
    return { description: "Done", content: { [contentType]: { schema: { type: "string" } } } };
  if (answer === undefined) return { description: "Done" };
  return {
    description: "Done",
    content: { "application/json": { schema: jsonSchema(answer, "output") } },
  };
}

function parameters(schema: z.ZodType | undefined, place: "path" | "query"): Json[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = jsonSchema(schema, "input") as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...of }]) => ({
    name,
    in: place,
    required: required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema: of,
  }));
}
