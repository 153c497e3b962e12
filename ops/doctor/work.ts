import type { App } from "../../core/app.ts";
import { healthReport, JOB_AGE_SECONDS_MAX, type HealthReport } from "../../core/health.ts";
import { count, type Finding } from "./finding.ts";

type Components = HealthReport["components"];

/** What is behind with its work, or was given up. While nothing runs, that work waits is as it should be. */
export async function workFindings(app: App): Promise<Finding[]> {
  const { components } = await healthReport(app);
  const isRunning = components.telegram.state === "ok";
  return [jobsFinding(components, isRunning), messagesFinding(components, isRunning)];
}

function jobsFinding({ jobs }: Components, isRunning: boolean): Finding {
  const part = "Jobs";
  if (jobs.waiting === null || jobs.dead === null)
    return { part, state: "wrong", text: "could not be counted" };
  if (jobs.dead > 0)
    return {
      part,
      state: "wrong",
      text: `${count(jobs.dead, "job")} given up within a day, after every attempt had failed`,
      fix: "Read the log for the lines “job” that failed: they say which and why. After a day this is forgotten.",
    };
  if (isRunning && (jobs.oldestSeconds ?? 0) > JOB_AGE_SECONDS_MAX)
    return {
      part,
      state: "wrong",
      text: `${count(jobs.waiting, "job")} due, and no worker takes them`,
      fix: "Start one: npm start -- --role worker, or npm start, which does everything",
    };
  return { part, state: "ok", text: `none given up within a day, ${jobs.waiting} due` };
}

function messagesFinding({ inbox, outbox }: Components, isRunning: boolean): Finding {
  const part = "Messages";
  const { waiting: unanswered, parked } = inbox;
  const { waiting: unsent, failed } = outbox;
  if (unanswered === null || unsent === null) return { part, state: "wrong", text: "could not be counted" };
  const isLate = inbox.state === "degraded" || outbox.state === "degraded";
  if (isRunning && isLate)
    return {
      part,
      state: "wrong",
      text: `${unanswered} received and ${unsent} to send wait for more than a minute`,
      fix: "Read the log for the lines “delivery” and “update”, and look at /health",
    };
  const lost = `${parked ?? 0} put aside (30 days), ${failed ?? 0} not delivered (2 days)`;
  return { part, state: "ok", text: `${unanswered} received and ${unsent} to send wait; ${lost}` };
}
