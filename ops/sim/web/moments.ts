// The Bot API counts seconds, mails count milliseconds; no date in seconds reaches this before the year 5000.
const MILLISECONDS_FROM = 1e11;
const DAY_MS = 86_400_000;

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "short" });
const dayMonth = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long" });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

/** A moment from the /sim API: seconds or milliseconds since 1970, or ISO text. */
type Moment = number | string;

export function clockTime(moment: Moment): string {
  return clock.format(dateOf(moment));
}

export function fullTime(moment: Moment): string {
  return whole.format(dateOf(moment));
}

/** "Today", "Yesterday" or the day, in the time zone of the browser. */
export function dayName(moment: Moment): string {
  const date = dateOf(moment);
  const days = (startOfDay(new Date()) - startOfDay(date)) / DAY_MS;
  if (Math.round(days) === 0) return "Today";
  if (Math.round(days) === 1) return "Yesterday";
  return dayMonth.format(date);
}

/** The clock time for today, else the weekday or the day: what fits in a list. */
export function listTime(moment: Moment): string {
  const date = dateOf(moment);
  const days = Math.round((startOfDay(new Date()) - startOfDay(date)) / DAY_MS);
  if (days === 0) return clock.format(date);
  return days < 7 ? weekday.format(date) : dayMonth.format(date);
}

export function milliseconds(moment: Moment): number {
  return dateOf(moment).getTime();
}

function dateOf(moment: Moment): Date {
  if (typeof moment === "string") return new Date(moment);
  return new Date(moment < MILLISECONDS_FROM ? moment * 1000 : moment);
}

function startOfDay(date: Date): number {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}
