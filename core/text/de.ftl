# Names and buttons
default_team_name = Team von { $name }
button_stop = Stopp
button_retry = Erneut fragen
button_continue = Fortsetzen
button_answer_kept = Jetzt antworten
button_answer_late = Jetzt beantworten
button_answer_edited = Geänderte Frage beantworten
button_new_chat = Neues Gespräch
button_forget = Alles löschen
button_forget_not = Behalten
button_keep_name = „{ $team }“ behalten
button_rename_team = Anderen Namen wählen
button_health_alerts = { $value ->
    [off] Keine Meldungen über Störungen
   *[on] Störungen melden
}
button_time_zone = Zeitzone
button_back = Zurück
button_voice = Wie ich „{ $team }“ antworte
button_write_instructions = Anweisungen schreiben
button_change_instructions = Anweisungen ändern
button_remove_instructions = Entfernen
button_any_language = Die Sprache der Frage
language_name = Deutsch
button_rename = Umbenennen
button_new_team = Neues Team
button_leave_team = Verlassen
button_disconnect = { $service } trennen
button_connect_again = Noch einmal senden
button_cancel = Abbrechen
button_make_role = { $role ->
    [admin] Zum Admin machen
   *[other] Zum Mitglied machen
}
button_hand_over = Team übergeben
button_remove = Aus dem Team entfernen
button_all_members = Alle Mitglieder
button_first_page = Zurück zum Anfang
button_next_page = Mehr anzeigen
button_newest = Neueste
button_older = Ältere
button_audit_kinds = Nach Art
button_audit_actors = Nach Person
button_audit_all = Alles
button_audit_export = Als Datei
button_audit_verify = Prüfen
button_audit_settings = Bericht und Dauer
button_audit_days = { $days ->
    [365] 1 Jahr
    [1095] 3 Jahre
   *[other] { $days } Tage
}
button_audit_mute = Kein täglicher Bericht
button_audit_unmute = Täglicher Bericht
button_mydata_send = Alles schicken
button_mydata_said = Löschen, was ich sagte
button_mydata_whole = Mich ganz löschen
button_mydata_erase_sure = Endgültig löschen
button_invites = Offene Einladungen
button_revoke = { $number } widerrufen

# First contact
owner_welcome =
    Willkommen, { $name }. Das Team „{ $team }“ gehört dir.

    Schreib einfach los, und ich antworte. /invite erstellt einen Einladungslink für jemanden aus deinem Team, /help zeigt alles Weitere.
team_named = Dein Team heißt „{ $team }“. Schreib einfach los.
team_name_ask = Wie soll das Team heißen? Schick mir den Namen.
joined =
    Willkommen im Team „{ $team }“, { $name }. { $role ->
        [admin] Du gehörst zu den Admins.
        [owner] Es gehört jetzt dir.
       *[other] Du bist jetzt Mitglied.
    }

    { $dropped ->
        [0] Schreib einfach los, und ich antworte. /help zeigt, was du sonst noch tun kannst.
        [one] Was du hier schreibst, geht jetzt an dieses Team; eine wartende Nachricht habe ich verworfen.
       *[other] Was du hier schreibst, geht jetzt an dieses Team; { $dropped } wartende Nachrichten habe ich verworfen.
    }
already_member = Du bist schon im Team „{ $team }“; die Einladung bleibt unbenutzt.
stranger = Ich spreche nur mit Mitgliedern eines Teams. Frag einen Admin deines Teams nach einem Einladungslink. Wenn du per E-Mail beigetreten bist, schick mir /login und deine Adresse.
faceless = Ich sehe nicht, wer hier schreibt: Du sprichst als Gruppe oder als Kanal. Schreib unter deinem eigenen Namen, dann antworte ich.
stranger_group = Hier antworte ich nur Mitgliedern des Teams „{ $team }“. Ein Admin des Teams kann dir einen Einladungslink schicken.
invite_made =
    Mit diesem Link kann eine Person dem Team „{ $team }“ { $role ->
        [admin] als Admin
       *[other] als Mitglied
    } beitreten. Er funktioniert einmal und gilt { $days ->
        [one] { $days } Tag
       *[other] { $days } Tage
    }:

    { $link }
invite_mailed =
    Ich schicke die Einladung zum Team „{ $team }“ an { $email }: für eine Person, { $role ->
        [admin] als Admin
       *[other] als Mitglied
    }, { $days ->
        [one] { $days } Tag
       *[other] { $days } Tage
    } gültig. Unter /members, „Offene Einladungen“, kannst du sie widerrufen.
invites = Einladungen ins Team „{ $team }“, die noch gelten:
invites_none = Für das Team „{ $team }“ ist keine Einladung offen. /invite erstellt eine.
invite_line = { $number }. als { $role ->
    [admin] Admin
   *[other] Mitglied
}, von { $name }, bis { $date }{ $email ->
    [none] {""}
   *[other] , gesendet an { $email }
}
group_hello = Hallo. Ein Admin eines Teams kann hier /claim senden; danach antworte ich den Mitgliedern des Teams, wenn sie mich mit @{ $bot } erwähnen oder auf meine Nachrichten antworten.
group_claimed = Diese Gruppe gehört jetzt zum Team „{ $team }“. Erwähne mich mit @{ $bot } oder antworte auf eine meiner Nachrichten, dann melde ich mich.
group_already = Diese Gruppe gehört schon zum Team „{ $team }“. Erwähne mich mit @{ $bot } oder antworte auf eine meiner Nachrichten.

