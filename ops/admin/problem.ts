type ProblemStatus = 404 | 405 | 500 | 503;

const PROBLEMS: Readonly<Record<ProblemStatus, { title: string; detail: string }>> = {
  404: { title: "Not found", detail: "There is nothing at this address." },
  405: {
    title: "Method not allowed",
    detail: "This address does not take that method. The Allow header says which it takes.",
  },
  500: {
    title: "Internal error",
    detail: "Something went wrong here. The correlation id finds it in the log.",
  },
  503: { title: "Not ready", detail: "This server is starting or overloaded. Try again in a moment." },
};

/**
 * An error as RFC 9457 problem details. The sentence is fixed by the status, so
 * that nothing of an exception can reach a client; the log has the rest.
 */
export function problemResponse(problem: {
  status: ProblemStatus;
  correlationId: string;
  headers?: Readonly<Record<string, string>>;
}): Response {
  const { status, correlationId } = problem;
  const body = { type: "about:blank", ...PROBLEMS[status], status, correlationId };
  return new Response(JSON.stringify(body), {
    status,
    headers: { "Content-Type": "application/problem+json", ...problem.headers },
  });
}
