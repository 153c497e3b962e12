import { expect, test } from "bun:test";
import { apiSpec } from "./method-spec.ts";
import { METHODS } from "./methods/table.ts";

test("every method of the client's API version is known, with its parameters and their kinds", () => {
  const { methods, updateKinds, reactionEmoji } = apiSpec();
  const parameters = [...methods.values()].flatMap((method) => [...method.parameters.values()]);

  expect(methods.size).toBe(185);
  expect(parameters.filter(({ required }) => required)).toHaveLength(314);
  expect(updateKinds).toContain("callback_query");
  expect(reactionEmoji).toContain("👍");

  const send = methods.get("sendmessage")?.parameters;
  expect(send?.get("chat_id")).toEqual({
    required: true,
    kinds: new Set(["number", "string"]),
    literals: null,
  });
  expect(send?.get("reply_markup")).toEqual({ required: false, kinds: new Set(["object"]), literals: null });
  expect(methods.get("senddocument")?.parameters.get("document")?.kinds).toEqual(new Set(["file", "string"]));
  expect(methods.get("getupdates")?.parameters.get("allowed_updates")?.kinds).toEqual(new Set(["array"]));
  expect(methods.get("sendchataction")?.parameters.get("action")?.literals).toContain("typing");
  expect(methods.get("getme")?.parameters.size).toBe(0);
});

test("every implemented method exists in the API", () => {
  const names = [...apiSpec().methods.values()].map(({ name }) => name);
  for (const name of METHODS.keys()) expect(names).toContain(name);
});