# Help and status
help_private = Ich bin der Assistent des Teams „{ $team }“. Schreib mir eine Nachricht, und ich antworte. Außerdem gibt es:
help_group = Ich bin der Assistent des Teams „{ $team }“. In Gruppen antworte ich, wenn du mich erwähnst oder auf meine Nachrichten antwortest. Außerdem gibt es:
command_new = ein neues Gespräch beginnen
command_forget = endgültig löschen, was hier gesagt wurde
command_stop = die Antwort stoppen, die gerade entsteht
command_retry = die letzte Frage noch einmal stellen
command_status = was gerade funktioniert
command_settings = deine Sprache und Zeitzone
command_login = deine E-Mail-Adresse mit diesem Konto verbinden („/login du@example.com“)
command_sessions = wo du angemeldet bist
command_usage = was du in diesem Monat verbraucht hast („/usage team“ für Admins)
command_budget = was das Team und seine Mitglieder im Monat verbrauchen dürfen
command_audit = wer im Team was getan hat („/audit verify“, „/audit export“, „/audit Bob“)
command_team = deine Teams: wechseln, umbenennen, verlassen, ein neues gründen
command_members = wer im Team ist und in welcher Rolle
command_remove = jemanden aus dem Team entfernen
command_invite = einen Einladungslink erstellen („/invite admin“ für einen Admin, mit einer E-Mail-Adresse per Mail)
command_connect = Claude, Slack oder ClickUp mit dem Schlüssel verbinden
command_connections = was dein Team verbunden hat
command_disconnect = eine Verbindung vergessen
command_claim = diese Gruppe deinem Team zuordnen
command_mydata = was ich über dich speichere: schicken oder löschen lassen
command_help = was du hier tun kannst
status_claude_ok = Claude antwortet ({ $model }).
status_claude_unknown = Claude ist verbunden ({ $model }); seit dem letzten Start hat noch niemand etwas gefragt.
status_claude_unavailable = { $kind ->
    [auth] Der Assistent pausiert seit { $since }: Claude nimmt unseren Schlüssel nicht an
    [forbidden] Der Assistent pausiert seit { $since }: Unser Claude-Konto darf das nicht
    [billing] Der Betreiber hat den Assistenten pausiert, seit { $since }
    [model_missing] Der Assistent pausiert seit { $since }: Sein Claude-Modell ist nicht verfügbar
   *[other] Claude ist seit { $since } nicht verfügbar
}. Alles andere funktioniert, und Fragen lassen sich mit „{ button_retry }“ wiederholen.
status_claude_limited = Claude nimmt { $seconds ->
    [0] gerade
    [one] noch { $seconds } Sekunde lang
   *[other] noch { $seconds } Sekunden lang
} keine weiteren Fragen von uns an. Alles andere funktioniert, und Fragen lassen sich mit „{ button_retry }“ wiederholen.
status_claude_not_connected = Claude ist noch nicht verbunden. Alles andere funktioniert.
status_kept = { $count ->
    [one] Eine Frage aus diesem Chat wartet darauf
   *[other] { $count } Fragen aus diesem Chat warten darauf
}; ich hebe Fragen 24 Stunden lang auf und frage nach, bevor ich sie beantworte.
status_idle = In diesem Chat wird gerade nichts beantwortet.
status_answering = In diesem Chat entsteht gerade eine Antwort. /stop beendet sie.
status_team = { $role ->
    [owner] Dir gehört das Team „{ $team }“.
    [admin] Du bist Admin im Team „{ $team }“.
   *[other] Du bist Mitglied im Team „{ $team }“.
}
status_privacy =
    In dieser Gruppe zeigt mir Telegram nur Befehle, Nachrichten, in denen @{ $bot } erwähnt wird, und Antworten auf meine Nachrichten. Für Fragen reicht das; der Rest einer langen Nachricht oder eines Albums bleibt mir verborgen.
    Damit ich alles sehe, was hier geschrieben wird, mach mich zum Admin der Gruppe. Oder sende @BotFather den Befehl /setprivacy, wähle „Disable“, entferne mich aus der Gruppe und füge mich wieder hinzu.

# Connections
connect_choose = Was möchtest du für „{ $team }“ verbinden?
connect_ask = Schick mir das Token von { $service } für „{ $team }“ als nächste Nachricht, innerhalb von zehn Minuten. Ich lösche diese Nachricht sofort und bewahre das Token verschlüsselt auf; niemand bekommt es zu sehen, auch Claude nicht.
connect_cancelled = Es wurde nichts verbunden. Ich warte auf kein Token mehr.
connect_done = { $service } ist für „{ $team }“ verbunden, mit dem Token, das auf { $last4 } endet. /connections zeigt alles.
connect_replaced = { $service } ist für „{ $team }“ verbunden, jetzt mit dem Token, das auf { $last4 } endet, statt mit { $before }. /connections zeigt alles.
secret_deleted = Deine Nachricht habe ich gelöscht.
secret_left = Deine Nachricht konnte ich nicht löschen: Bitte lösche sie selbst.
secret_unasked = Das sah nach einem Token aus. Ich habe es weder behalten noch weitergegeben. Wenn du etwas verbinden willst, schick zuerst /connect.
connections = „{ $team }“ hat verbunden:
connections_none = „{ $team }“ hat noch nichts verbunden. Das geht mit /connect.
connection_line =
    { $service }{ $last4 ->
        [none] {""}
       *[other] {" "}…{ $last4 }
    }{ $status ->
        [needs_reauth] : muss neu verbunden werden
       *[other] {""}
    }
    { $name ->
        [none] Verbunden am { $date }
       *[other] Verbunden von { $name } am { $date }
    }, { $used ->
        [none] noch nicht benutzt
       *[other] zuletzt benutzt am { $used }
    }
disconnect_ask = Soll „{ $team }“ die Verbindung zu { $service } vergessen? Was sie benutzt, funktioniert dann nicht mehr.
disconnect_done = „{ $team }“ hat die Verbindung zu { $service } vergessen. Wenn sonst niemand das Token benutzt, widerrufe es auch dort.

# Settings
settings =
    Deine Einstellungen (sie gelten in allen deinen Teams)

    Sprache: { $language }
    Zeitzone: { $zone } (dort ist es { $time })
voice =
    Wie ich allen in „{ $team }“ antworte

    Sprache: { $language }
    Anweisungen: { $instructions }
voice_any_language = die der Frage
voice_no_instructions = keine
instructions_ask = Schick mir, woran ich mich in jeder Antwort halten soll: Ton, Hausregeln, Wörter, die ich benutzen oder vermeiden soll. Bis zu { $max } Zeichen; es ersetzt, was bisher galt.
settings_time_zone_ask = In welcher Zeitzone bist du? Wähle eine aus oder schick mir den Namen einer Stadt: „Lissabon“, „New York“, „Asia/Tokyo“.
settings_several = So heißen mehrere Orte. Welchen meinst du?
# Teams and members
teams_here = Was du in diesem Chat schreibst, geht an das Team „{ $team }“. { $role ->
    [owner] Es gehört dir.
    [admin] Du bist dort Admin.
   *[other] Du bist dort Mitglied.
}
teams_others = { $count ->
    [0] Du bist in keinem anderen Team.
    [one] Du bist noch in einem anderen Team: Tippe darauf, um zu wechseln.
   *[other] Du bist noch in { $count } anderen Teams: Tippe auf eines, um zu wechseln.
}
team_chosen = Was du in diesem Chat schreibst, geht jetzt an das Team „{ $team }“.{ $dropped ->
    [0] {""}
    [one] {" "}Eine wartende Nachricht habe ich verworfen.
   *[other] {" "}{ $dropped } wartende Nachrichten habe ich verworfen.
}
new_team_ask = Wie soll das neue Team heißen? Schick mir den Namen.
team_created = „{ $team }“ ist dein neues Team, und was du in diesem Chat schreibst, geht jetzt dorthin. Mit /invite holst du Leute dazu, mit /team wechselst du zurück.
team_leave_ask = Das Team „{ $team }“ verlassen? Um zurückzukommen, bräuchtest du eine neue Einladung.
team_left = Du hast das Team „{ $team }“ verlassen. Was du in diesem Chat schreibst, geht jetzt an das Team „{ $next }“.{ $dropped ->
    [0] {""}
    [one] {" "}Eine wartende Nachricht habe ich verworfen.
   *[other] {" "}{ $dropped } wartende Nachrichten habe ich verworfen.
}
team_left_last = Du hast das Team „{ $team }“ verlassen und bist jetzt in keinem Team mehr.
members = Die Leute im Team „{ $team }“:
member_line = { $name }: { $role ->
    [owner] Inhaber
    [admin] Admin
   *[other] Mitglied
}
member_card = { $name }: { $role ->
    [owner] Inhaber
    [admin] Admin
   *[other] Mitglied
} im Team „{ $team }“, dabei seit { $date }.
hand_over_ask = Das Team „{ $team }“ an { $name } übergeben? Dann gehört es dir nicht mehr, und du bist dort Admin.
handed_over = Das Team „{ $team }“ gehört jetzt { $name }. Du bist dort Admin.
remove_ask = { $name } aus dem Team „{ $team }“ entfernen? Laufende Antworten an diese Person werden gestoppt, und für die Rückkehr bräuchte sie eine neue Einladung.
removed = { $name } ist nicht mehr im Team „{ $team }“.
told_role = { $role ->
    [owner] Das Team „{ $team }“ gehört jetzt dir.
    [admin] Du bist jetzt Admin im Team „{ $team }“.
   *[other] Du bist jetzt Mitglied im Team „{ $team }“.
}
told_removed = Du bist nicht mehr im Team „{ $team }“.
told_joined = { $name } hat deine Einladung angenommen und ist jetzt im Team „{ $team }“.
told_joined_by_mail = Über eine Einladung, die per E-Mail an { $email } ging, bist du jetzt auch im Team „{ $team }“. Mit /team wechselst du dorthin.
told_owner_link = Auf dem Server dieses Bots wurde ein Link erstellt: Wer ihn zuerst öffnet, wird Inhaber des Teams „{ $team }“. Er funktioniert einmal und gilt einen Tag. Wenn du davon nichts weißt, frag nach, wer den Server betreibt.
told_owner_joined = { $name } hat den Inhaber-Link vom Server geöffnet und ist jetzt Inhaber des Teams „{ $team }“.
told_mail_failed = Die E-Mail an { $email } konnte nicht verschickt werden. Bitte versuch es später noch einmal; wenn es so bleibt, sag dem Betreiber dieses Bots Bescheid.
told_session_reused = Jemand wollte eine Anmeldung von dir weiterverwenden, die schon benutzt war; ich habe sie beendet. Wenn du gerade abgemeldet wurdest, melde dich neu an. Wenn du das nicht erwartet hast, sieh dir /sessions an.
told_address_tied = Die Adresse { $email } ist jetzt mit diesem Telegram-Konto verbunden, und du bist dort angemeldet, wo du die E-Mail geöffnet hast.
told_address_moved = Die Adresse { $email } und die Teams, die dazugehören, gehören jetzt zum Telegram-Konto { $telegram }. Wenn das nicht du bist, sag einem Admin deines Teams Bescheid.

