import type { ErrorKind } from "../../core/claude/classify.ts";

/** What people read of each kind of failure, in English, German and Russian, without its reference. */
export const SENTENCES: Partial<Record<ErrorKind, readonly [en: string, de: string, ru: string]>> = {
  not_connected: [
    "Claude is not connected yet, so I cannot answer. The owner of this bot has to set ANTHROPIC_API_KEY; your question is kept, press Retry afterwards.",
    "Claude ist noch nicht verbunden, deshalb kann ich nicht antworten. Der Betreiber dieses Bots muss ANTHROPIC_API_KEY setzen; deine Frage bleibt erhalten, tippe danach auf „Erneut fragen“.",
    "Claude ещё не подключён, поэтому я не могу ответить. Оператору этого бота нужно задать ANTHROPIC_API_KEY; ваш вопрос сохранён, после этого нажмите «Повторить».",
  ],
  unreachable: [
    "Claude cannot be reached right now. Your question is kept: press Retry in a minute.",
    "Claude ist gerade nicht erreichbar. Deine Frage bleibt erhalten: Tippe in einer Minute auf „Erneut fragen“.",
    "Связаться с Claude сейчас не получается. Ваш вопрос сохранён: нажмите «Повторить» через минуту.",
  ],
  intercepted: [
    "Claude cannot be reached safely right now. Your question is kept: press Retry later.",
    "Claude ist gerade nicht sicher erreichbar. Deine Frage bleibt erhalten: Tippe später auf „Erneut fragen“.",
    "Безопасно связаться с Claude сейчас не получается. Ваш вопрос сохранён: нажмите «Повторить» позже.",
  ],
  timeout: [
    "Claude is taking too long. Your question is kept: press Retry in a minute.",
    "Claude braucht gerade zu lange. Deine Frage bleibt erhalten: Tippe in einer Minute auf „Erneut fragen“.",
    "Claude отвечает слишком долго. Ваш вопрос сохранён: нажмите «Повторить» через минуту.",
  ],
  interrupted: [
    "The answer was interrupted. The connection to Claude broke. Your question is kept: press Retry.",
    "Die Antwort wurde unterbrochen. Die Verbindung zu Claude ist abgebrochen. Deine Frage bleibt erhalten: Tippe auf „Erneut fragen“.",
    "Ответ прервался. Связь с Claude прервалась. Ваш вопрос сохранён: нажмите «Повторить».",
  ],
  garbled: [
    "The answer was interrupted. Claude's answer could not be read. Your question is kept: press Retry.",
    "Die Antwort wurde unterbrochen. Die Antwort von Claude war nicht lesbar. Deine Frage bleibt erhalten: Tippe auf „Erneut fragen“.",
    "Ответ прервался. Ответ Claude не удалось прочитать. Ваш вопрос сохранён: нажмите «Повторить».",
  ],
  overloaded: [
    "Claude is overloaded right now. Your question is kept: press Retry in a minute.",
    "Claude ist gerade überlastet. Deine Frage bleibt erhalten: Tippe in einer Minute auf „Erneut fragen“.",
    "Claude сейчас перегружен. Ваш вопрос сохранён: нажмите «Повторить» через минуту.",
  ],
  rate_limited: [
    "Claude is busy with our other questions. Your question is kept: press Retry in 1 s.",
    "Claude ist mit unseren anderen Fragen beschäftigt. Deine Frage bleibt erhalten: Tippe in 1 Sekunde auf „Erneut fragen“.",
    "Claude занят другими нашими вопросами. Ваш вопрос сохранён: нажмите «Повторить» через 1 секунду.",
  ],
  busy: [
    "Claude is busy with our other questions. Your question is kept: press Retry in 1 s.",
    "Claude ist mit unseren anderen Fragen beschäftigt. Deine Frage bleibt erhalten: Tippe in 1 Sekunde auf „Erneut fragen“.",
    "Claude занят другими нашими вопросами. Ваш вопрос сохранён: нажмите «Повторить» через 1 секунду.",
  ],
  auth: [
    "The assistant is paused: Claude does not accept our key, and an owner has to renew it. Your question is kept, press Retry afterwards.",
    "Der Assistent pausiert: Claude nimmt unseren Schlüssel nicht an, und jemand, dem das Team oder der Bot gehört, muss ihn erneuern. Deine Frage bleibt erhalten, tippe danach auf „Erneut fragen“.",
    "Помощник приостановлен: Claude не принимает наш ключ, и владельцу нужно его обновить. Ваш вопрос сохранён, после этого нажмите «Повторить».",
  ],
  forbidden: [
    "The assistant is paused: our Claude account may not do this, and the owner of this bot has to look at it. Your question is kept, press Retry afterwards.",
    "Der Assistent pausiert: Unser Claude-Konto darf das nicht, und der Betreiber dieses Bots muss es sich ansehen. Deine Frage bleibt erhalten, tippe danach auf „Erneut fragen“.",
    "Помощник приостановлен: нашему аккаунту Claude это не разрешено, и оператору этого бота нужно с этим разобраться. Ваш вопрос сохранён, после этого нажмите «Повторить».",
  ],
  billing: [
    "The assistant is paused by its operator. Your question is kept: press Retry later.",
    "Der Betreiber hat den Assistenten pausiert. Deine Frage bleibt erhalten: Tippe später auf „Erneut fragen“.",
    "Помощник приостановлен оператором. Ваш вопрос сохранён: нажмите «Повторить» позже.",
  ],
  model_missing: [
    "The assistant is paused: its Claude model is not available, and the owner of this bot has to look at it. Your question is kept, press Retry afterwards.",
    "Der Assistent pausiert: Sein Claude-Modell ist nicht verfügbar, und der Betreiber dieses Bots muss es sich ansehen. Deine Frage bleibt erhalten, tippe danach auf „Erneut fragen“.",
    "Помощник приостановлен: его модель Claude недоступна, и оператору этого бота нужно с этим разобраться. Ваш вопрос сохранён, после этого нажмите «Повторить».",
  ],
  too_long: [
    "This conversation has become too long for Claude. Press New chat, and I answer your question in a new one.",
    "Dieses Gespräch ist für Claude zu lang geworden. Tippe auf „Neues Gespräch“, dann beantworte ich deine Frage in einem neuen.",
    "Этот разговор стал слишком длинным для Claude. Нажмите «Новый разговор», и я отвечу на ваш вопрос в новом.",
  ],
  too_large: [
    "That was too large for Claude. Send less at once.",
    "Das war zu groß für Claude. Schick weniger auf einmal.",
    "Для Claude это слишком много. Пришлите меньше за один раз.",
  ],
  our_bug: [
    "Something went wrong on our side. Your question is kept: press Retry.",
    "Bei uns ist etwas schiefgegangen. Deine Frage bleibt erhalten: Tippe auf „Erneut fragen“.",
    "У нас что-то пошло не так. Ваш вопрос сохранён: нажмите «Повторить».",
  ],
  refused: [
    "Claude declined to answer that one. Try asking in another way.",
    "Das wollte Claude nicht beantworten. Versuch, es anders zu fragen.",
    "Claude не стал на это отвечать. Попробуйте спросить иначе.",
  ],
  empty: [
    "Claude had nothing to say to that. Try asking in another way.",
    "Claude hatte dazu nichts zu sagen. Versuch, es anders zu fragen.",
    "Claude нечего на это сказать. Попробуйте спросить иначе.",
  ],
};

/** What owners and operator are told of each kind, when they are. */
export const ALERTS: Partial<Record<ErrorKind, string>> = {
  not_connected: "there is no key",
  unreachable: "it cannot be reached from this server",
  intercepted: "somebody else answers in its place",
  timeout: "it does not reply in time",
  interrupted: "its answers break off",
  garbled: "An answer of Claude's could not be read",
  overloaded: "it is overloaded",
  busy: "the account asks faster than its limits may grow",
  auth: "it refuses our key",
  forbidden: "the account may not do this, or is on hold",
  billing: "the account has no credit left, or has reached its spend limit",
  model_missing: "its model does not exist for this account",
  our_bug: "Claude refused a request of ours as faulty",
};
