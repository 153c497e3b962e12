import { FluentBundle, FluentResource } from "@fluent/bundle";
import de from "./de.ftl" with { type: "text" };
import en from "./en.ftl" with { type: "text" };
import ru from "./ru.ftl" with { type: "text" };

/** The languages that every sentence exists in. The first is used for any other. */
export const LANGUAGES = ["en", "de", "ru"] as const;
export type Language = (typeof LANGUAGES)[number];

const SOURCES: Record<Language, string> = { en, de, ru };

const bundles = new Map<Language, FluentBundle>();

/** The language of ours that fits a BCP 47 tag such as `de-AT`. */
export function languageOf(tag: string | null | undefined): Language {
  const language = tag?.toLowerCase().split("-")[0];
  return LANGUAGES.find((known) => known === language) ?? LANGUAGES[0];
}

/**
 * One sentence in the language that fits `locale`. Throws for an unknown id:
 * the three files are complete, and a test holds them to it.
 */
export function sentence(
  locale: string | null | undefined,
  id: string,
  params: Record<string, string | number> = {},
): string {
  const bundle = bundleOf(languageOf(locale));
  const pattern = bundle.getMessage(id)?.value;
  if (pattern === undefined || pattern === null) throw new Error(`no sentence called ${id}`);
  const errors: Error[] = [];
  const text = bundle.formatPattern(pattern, params, errors);
  if (errors.length > 0) throw new Error(`the sentence ${id} could not be made`, { cause: errors[0] });
  return text;
}

function bundleOf(language: Language): FluentBundle {
  const known = bundles.get(language);
  if (known !== undefined) return known;
  // Isolation marks would shift the offsets of Telegram's entities and break links.
  const bundle = new FluentBundle(language, { useIsolating: false });
  bundle.addResource(new FluentResource(SOURCES[language]));
  bundles.set(language, bundle);
  return bundle;
}