# Conversation
new_chat = { $dropped ->
    [0] Ein neues Gespräch. Was hier vorher gesagt wurde, habe ich vergessen.
    [one] Ein neues Gespräch. Was hier vorher gesagt wurde, habe ich vergessen und eine wartende Nachricht verworfen.
   *[other] Ein neues Gespräch. Was hier vorher gesagt wurde, habe ich vergessen und { $dropped } wartende Nachrichten verworfen.
}
forget_ask =
    Soll ich alles, was hier mit „{ $team }“ gesagt wurde, endgültig löschen? Das sind alle Fragen und Antworten { $place ->
        [private] dieses Chats
       *[other] dieser Gruppe oder dieses Themas, auch die der anderen,
    } mit Zusammenfassungen und aufgehobenen Fragen. Eine Antwort, die gerade entsteht, wird gestoppt.

    Die Nachrichten in Telegram bleiben stehen: Lösche sie dort selbst. Im Protokoll des Teams bleibt stehen, dass etwas gefragt wurde, aber nicht, was.
forgotten = { $dropped ->
    [0] Gelöscht. Von dem, was hier gesagt wurde, weiß ich nichts mehr.
    [one] Gelöscht. Von dem, was hier gesagt wurde, weiß ich nichts mehr; eine wartende Nachricht habe ich verworfen.
   *[other] Gelöscht. Von dem, was hier gesagt wurde, weiß ich nichts mehr; { $dropped } wartende Nachrichten habe ich verworfen.
}
forgotten_not = Es wurde nichts gelöscht.
budget_kept = Die Frage bleibt erhalten: Tippe danach auf „{ button_retry }“.
budget_warning = Das { $measure ->
    [tokens] Token-Budget
   *[microusd] Budget
} von „{ $team }“ ist für diesen Monat zu { $percent } % verbraucht: { $used } von { $limit }. /usage team zeigt, von wem; /budget ändert es.
late_question = Diese Frage lag mehr als zehn Minuten, bevor ich sie ansehen konnte. Möchtest du noch eine Antwort?
kept_offer = Claude ist wieder da. { $count ->
    [one] Eine Frage hier hat noch keine Antwort. Soll ich sie jetzt beantworten?
   *[other] { $count } Fragen hier haben noch keine Antwort. Soll ich sie jetzt der Reihe nach beantworten?
}
kept_promise = Ich melde mich auch hier, sobald Claude wieder da ist.
edited_question = Du hast deine Frage geändert. Soll ich die neue beantworten?
files_question = { $kind ->
    [photo] { $count ->
        [one] Was ist auf diesem Bild zu sehen?
       *[other] Was ist auf diesen Bildern zu sehen?
    }
   *[other] { $count ->
        [one] Was steht in diesem Dokument? Fass mir das Wichtigste zusammen.
       *[other] Was steht in diesen Dateien? Fass mir das Wichtigste zusammen.
    }
}
continue_question = Bitte mach genau dort weiter, wo deine letzte Antwort aufgehört hat.
continue_older = Ich hatte dich gefragt: „{ $question }“ Deine Antwort endete mit den Worten unten. Bitte mach genau dort weiter, wo sie aufhören.
restarted = Ich wurde neu gestartet und beantworte das noch einmal.
gave_up_after_restarts = Ich wurde beim Antworten zweimal neu gestartet und versuche es deshalb nicht weiter. Die Frage bleibt erhalten: Tippe auf „{ button_retry }“. (Referenz { $code })
message_parked = Beim Lesen dieser Nachricht bin ich dreimal abgebrochen, deshalb habe ich sie beiseitegelegt. Bitte schick sie noch einmal, vielleicht in anderen Worten.
answer_not_shown = Ich konnte dir eine Antwort nicht ganz zeigen oder weiß nicht, ob sie angekommen ist. Falls sie fehlt, tippe auf „{ button_retry }“.
retry_dropped = { $dropped ->
    [one] Eine wartende Nachricht habe ich verworfen; schick sie noch einmal, falls du sie noch brauchst.
   *[other] { $dropped } wartende Nachrichten habe ich verworfen; schick sie noch einmal, falls du sie noch brauchst.
}
answer_cut = Die Antwort hat ihre Höchstlänge erreicht.
answer_window_full = Hier wurde das Gespräch für Claude zu lang. Tippe auf „{ button_new_chat }“, dann beantworte ich deine Frage in einem neuen.
answer_stopped = Gestoppt.
answer_stopped_early = Gestoppt, bevor es eine Antwort gab.
answer_interrupted = Die Antwort wurde unterbrochen.
repeat_label = (vielleicht doppelt)
empty_message = In dieser Nachricht war kein Text für mich. Schreib mir eine Frage, und ich antworte.
unsupported = { $kind ->
    [voice] Sprachnachrichten
    [audio] Audiodateien
    [video] Videos
    [video_note] Videonachrichten
    [animation] Animationen
    [sticker] Sticker
    [location] Standorte
    [venue] Orte
    [contact] Kontakte
    [poll] Umfragen
    [dice] Würfel
    [story] Storys
    [game] Spiele
    [checklist] Checklisten
   *[other] Solche Nachrichten
} kann ich noch nicht verstehen. Ich lese Text, Fotos, PDFs und Textdateien.
unknown_command = Den Befehl /{ $command } kenne ich nicht. /help zeigt die, die ich kenne.
too_fast = Das war viel auf einmal. Bitte warte { $seconds ->
    [one] { $seconds } Sekunde
   *[other] { $seconds } Sekunden
} und frag dann noch einmal.

