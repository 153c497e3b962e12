import type { Language } from "../text/text.ts";

const FOUND_MAX = 6;
const PREFIX_CHARS_MIN = 3;

/** What most people of a language will want, to choose from. */
export const SUGGESTED_ZONES: Readonly<Record<Language, readonly string[]>> = {
  en: ["Europe/London", "America/New_York", "America/Los_Angeles", "UTC"],
  de: ["Europe/Berlin", "Europe/Vienna", "Europe/Zurich", "UTC"],
  ru: ["Europe/Moscow", "Asia/Yekaterinburg", "Asia/Novosibirsk", "UTC"],
};

// What people of a language call the places of a zone, where ICU calls them otherwise.
export const PLACES: Readonly<Record<Language, string>> = {
  en: "GMT UTC, Kiev Europe/Kyiv, Beijing Asia/Shanghai, Delhi Asia/Kolkata",
  de: `GMT UTC, Wien Europe/Vienna, Lissabon Europe/Lisbon, Rom Europe/Rome, Athen Europe/Athens, Prag Europe/Prague,
    Brüssel Europe/Brussels, Warschau Europe/Warsaw, Kopenhagen Europe/Copenhagen, Bukarest Europe/Bucharest,
    Belgrad Europe/Belgrade, Luxemburg Europe/Luxembourg, Kiew Europe/Kyiv, Kairo Africa/Cairo, Tokio Asia/Tokyo,
    Singapur Asia/Singapore, Peking Asia/Shanghai, Deutschland Europe/Berlin, Österreich Europe/Vienna,
    Schweiz Europe/Zurich`,
  ru: `GMT UTC, Берлин Europe/Berlin, Вена Europe/Vienna, Лондон Europe/London, Париж Europe/Paris, Рим Europe/Rome,
    Мадрид Europe/Madrid, Лиссабон Europe/Lisbon, Прага Europe/Prague, Варшава Europe/Warsaw, Белград Europe/Belgrade,
    Афины Europe/Athens, Хельсинки Europe/Helsinki, Рига Europe/Riga, Вильнюс Europe/Vilnius, Таллин Europe/Tallinn,
    Минск Europe/Minsk, Киев Europe/Kyiv, Кишинёв Europe/Chisinau, Стамбул Europe/Istanbul, Тбилиси Asia/Tbilisi,
    Ереван Asia/Yerevan, Баку Asia/Baku, Алматы Asia/Almaty, Астана Asia/Almaty, Ташкент Asia/Tashkent,
    Бишкек Asia/Bishkek, Душанбе Asia/Dushanbe, Дубай Asia/Dubai, Иерусалим Asia/Jerusalem,
    Тель-Авив Asia/Jerusalem, Санкт-Петербург Europe/Moscow, Токио Asia/Tokyo, Пекин Asia/Shanghai`,
};

const indexes = new Map<Language, ReadonlyMap<string, readonly string[]>>();

/**
 * The IANA time zones that a person may mean: by the zone's name, its city, or
 * what the place is called in their language. One for a name that is clear, at
 * most six to choose from, none for what is unknown or could be too many.
 */
export function findTimeZones(text: string, language: Language): readonly string[] {
  const wanted = plain(text);
  const index = indexOf(language);
  const exact = index.get(wanted) ?? [];
  if (exact.length > 0) return exact.length <= FOUND_MAX ? exact : [];
  if (isTimeZone(text.trim())) return [usualName(text.trim())]; // one of the older names
  if (wanted.length < PREFIX_CHARS_MIN) return [];
  const begun = [...index].flatMap(([name, zones]) => (name.startsWith(wanted) ? zones : []));
  const found = [...new Set(begun)];
  return found.length <= FOUND_MAX ? found : [];
}

/** Whether this is an IANA name that times can be told in. Offsets such as +03:00 are none: they do not know summer time. */
export function isTimeZone(name: string): boolean {
  if (!name.includes("/") && name.toUpperCase() !== "UTC") return false;
  try {
    return usualName(name) !== "";
  } catch (err) {
    if (err instanceof RangeError) return false;
    throw err;
  }
}

// Throws RangeError for what is no time zone.
function usualName(zone: string): string {
  return new Intl.DateTimeFormat("en", { timeZone: zone }).resolvedOptions().timeZone;
}

// Made once a language: asking ICU for all the names takes a tenth of a second.
function indexOf(language: Language): ReadonlyMap<string, readonly string[]> {
  const known = indexes.get(language);
  if (known !== undefined) return known;
  const named = Intl.supportedValuesOf("timeZone").flatMap((zone) => {
    const names = [zone, zone.split("/").at(-1) ?? zone, localName(zone, language)];
    return [...new Set(names.map(plain))].map((name) => [name, zone] as const);
  });
  const places = PLACES[language].split(",").map((entry) => {
    const [, place = "", zone = ""] = /^\s*(.+) (\S+)$/.exec(entry) ?? [];
    return [plain(place), zone] as const;
  });
  // What is said here about a place outweighs what ICU calls by that name.
  const index = new Map<string, readonly string[]>([
    ...[...Map.groupBy(named, ([name]) => name)].map(
      ([name, entries]) => [name, entries.map(([, zone]) => zone)] as const,
    ),
    ...places.map(([name, zone]) => [name, [zone]] as const),
  ]);
  indexes.set(language, index);
  return index;
}

// ICU knows the zone's city or country in every language, in the form "Moskau (Ortszeit)".
function localName(zone: string, language: Language): string {
  const parts = new Intl.DateTimeFormat(language, {
    timeZone: zone,
    timeZoneName: "shortGeneric",
  }).formatToParts(0);
  const name = parts.find(({ type }) => type === "timeZoneName")?.value ?? "";
  return name.replace(/ \(.*\)$| Time$/u, "");
}

function plain(name: string): string {
  return name
    .normalize("NFD")
    .replaceAll(/\p{M}/gu, "")
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}/+]+/gu, " ")
    .trim();
}
