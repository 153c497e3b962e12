import { expect, test } from "bun:test";
import { LANGUAGES } from "../text/text.ts";
import { findTimeZones, isTimeZone, PLACES, SUGGESTED_ZONES } from "./time-zones.ts";

test("a time zone is found by its name, its city, and what the place is called in the person's language", () => {
  for (const [text, zone] of [
    ["Europe/Berlin", "Europe/Berlin"],
    ["europe/berlin ", "Europe/Berlin"],
    ["BERLIN", "Europe/Berlin"],
    ["New York", "America/New_York"],
    ["São Paulo", "America/Sao_Paulo"],
    ["sao paulo", "America/Sao_Paulo"],
    ["Germany", "Europe/Berlin"],
    ["Kyiv", "Europe/Kyiv"],
    ["Asia/Calcutta", "Asia/Calcutta"],
    ["utc", "UTC"],
    ["GMT", "UTC"],
    ["Amster", "Europe/Amsterdam"],
  ])
    expect({ text, found: findTimeZones(text ?? "", "en") }).toEqual({ text, found: [zone ?? ""] });
  expect(findTimeZones("Wien", "de")).toEqual(["Europe/Vienna"]);
  expect(findTimeZones("Zürich", "de")).toEqual(["Europe/Zurich"]);
  expect(findTimeZones("Österreich", "de")).toEqual(["Europe/Vienna"]);
  expect(findTimeZones("Москва", "ru")).toEqual(["Europe/Moscow"]);
  expect(findTimeZones("санкт петербург", "ru")).toEqual(["Europe/Moscow"]);
  expect(findTimeZones("Екатеринбург", "ru")).toEqual(["Asia/Yekaterinburg"]);
});

test("a name that fits several places gives few to choose from; one that fits too many, or none, gives nothing", () => {
  const several = findTimeZones("san", "en");
  expect(several).toContain("America/Santiago");
  expect(several.length).toBeLessThanOrEqual(6);
  for (const text of [
    "",
    " ",
    "x",
    "a",
    "america",
    "+3",
    "UTC+3",
    "+03:00",
    "CET",
    "what is the weather?",
    "'; --",
  ])
    expect({ text, found: findTimeZones(text, "en") }).toEqual({ text, found: [] });
});

test("what is suggested and what cities are known for are time zones", () => {
  for (const language of LANGUAGES) {
    expect(SUGGESTED_ZONES[language].filter((zone) => !isTimeZone(zone))).toEqual([]);
    const places = PLACES[language].split(",").map((entry) => entry.trim().split(" ").at(-1) ?? "");
    expect(places.filter((zone) => !isTimeZone(zone))).toEqual([]);
  }
  for (const wrong of ["", "Europe/Nowhere", "+03:00", "EST", "Berlin", "../etc/passwd"])
    expect({ wrong, known: isTimeZone(wrong) }).toEqual({ wrong, known: false });
});