# Usage and budgets
usage_own = Dein Verbrauch bei Claude, { $month }
usage_team = Verbrauch von „{ $team }“ bei Claude, { $month }
usage_of = { $used } von { $limit }
usage_tokens = { $tokens } Tokens
usage_bar = { $bar } { $used } ({ $percent } %)
usage_team_share = Das ganze Team: { $bar } { $percent } % seines Budgets
usage_others = { $count ->
    [one] { $count } weiteres Mitglied
   *[other] { $count } weitere Mitglieder
}: { $used }
usage_former = Jemand, der gelöscht wurde
usage_shared = Zusammenfassungen langer Gespräche: { $used }
usage_resets = Beginnt neu am { $resets }.
usage_at_least = „≥“ heißt mindestens: Eine gestoppte oder wiederholte Antwort oder ein Modell ohne bekannten Preis kann mehr gekostet haben.
budget_list = Was „{ $team }“ im Monat verbrauchen darf
budget_of_team = Das Team
budget_of_everyone = Jedes Mitglied
budget_of_instance = Alle Teams dieses Bots zusammen: { $limit }.
budget_none = ohne Grenze
budget_how =
    Ändern lässt es sich mit einem Namen oder einer Nummer aus dieser Liste und US-Dollar oder Tokens:
    /budget team 80
    /budget everyone 15
    /budget #2 none
    /budget team 5M tokens
    „default“ nimmt eine Änderung zurück.
budget_set = { $holder ->
    [team] Das Team
    [everyone] Jedes Mitglied ohne eigenes Budget
   *[member] { $name }
} { $to ->
    [none] hat jetzt keine Grenze.
    [default] hat jetzt wieder das übliche Budget.
   *[amount] darf jetzt im Monat { $limit } verbrauchen.
}

# Claude is not there: one sentence, and what happens next
claude_not_connected = Claude ist noch nicht verbunden, deshalb kann ich nicht antworten. Der Betreiber dieses Bots muss ANTHROPIC_API_KEY setzen; deine Frage bleibt erhalten, tippe danach auf „{ button_retry }“. (Referenz { $code })
claude_unreachable = Claude ist gerade nicht erreichbar. Deine Frage bleibt erhalten: Tippe in einer Minute auf „{ button_retry }“. (Referenz { $code })
claude_intercepted = Claude ist gerade nicht sicher erreichbar. Deine Frage bleibt erhalten: Tippe später auf „{ button_retry }“. (Referenz { $code })
claude_timeout = Claude braucht gerade zu lange. Deine Frage bleibt erhalten: Tippe in einer Minute auf „{ button_retry }“. (Referenz { $code })
claude_interrupted = Die Verbindung zu Claude ist abgebrochen. Deine Frage bleibt erhalten: Tippe auf „{ button_retry }“. (Referenz { $code })
claude_garbled = Die Antwort von Claude war nicht lesbar. Deine Frage bleibt erhalten: Tippe auf „{ button_retry }“. (Referenz { $code })
claude_overloaded = Claude ist gerade überlastet. Deine Frage bleibt erhalten: Tippe in einer Minute auf „{ button_retry }“. (Referenz { $code })
claude_rate_limited = Claude ist mit unseren anderen Fragen beschäftigt. Deine Frage bleibt erhalten: Tippe in { $seconds ->
    [one] { $seconds } Sekunde
   *[other] { $seconds } Sekunden
} auf „{ button_retry }“. (Referenz { $code })
claude_busy = Claude ist mit unseren anderen Fragen beschäftigt. Deine Frage bleibt erhalten: Tippe in { $seconds ->
    [one] { $seconds } Sekunde
   *[other] { $seconds } Sekunden
} auf „{ button_retry }“. (Referenz { $code })
claude_auth = Der Assistent pausiert: Claude nimmt unseren Schlüssel nicht an, und jemand, dem das Team oder der Bot gehört, muss ihn erneuern. Deine Frage bleibt erhalten, tippe danach auf „{ button_retry }“. (Referenz { $code })
claude_forbidden = Der Assistent pausiert: Unser Claude-Konto darf das nicht, und der Betreiber dieses Bots muss es sich ansehen. Deine Frage bleibt erhalten, tippe danach auf „{ button_retry }“. (Referenz { $code })
claude_billing = Der Betreiber hat den Assistenten pausiert. Deine Frage bleibt erhalten: Tippe später auf „{ button_retry }“. (Referenz { $code })
claude_model_missing = Der Assistent pausiert: Sein Claude-Modell ist nicht verfügbar, und der Betreiber dieses Bots muss es sich ansehen. Deine Frage bleibt erhalten, tippe danach auf „{ button_retry }“. (Referenz { $code })
claude_too_long = Dieses Gespräch ist für Claude zu lang geworden. Tippe auf „{ button_new_chat }“, dann beantworte ich deine Frage in einem neuen. (Referenz { $code })
claude_too_large = Das war zu groß für Claude. Schick weniger auf einmal. (Referenz { $code })
claude_bad_file = Claude konnte diese Datei nicht öffnen: Vielleicht ist sie beschädigt, mit einem Passwort geschützt oder zu lang. Schick sie in einer anderen Fassung. (Referenz { $code })
claude_our_bug = Bei uns ist etwas schiefgegangen. Deine Frage bleibt erhalten: Tippe auf „{ button_retry }“. (Referenz { $code })
claude_refused = Das wollte Claude nicht beantworten. Versuch, es anders zu fragen. (Referenz { $code })
claude_empty = Claude hatte dazu nichts zu sagen. Versuch, es anders zu fragen. (Referenz { $code })
claude_stopped = Gestoppt. (Referenz { $code })

# Die Dateien einer Frage: was schiefging und wie es weitergeht
failed_file_gone = Telegram gibt mir diese Datei nicht mehr. Deine Frage bleibt erhalten: Tippe auf „{ button_retry }“ oder schick die Datei noch einmal. (Referenz { $code })
failed_file_unreachable = Ich habe die Datei nicht rechtzeitig von Telegram bekommen. Deine Frage bleibt erhalten: Tippe in einer Minute auf „{ button_retry }“. (Referenz { $code })
failed_file_too_large = Diese Datei ist größer, als ich annehmen kann. Schick eine kleinere oder das Bild als Foto. (Referenz { $code })
failed_file_unreadable = Ich konnte diese Datei nicht lesen: Es muss ein Bild, ein PDF ohne Passwort oder reiner Text in UTF-8 sein. (Referenz { $code })
failed_file_too_many_pages = Diese PDFs haben mehr als 100 Seiten. Schick den Teil, um den es geht. (Referenz { $code })

