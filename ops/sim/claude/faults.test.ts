import { expect, test } from "bun:test";
import type { ClaudeFault } from "./script.ts";
import { createClaudeSim } from "./server.ts";
import { QUESTION, body, post, read, textOf, typesOf, until } from "./test-client.ts";

test("a client sees of each fault what it would see of the real one", async () => {
  const sim = await createClaudeSim({});
  const text = "0123456789".repeat(6);
  const meet = (fault: ClaudeFault) => {
    sim.setScript(() => ({ fault, text, afterChars: 30 }));
    return read(sim);
  };
  expect(await meet("reset_before_headers")).toEqual({ events: [], failed: "ECONNRESET" });
  expect(await meet("redirect")).toEqual({ events: [], failed: "UnexpectedRedirect" });

  const reset = await meet("reset_mid_stream");
  expect(reset.failed).toBe("ECONNRESET");
  expect(textOf(reset.events)).toBe(text.slice(0, 30));

  const eof = await meet("eof_mid_stream");
  expect(eof.failed).toBeNull();
  expect(textOf(eof.events)).toBe(text.slice(0, 30));
  expect(typesOf(eof.events)).not.toContain("message_stop");

  const overloaded = await meet("sse_error_overloaded");
  expect(typesOf(overloaded.events).at(-1)).toBe("error");
  expect(JSON.stringify(overloaded.events.at(-1))).toContain('"type":"overloaded_error"');
  expect(typesOf((await meet("bad_json")).events).at(-1)).toBe("unreadable");

  const stopReasons: Partial<Record<ClaudeFault, string>> = {
    empty_content: "end_turn",
    refusal: "refusal",
    unknown_stop_reason: "stopped_for_a_new_reason",
    context_window: "model_context_window_exceeded",
  };
  for (const [fault, stopReason] of Object.entries(stopReasons)) {
    const { events, failed } = await meet(fault as ClaudeFault); // safe: a key of the record above
    expect(failed).toBeNull();
    expect(events.find((event) => event.type === "message_delta")?.delta?.["stop_reason"]).toBe(stopReason);
    expect(textOf(events)).toBe(fault === "empty_content" ? "" : text);
  }
  sim.setScript(() => ({ fault: "html_200" }));
  const page = await post(sim);
  expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html"]);
  expect(sim.running).toBe(0);
  expect(sim.aborted()).toBe(0);
  await sim.stop();
});

test("a silent fault lasts until its client leaves, and that is counted", async () => {
  const sim = await createClaudeSim({});
  const expected: [ClaudeFault, string][] = [
    ["no_headers", ""],
    ["headers_then_silence", ""],
    ["pings_only", ""],
    ["stall_mid_stream", "01234"],
  ];
  for (const [i, [fault, seen]] of expected.entries()) {
    sim.setScript(() => ({ fault, text: "0123456789", afterChars: 5 }));
    const leave = new AbortController();
    let text = "";
    const reading = post(sim, {}, { signal: leave.signal }).then(async (response) => {
      const decoder = new TextDecoder();
      for await (const chunk of response.body ?? []) text += decoder.decode(chunk, { stream: true });
    });
    await until(() => sim.running === 1);
    if (fault === "pings_only") await until(() => text.split('"ping"').length > 4);
    if (fault === "stall_mid_stream") await until(() => text.includes(seen) && text.endsWith("\n\n"));
    expect(sim.aborted()).toBe(i);
    leave.abort();
    expect(
      await reading.then(
        () => null,
        (err: unknown) => (err as Error).name,
      ),
    ).toBe("AbortError");
    await until(() => sim.running === 0);
    expect(sim.aborted()).toBe(i + 1);
  }
  sim.setScript(() => ({ fault: "no_headers" }));
  const dropped = read(sim);
  await until(() => sim.running === 1);
  await sim.stop();
  expect((await dropped).failed).toBe("ECONNRESET");
  expect(sim.aborted()).toBe(4);
});

test("a script's HTTP error has the API's body, and a gateway's page has no request id", async () => {
  const sim = await createClaudeSim({});
  sim.setScript(() => ({ status: 429, headers: { "retry-after": "7" } }));
  const limited = await post(sim);
  expect([limited.status, limited.headers.get("retry-after")]).toEqual([429, "7"]);
  expect(await limited.json()).toMatchObject({
    type: "error",
    error: { type: "rate_limit_error" },
    request_id: limited.headers.get("request-id"),
  });
  sim.setScript(() => ({ status: 400, message: "on hold", errorCode: "organization_on_hold" }));
  expect(await body(post(sim))).toMatchObject({
    error: {
      type: "invalid_request_error",
      message: "on hold",
      details: { error_code: "organization_on_hold" },
    },
  });
  sim.setScript(() => ({ status: 502, html: "<h1>Bad gateway</h1>" }));
  const gateway = await post(sim);
  expect([gateway.status, gateway.headers.get("request-id")]).toEqual([502, null]);
  expect(await gateway.text()).toBe("<h1>Bad gateway</h1>");
  expect(sim.violations).toEqual([]);
  expect(sim.requests).toHaveLength(3);
  expect(sim.requests[0]).toMatchObject({ ...QUESTION, headers: { authorization: "Bearer key" } });
  sim.setScript(() => {
    throw new Error("a mistake in the test");
  });
  expect((await read(sim)).failed).toBe("ECONNRESET");
  expect(sim.violations.at(-1)?.description).toContain("a mistake in the test");
  await sim.stop();
});