# Refusals
not_allowed = { $role ->
    [owner] Das kann nur, wem das Team gehört.
   *[other] Das können nur Admins des Teams.
}
not_member = Das ist nur für Mitglieder des Teams.
member_unknown = Diese Person ist nicht mehr im Team.
last_owner = Das Team braucht einen Inhaber. Übergib es zuerst jemand anderem: /members.
team_unknown = In diesem Team bist du nicht.
team_creation_closed = Neue Teams können nur die Inhaber des ersten Teams dieses Bots gründen.
too_many_teams = Dir gehören schon { $max } Teams, und mehr als das geht nicht.
team_name_invalid = Ein Teamname hat 1 bis { $max } Zeichen. Schick mir einen anderen.
time_zone_unknown = Eine Zeitzone mit diesem Namen kenne ich nicht. Tippe auf „{ button_time_zone }“ und schick mir die nächste große Stadt in deiner Zone.
invite_unknown = Diesen Einladungslink gibt es nicht. Lass dir einen neuen geben.
invite_used = Dieser Einladungslink wurde schon benutzt. Jeder funktioniert nur einmal. Wenn du das nicht warst, lass dir einen neuen geben.
invite_expired = Dieser Einladungslink ist abgelaufen. Lass dir einen neuen geben.
owner_link_unknown = Dieser Link ist ungültig. Der richtige steht da, wenn das Programm startet.
owner_link_used = Dieser Link wurde schon benutzt: Der Bot gehört bereits jemandem. Bitte diese Person um einen Einladungslink.
group_only = Das geht in Gruppen: Füge mich zu einer hinzu und sende es dort.
private_only = Das geht nur in unserem privaten Chat.
group_taken = Diese Gruppe gehört schon zu einem anderen Team.
erase_last_owner = { $teams }: Dort bist du der einzige Inhaber. Übergib das Team zuerst (/members), dann kann ich dich löschen.
audit_unclear = Im Protokoll steht niemand mit diesem Namen, und keine Art von Ereignis heißt so. Es gibt { $kinds }. /audit zeigt alles.
audit_anchor_unclear = Das ist kein Anker. Schick mir Nummer und Hash so, wie ich sie genannt habe: /audit verify 42 9f8e7d…
mail_not_set_up = Bei diesem Bot ist kein E-Mail-Versand eingerichtet. Sein Betreiber muss zuerst RESEND_API_KEY setzen.
mail_too_often = An diese Adresse ging gerade erst eine E-Mail. Schau dort nach, oder versuch es in { $minutes ->
    [one] { $minutes } Minute
   *[other] { $minutes } Minuten
} noch einmal.
link_gone = Dieser Link wurde schon benutzt oder ist abgelaufen. Fordere einen neuen an.
link_code_needed = Gib den sechsstelligen Code ein, der dort steht, wo der Link angefordert wurde.
link_code_wrong = Dieser Code ist falsch. { $left ->
    [one] Du hast noch einen Versuch.
   *[other] Du hast noch { $left } Versuche.
}
accounts_overlap = Du bist doppelt in einem Team, mit diesem Telegram-Konto und mit dieser Adresse: { $teams }. Verlass es mit einem von beiden und öffne den Link dann noch einmal.
session_gone = Du bist nicht mehr angemeldet. Melde dich neu an.
session_unknown = Diese Anmeldung gibt es nicht.
login_wrong = Die Adresse oder das Passwort ist falsch.
password_invalid = Ein Passwort braucht { $min } bis { $max } Zeichen.
password_common = Dieses Passwort ist zu leicht zu erraten. Wähle ein anderes.
password_current_wrong = Gib dein jetziges Passwort an, oder melde dich zuerst noch einmal per E-Mail an.
email_needed = Bestätige zuerst deine Adresse: Melde dich einmal per E-Mail an.
email_invalid = Das ist keine E-Mail-Adresse, an die ich schreiben kann. Sie sieht so aus: du@example.com
too_many_requests = Zu viele Anfragen. Versuch es in { $seconds } s noch einmal.
button_gone = Dieser Knopf funktioniert nicht mehr. Schick den Befehl oder die Frage noch einmal.
button_not_yours = Dieser Knopf ist für jemand anderen. Schick den Befehl selbst, dann bekommst du deinen eigenen.
answer_not_yours = Diese Antwort kann nur stoppen, wer gefragt hat, oder ein Admin.
continued_below = Diese Antwort steht weiter unten in einer neuen Nachricht.
nothing_to_stop = Hier wird gerade nichts beantwortet.
nothing_kept = Hier wartet nichts mehr: Es ist beantwortet, neu gestellt oder älter als einen Tag.
nothing_to_retry = Hier gibt es noch keine Frage, die sich noch einmal stellen ließe.
instructions_empty = In dieser Nachricht war kein Text. Schick mir die Anweisungen als Text.
instructions_too_long = Das sind { $count } Zeichen; Anweisungen haben höchstens { $max }. Schick mir eine kürzere Fassung.
budget_unclear = Das habe ich nicht verstanden. Sag, wer und wie viel: „/budget team 80“, „/budget everyone 15“, „/budget Bob 2M tokens“, „/budget Bob default“.
budget_too_high = Alle Teams dieses Bots zusammen dürfen im Monat { $max } verbrauchen; kein Budget kann höher sein.
budget_who_unknown = Im Team heißt niemand „{ $who }“. /budget zeigt alle mit einer Nummer: „/budget #2 40“.
budget_who_several = Mehrere im Team heißen „{ $who }“. Nimm die Nummer aus /budget: „/budget #2 40“.
budget_team = Das Budget des Teams reicht in diesem Monat für keine weitere Frage. Es beginnt neu am { $resets }. { $admin ->
    [yes] Mit /budget kannst du es erhöhen.
   *[no] Ein Admin kann es mit /budget erhöhen.
}
budget_member = Dein eigenes Budget reicht in diesem Monat für keine weitere Frage. Es beginnt neu am { $resets }. { $admin ->
    [yes] Mit /budget kannst du es erhöhen.
   *[no] Ein Admin kann es mit /budget erhöhen.
}
budget_instance = Das Budget dieses Bots für alle Teams ist für diesen Monat ausgeschöpft. Es beginnt neu am { $resets }. Der Betreiber kann es erhöhen.
message_too_long = Das ist zu lang für eine Nachricht: Ich nehme bis zu { $max } Zeichen an. Schick es als Textdatei, dann lese ich es ganz.
not_connected = Dieses Team hat { $service } noch nicht verbunden. Admins können das mit /connect tun.
needs_reauth = { $service } muss neu verbunden werden: Die Erlaubnis ist abgelaufen oder wurde entzogen. Sag es einem Admin.
service_away = { $service } kann gerade nicht um eine neue Erlaubnis gebeten werden. Bitte versuch es in einer Minute noch einmal.
secret_malformed = Das ist kein vollständiges Token von { $service }: Es ist ein langes Wort ohne Leerzeichen. Es wurde nichts geändert.
file_unsupported = { $what ->
    [image] „{ $name }“ kann ich so nicht öffnen. Schick das Bild als Foto.
    [audio] „{ $name }“ kann ich nicht anhören. Schick mir den Inhalt als Text.
    [video] „{ $name }“ kann ich nicht ansehen. Schick mir Bilder daraus oder den Inhalt als Text.
   *[other] „{ $name }“ kann ich nicht öffnen. Ich lese Fotos, PDFs und Textdateien: Exportiere es als PDF oder füge den Text ein.
}
file_too_big = „{ $name }“ hat { $size } MB, und von so einer Datei nehme ich bis zu { $max } MB an. Schick mir den Teil, um den es geht.
picture_too_big = „{ $name }“ hat { $size } MB, und Bilder nehme ich bis { $max } MB an. Schick es als Foto: Telegram verkleinert es.
files_too_many = Mit einer Frage nehme ich bis zu { $max } Dateien an. Schick die übrigen mit der nächsten.
files_too_big = Zusammen haben diese Dateien { $size } MB, und mit einer Frage nehme ich bis zu { $max } MB an. Schick weniger auf einmal.
claude_key_wrong_kind = Das ist das Token eines Abonnements oder eines, das bald abläuft. Ich brauche einen API-Schlüssel aus der Claude Console (sk-ant-api…). Es wurde nichts geändert.
claude_key_refused = { $kind ->
    [model_missing] Claude nimmt diesen Schlüssel an, aber sein Konto hat { $model } nicht
    [billing] Claude nimmt diesen Schlüssel an, aber sein Konto ist nicht bezahlt
   *[other] Claude nimmt diesen Schlüssel nicht an
}. Es wurde nichts geändert.
claude_key_unchecked = Claude konnte nicht gefragt werden, ob es diesen Schlüssel annimmt. Es wurde nichts geändert; bitte versuch es in ein paar Minuten noch einmal.
unexpected = Bei uns ist etwas schiefgegangen. Bitte versuch es noch einmal; wenn es so bleibt, nenne dem Betreiber diese Referenz: { $code }

# For the operator
alert_stranger = { $name } (Telegram-ID { $id }) hat mir geschrieben, ist aber in keinem Team. Ich habe höflich abgelehnt. Gehört die Person zu euch, dann schick ihr einen Link aus /invite.
alert_budget_instance = Alle Teams zusammen haben { $percent } % dessen verbraucht, was dieser Bot in diesem Monat kosten darf ({ $limit }). BUDGET_INSTANCE_USD erhöht es.
alert_parked = Eine Nachricht (Update { $id }) hat dieses Programm dreimal hintereinander zum Absturz gebracht. Ich habe sie beiseitegelegt; im Log steht mehr.
alert_conflict = Ein anderes Programm holt mit demselben Token meine Nachrichten bei Telegram ab, oder es wurde ein Webhook dafür gesetzt: Manche Nachrichten erreichen mich deshalb nicht. Beende das andere Programm, oder lass dir von @BotFather ein neues Token geben (/revoke) und trag es in TELEGRAM_BOT_TOKEN ein.
alert_conflict_over = Seit fünf Minuten holt kein anderes Programm mehr meine Nachrichten ab. Was es in der Zwischenzeit bekommen hat, habe ich nicht gesehen.
alert_new_group = { $name } hat die Gruppe „{ $group }“ dem Team „{ $team }“ zugeordnet: Ich antworte dort den Mitgliedern des Teams.
alert_new_admin = { $name } ist jetzt { $role ->
    [owner] Inhaber
   *[admin] Admin
} von „{ $team }“.
alert_credential_user = { $name } hat die Verbindung von „{ $team }“ zu { $service } zum ersten Mal benutzt.
alert_audit_broken = Das Protokoll von „{ $team }“ wurde von jemandem verändert, der in die Datenbank schreiben kann: Zeile { $seq } ist nicht so, wie sie geschrieben wurde. „/audit verify“ zeigt mehr. Wer den Server betreibt, sollte dem sofort nachgehen.
alert_seeded = „{ $team }“ hat { $service }{ $last4 ->
    [none] {""}
   *[other] {" "}(…{ $last4 })
} verbunden, aus { $key } in den Einstellungen des Servers. Es liegt jetzt versiegelt vor und wird dort nicht mehr gebraucht. /connections zeigt es.
alert_reauth = „{ $team }“ hat die Verbindung zu { $service } verloren: Die Erlaubnis ist abgelaufen oder wurde entzogen. Sie muss neu erteilt werden: { $renew }

# Audit log
audit_list = Was in „{ $team }“ geschehen ist, das Neueste zuerst{ $kind ->
    [all] {""}
   *[other] : { $kind }
}
audit_empty = Davon steht nichts im Protokoll von „{ $team }“.
audit_kinds = Welche Art von Ereignis in „{ $team }“?
audit_actors = Wer in „{ $team }“? Hinter jedem Namen steht, wie oft er im Protokoll vorkommt.
audit_kind = { $kind ->
    [turn] Fragen
    [conversation] Gespräche
    [credential] Zugangsdaten
    [member] Mitglieder
    [owner] Inhaber
    [invite] Einladungen
    [team] Team
    [group] Gruppen
    [chat] Chats
    [auth] Anmeldung
    [account] Persönliche Einstellungen
    [budget] Budgets
    [audit] Dieses Protokoll
   *[ratelimit] Grenzen
}
audit_exported = { $rows ->
    [one] Eine Zeile des Protokolls mit ihren Hashes als Tabelle (CSV).
   *[other] { $rows } Zeilen des Protokolls mit ihren Hashes als Tabelle (CSV).
}{ $left ->
    [0] {""}
    [one] {" "}Eine ältere Zeile ist nicht dabei.
   *[other] {" "}{ $left } ältere Zeilen sind nicht dabei.
}
audit_whole = { $rows ->
    [one] Das Protokoll von „{ $team }“ ist vollständig: Seine eine Zeile ist so, wie sie geschrieben wurde.
   *[other] Das Protokoll von „{ $team }“ ist vollständig: Alle { $rows } Zeilen sind so, wie sie geschrieben wurden.
}
audit_broken = Das Protokoll von „{ $team }“ wurde von jemandem verändert, der in die Datenbank schreiben kann. Zeile { $seq }{ $reason ->
    [gap] {" "}fehlt.
    [prev_hash] {" "}folgt nicht auf die Zeile davor.
    [detail] {" "}hat andere Einzelheiten, als geschrieben wurden.
    [tail] , die neueste, wurde entfernt oder ersetzt.
    [head] {" "}und spätere fehlen vielleicht: Die Marke der neuesten Zeile wurde entfernt.
   *[hash] {" "}ist nicht so, wie sie geschrieben wurde.
} Wer den Server betreibt, sollte dem sofort nachgehen.
audit_settings = Das Protokoll von „{ $team }“ wird { $days ->
    [365] ein Jahr
    [1095] drei Jahre
   *[other] { $days } Tage
} aufbewahrt, dann gelöscht. { $report ->
    [on] Inhaber bekommen jeden Morgen einen Bericht über den Vortag.
   *[off] Inhaber bekommen keinen täglichen Bericht.
} Dass das Protokoll verändert wurde, wird immer gemeldet.
audit_day = { $events ->
    [one] Ein Ereignis
   *[other] { $events } Ereignisse
} in „{ $team }“ am { $day } (UTC){ $people ->
    [0] {""}
    [one] , von einer Person
   *[other] , von { $people } Personen
}.
audit_day_how = /audit zeigt sie und schaltet diesen Bericht ab. „/audit verify“ mit der Nummer und dem Hash von oben sagt später, ob das Protokoll noch dasselbe ist.
audit_anchor = Anker, zum Aufbewahren an anderer Stelle: { $seq } { $hash }
audit_anchor_state = Zeile { $seq } { $state ->
    [holds] ist die, die du notiert hast.
    [purged] wurde seitdem gelöscht, weil ihre Zeit um war.
   *[differs] ist nicht die, die du notiert hast: Das Protokoll wurde umgeschrieben.
}

# Somebody's own data
mydata =
    Ich speichere über dich: deinen Namen, deine Telegram-ID, deine E-Mail-Adresse, wenn du mir eine genannt hast, deine Sprache und Zeitzone, deine Teams und Rollen, was du gefragt hast und was ich geantwortet habe, wie viel vom Budget du verbraucht hast, und im Protokoll jedes Teams, was du getan hast, ohne Wortlaut. Passwörter und Anmeldungen speichere ich nur als Hash.

    Ich kann dir alles schicken oder es löschen.
mydata_erase_ask = { $what ->
    [whole] Ich lösche alles, was du in allen Teams und Gruppen gesagt hast, mit meinen Antworten, und dann dich: Namen, Telegram-ID, E-Mail-Adresse, Anmeldungen. Du verlässt jedes Team. In den Protokollen bleibt, was geschehen ist, unter einer Nummer, die zu niemandem mehr führt.
   *[said] Ich lösche alles, was du in allen Teams und Gruppen gefragt hast, mit meinen Antworten und den Zusammenfassungen davon. Du bleibst, wo du bist. In den Protokollen bleibt, dass du gefragt hast, ohne Wortlaut.
} Das lässt sich nicht rückgängig machen.
mydata_erased = { $what ->
    [whole] Du bist gelöscht.
   *[said] Gelöscht.
} { $turns ->
    [0] Es gab keine Frage zu löschen.
    [one] Eine Frage ist samt Antwort weg.
   *[other] { $turns } Fragen sind samt Antworten weg.
}
mydata_account =
    Name: { $name }
    Telegram-ID: { $id }
    E-Mail: { $email }
    Sprache: { $language }, Zeitzone: { $zone }
    Seit { $since }
    Anmeldungen: { $sessions }
mydata_team = „{ $team }“, als { $role ->
    [owner] Inhaber
    [admin] Admin
   *[other] Mitglied
} seit { $since }. Im Protokoll des Teams bist du { $id }.
mydata_questions = Fragen und Antworten, die neuesten zuerst: { $count }{ $left ->
    [0] {""}
   *[other] {" "}(ältere: { $left })
}
mydata_summary = Was ich vom älteren Teil eines Gesprächs weiß:
mydata_log = Was du laut Protokoll getan hast, das Neueste zuerst: { $count }{ $left ->
    [0] {""}
   *[other] {" "}(ältere: { $left })
}
mydata_usage = Was du verbraucht hast, nach Monaten, in Mikro-Dollar und Tokens:

# Claude's outages, for owners and the operator
alert_claude_down = Claude antwortet { $minutes ->
    [0] gerade nicht
    [one] seit { $minutes } Minute nicht
   *[other] seit { $minutes } Minuten nicht
}{ $own ->
    [yes] {""}, wenn mit dem eigenen Schlüssel eines Teams gefragt wird
   *[no] {""}
}: { $kind ->
    [unreachable] Es ist von diesem Server aus nicht erreichbar. Prüfe Netz und DNS.
    [intercepted] An seiner Stelle antwortet etwas anderes: eine Weiterleitung, ein Proxy oder ein falsches Zertifikat. Prüfe ANTHROPIC_BASE_URL und das Netz; ich sende eine Weile nichts dorthin.
    [timeout] Es meldet sich nicht rechtzeitig. Du musst nichts tun; ich sehe weiter nach.
    [interrupted] Seine Antworten brechen ab. Du musst nichts tun; ich sehe weiter nach.
    [overloaded] Es ist überlastet. Du musst nichts tun; ich sehe weiter nach.
    [rate_limited] Das Konto hat seine Anfragegrenze erreicht. Kommt das oft vor, erhöhe die Grenze in der Claude Console.
    [busy] Das Konto fragt schneller, als seine Grenzen wachsen dürfen. Das geht von selbst vorbei; kommt es oft vor, schreib an Anthropic.
    [auth] { $own ->
        [yes] Es nimmt diesen Schlüssel nicht an. Wem das Team gehört, der verbindet mit /connect claude einen neuen; nach /disconnect claude gilt wieder der des Betreibers.
       *[no] Es nimmt unseren Schlüssel nicht an. Setze einen neuen ANTHROPIC_API_KEY und starte mich neu.
    }
    [forbidden] Das Konto darf das nicht oder ist gesperrt. Sieh in der Claude Console nach.
    [billing] Das Konto hat kein Guthaben mehr oder seine Ausgabengrenze erreicht. Sieh in der Claude Console unter „Billing“ nach.
    [model_missing] Sein Modell gibt es für dieses Konto nicht. Prüfe CLAUDE_MODEL.
    [not_connected] Es gibt keinen Schlüssel. Setze ANTHROPIC_API_KEY und starte mich neu.
   *[other] Etwas stimmt nicht. Im Log steht mehr.
} { $messages ->
    [0] Bisher ist keine Nachricht betroffen.
    [one] Bisher ist eine Nachricht betroffen.
   *[other] Bisher sind { $messages } Nachrichten betroffen.
} Fragen bleiben erhalten, und ich sage Bescheid, wenn es wieder geht.
alert_claude_back = Claude antwortet wieder, nach { $hours ->
    [0] { $minutes ->
        [0] weniger als einer Minute
        [one] { $minutes } Minute
       *[other] { $minutes } Minuten
    }
   *[other] { $hours } Std. { $minutes } Min
}. { $messages ->
    [0] Keine Nachricht war betroffen.
    [one] Eine Nachricht war betroffen.
   *[other] { $messages } Nachrichten waren betroffen.
}
alert_claude_fault = { $kind ->
    [garbled] Eine Antwort von Claude war nicht lesbar
   *[other] Claude hat eine unserer Anfragen als fehlerhaft abgelehnt
}: Das ist vermutlich ein Fehler dieses Programms. Die Person kann „{ button_retry }“ drücken. Im Log steht mehr unter der Referenz { $code }.
alert_claude_model = { $lifecycle ->
    [retired] Anthropic hat das Modell { $model } abgeschaltet, deshalb kann ich nicht mehr antworten. Trag bei CLAUDE_MODEL seinen Nachfolger ein und starte mich neu.
   *[deprecated] Anthropic wird das Modell { $model } { $date ->
        [none] abschalten; ein Datum gibt es noch nicht
       *[other] am { $date } abschalten
    }. Trag vorher bei CLAUDE_MODEL seinen Nachfolger ein und starte mich neu; bis dahin ändert sich nichts.
}
# Teile des Bots, die nicht arbeiten, für Inhaber und Betreiber
alert_part_down = { $part ->
    [database] Meine Datenbank antwortet nicht, deshalb kann ich nicht arbeiten. Nachrichten warten bei Telegram, verloren geht nichts, und ich sage Bescheid, wenn es vorbei ist. Prüfe Postgres und DATABASE_URL.
    [telegram] Seit { $count } Min. hat kein Abruf von Nachrichten bei Telegram geklappt. Verloren geht nichts: Sie warten dort. Hält das an, prüfe Netz und DNS des Servers.
    [mail] E-Mails gehen nicht hinaus: Resend ist nicht erreichbar oder lehnt sie ab, deshalb kommen Links zur Anmeldung nicht an. Es wird weiter versucht. Hält das an, prüfe RESEND_API_KEY und die Domain von MAIL_FROM.
    [redis] Redis antwortet nicht. Die Grenzen werden so lange ohne Redis gezählt, und niemand merkt etwas davon. Prüfe REDIS_URL und den Server dahinter.
    [disk] Die Festplatte ist fast voll: { $count } MB sind noch frei. Schaffe Platz, bevor sie voll ist: Dann hält Postgres an.
    [worker] Hintergrundarbeit wartet, und niemand erledigt sie ({ $count }). Starte den Worker neu oder einen Prozess mit --role worker.
   *[dead_jobs] { $count ->
        [one] Eine Hintergrundarbeit wurde aufgegeben
       *[other] { $count } Hintergrundarbeiten wurden aufgegeben
    }: Jeder Versuch war fehlgeschlagen. Warum, steht im Log, in den Zeilen mit „job“.
}
alert_part_back = { $part ->
    [database] Meine Datenbank antwortet wieder, und ich nehme mir vor, was inzwischen geschrieben wurde
    [telegram] Nachrichten werden wieder bei Telegram abgeholt
    [mail] Keine E-Mail wartet mehr auf einen neuen Versuch
    [redis] Redis antwortet wieder
    [disk] Die Festplatte hat wieder Platz
    [worker] Hintergrundarbeit wird wieder erledigt
   *[dead_jobs] Seit einem Tag wurde keine Hintergrundarbeit aufgegeben
}. Die Störung hat { $hours ->
    [0] { $minutes ->
        [0] weniger als eine Minute
        [one] { $minutes } Minute
       *[other] { $minutes } Minuten
    }
   *[other] { $hours } Std. { $minutes } Min.
} gedauert.
# Ohne seine Datenbank kann der Bot nur das sagen
away = Ich kann gerade nicht arbeiten. Verloren geht nichts: Was du schreibst, wartet, und ich kümmere mich darum, sobald es geht.
away_over = Ich kann wieder arbeiten und nehme mir vor, was hier inzwischen geschrieben wurde.
# E-Mail
mail_login_subject = Anmelden bei „{ $team }“
mail_login_headline = Anmelden bei „{ $team }“
mail_login_text = Mit dem Knopf meldest du dich als { $email } an. Er funktioniert einmal, innerhalb von { $minutes } Minuten nach der Anforderung.
mail_login_button = Anmelden
mail_login_code = Falls die Seite nach einem Code fragt: Er steht dort, wo diese E-Mail angefordert wurde.
mail_login_unasked = Du hast das nicht angefordert? Dann ist nichts zu tun. Gib nie einen Code ein, den du von jemand anderem bekommen hast.
mail_tie_subject = Deine Adresse mit { $telegram } in Telegram verbinden
mail_tie_headline = Bist du { $telegram }?
mail_tie_text = Das Telegram-Konto { $telegram } möchte für „{ $team }“ mit { $email } verbunden werden. Wenn du das bist, drück innerhalb von { $minutes } Minuten auf den Knopf und gib den sechsstelligen Code ein, den der Bot dir in Telegram zeigt.
mail_tie_button = Ja, weiter
mail_tie_unasked = Das bist nicht du? Dann ist nichts zu tun. Gib nie einen Code ein, den du von jemand anderem bekommen hast: Damit würdest du ihm dein Konto überlassen.
mail_invite_subject = { $name } lädt dich zu „{ $team }“ ein
mail_invite_text = { $name } möchte dich { $role ->
    [admin] als Admin
   *[other] als Mitglied
} im Team „{ $team }“ haben. BlockBot ist der Assistent des Teams in Telegram. Mit dem Knopf trittst du mit dieser Adresse bei; oder du trittst in Telegram bei: Der Link darunter öffnet es, drück dort auf START. Die Einladung funktioniert einmal und gilt { $days ->
    [one] { $days } Tag
   *[other] { $days } Tage
}.
mail_invite_button = Dem Team beitreten
mail_invite_telegram = Oder in Telegram beitreten
mail_invite_unasked = Du kennst { $name } nicht? Dann ist nichts zu tun. Wer einen dieser Links öffnet, tritt an deiner Stelle bei: Gib sie nicht weiter.
mail_button_hint = Falls der Knopf nicht funktioniert, öffne diese Adresse:
mail_changed_subject = Deine Adresse wurde geändert
mail_changed_text = Das Telegram-Konto { $telegram } nutzt jetzt eine andere E-Mail-Adresse. Mit dieser hier meldet sich niemand mehr an.
mail_changed_unasked = Das warst nicht du? Sag einem Admin deines Teams Bescheid.

# Sign-in from Telegram
login_ask = Welche Adresse? Schreib sie hinter den Befehl: /login du@example.com
login_sent = Eine E-Mail an { $email } ist unterwegs. Öffne sie innerhalb von { $minutes } Minuten, drück auf den Knopf darin und gib dort diesen Code ein:

    { $code }

    Sonst braucht niemand diesen Code. Ich schreibe hier, sobald die Adresse mit diesem Konto verbunden ist.
login_sent_stranger = Wenn { $email } die Adresse von jemandem ist, der hier einem Team beigetreten ist und noch kein Telegram-Konto dazu hat, ist eine E-Mail unterwegs. Öffne sie innerhalb von { $minutes } Minuten, drück auf den Knopf darin und gib dort diesen Code ein:

    { $code }

    Sonst braucht niemand diesen Code. Ich schreibe hier, sobald die Adresse mit diesem Konto verbunden ist. Keine E-Mail bekommen? Dann frag einen Admin deines Teams nach einem Einladungslink.
sessions_none = Du bist nirgends angemeldet. /login verbindet deine E-Mail-Adresse mit diesem Konto und meldet dich an.
sessions_here = Du bist an { $count ->
    [one] einer Stelle
   *[other] { $count } Stellen
} angemeldet:
session_line = { $team }: { $agent }, zuletzt benutzt { $used }
button_end_session = { $number } abmelden
button_end_sessions = Überall abmelden

# The page of a mailed link
magic_login_text = Du wirst als { $email } angemeldet.
magic_tie_text = Das Telegram-Konto { $telegram } möchte für „{ $team }“ mit { $email } verbunden werden. Geh nur weiter, wenn beides dir gehört.
magic_tie_button = Verbinden und anmelden
magic_invite_text = Du trittst als { $email } bei, { $role ->
    [admin] als Admin
   *[other] als Mitglied
}. Bevor du auf den Knopf drückst, passiert nichts.
magic_code = Sechsstelliger Code
magic_code_warning = Er steht dort, wo du diese E-Mail angefordert hast. Gib nie einen Code ein, den du von jemand anderem bekommen hast.
magic_done = Du bist angemeldet
magic_signed_in = Du bist bei „{ $team }“ als { $email } angemeldet. Du kannst diese Seite schließen.
magic_tied = { $email } ist jetzt mit deinem Telegram-Konto verbunden, und du bist bei „{ $team }“ angemeldet. Du kannst zu Telegram zurückkehren.
magic_joined = Du bist jetzt im Team „{ $team }“ und als { $email } angemeldet. Um in Telegram mit dem Bot zu sprechen, öffne ihn dort und schick ihm „/login { $email }“: Dann weiß er, dass du es bist.
magic_joined_headline = Du bist im Team
magic_joined_known = Du bist im Team „{ $team }“, mit dem Konto, das { $email } hier schon hat. Zum Anmelden öffne in diesem Browser die E-Mail, die gerade zu dir unterwegs ist. In Telegram wechselst du mit /team ins Team.
magic_to_chat = Der Bot in Telegram
magic_to_health = Wie alles läuft
magic_to_docs = Die API
magic_gone_headline = Dieser Link funktioniert nicht mehr
magic_gone = Er wurde schon benutzt oder ist abgelaufen. Fordere dort einen neuen an, wo du diesen angefordert hast; in Telegram geht das mit /login.
magic_empty_headline = Öffne den Link aus deiner E-Mail
magic_empty = Diese Seite funktioniert nur über den Link in der E-Mail. Wenn du sie neu geladen hast, öffne den Link noch einmal.
magic_failed_headline = Das hat nicht geklappt
magic_failed = Der Server war nicht erreichbar. Öffne den Link in deiner E-Mail gleich noch einmal; er wurde nicht benutzt.
magic_no_script = Diese Seite braucht JavaScript: Ohne würden Programme, die E-Mails auf Viren prüfen, deinen Link verbrauchen. Erlaube es für diese Seite, oder öffne den Link in einem anderen Browser.
