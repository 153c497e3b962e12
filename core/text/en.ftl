# Names and buttons
default_team_name = { $name }'s team
button_stop = Stop
button_retry = Retry
button_continue = Continue
button_answer_kept = Answer now
button_answer_late = Answer it now
button_answer_edited = Answer the edited question
button_new_chat = New chat
button_forget = Delete everything
button_forget_not = Keep it
button_keep_name = Keep “{ $team }”
button_rename_team = Choose another name
button_health_alerts = { $value ->
    [off] Stop telling me of outages
   *[on] Tell me of outages
}
button_time_zone = Time zone
button_back = Back
button_voice = How I answer “{ $team }”
button_write_instructions = Write instructions
button_change_instructions = Change instructions
button_remove_instructions = Remove
button_any_language = The language of the question
language_name = English
button_rename = Rename
button_new_team = New team
button_leave_team = Leave
button_disconnect = Disconnect { $service }
button_connect_again = Send it again
button_cancel = Cancel
button_make_role = { $role ->
    [admin] Make admin
   *[other] Make member
}
button_hand_over = Hand over the team
button_remove = Remove from the team
button_all_members = All members
button_first_page = Back to the start
button_next_page = Show more
button_newest = Newest
button_older = Older
button_audit_kinds = By kind
button_audit_actors = By person
button_audit_all = Everything
button_audit_export = As a file
button_audit_verify = Check it
button_audit_settings = Report and time kept
button_audit_days = { $days ->
    [365] 1 year
    [1095] 3 years
   *[other] { $days } days
}
button_audit_mute = No daily report
button_audit_unmute = Daily report
button_mydata_send = Send me everything
button_mydata_said = Delete what I said
button_mydata_whole = Delete me altogether
button_mydata_erase_sure = Delete for good
button_invites = Open invites
button_revoke = Revoke { $number }

# First contact
owner_welcome =
    Welcome, { $name }. You are the owner of “{ $team }”.

    Write me anything and I will answer. /invite makes a link for a colleague, /help shows the rest.
team_named = Your team is called “{ $team }”. Write me anything to begin.
team_name_ask = What should the team be called? Send me the name.
joined =
    Welcome to “{ $team }”, { $name }. { $role ->
        [admin] You are one of its admins.
        [owner] You are its owner.
       *[other] You are a member.
    }

    { $dropped ->
        [0] Write me anything and I will answer. /help shows what else you can do.
        [one] What you write here goes to this team now; I dropped one waiting message.
       *[other] What you write here goes to this team now; I dropped { $dropped } waiting messages.
    }
already_member = You are in “{ $team }” already; the invite is still unused.
stranger = I only talk with the members of a team. Ask an admin of yours for an invite link. If you have joined by mail, send me /login and your address.
faceless = I cannot see who is writing: you speak here as the group, or as a channel. Write under your own name and I will answer.
stranger_group = I only answer members of “{ $team }” here. An admin of it can send you an invite link.
invite_made =
    This link lets one person join “{ $team }” as { $role ->
        [admin] an admin
       *[other] a member
    }. It works once, within { $days ->
        [one] { $days } day
       *[other] { $days } days
    }:

    { $link }
invite_mailed =
    I am sending the invite to “{ $team }” to { $email }: { $role ->
        [admin] an admin
       *[other] a member
    }, once, within { $days ->
        [one] { $days } day
       *[other] { $days } days
    }. Under /members, “Open invites”, you can revoke it.
invites = Invites to “{ $team }” that can still be used:
invites_none = No invite to “{ $team }” waits to be used. /invite makes one.
invite_line = { $number }. for { $role ->
    [admin] an admin
   *[other] a member
}, by { $name }, until { $date }{ $email ->
    [none] {""}
   *[other] , sent to { $email }
}
group_hello = Hello. An admin of a team can send /claim here; then I answer the team's members when they mention @{ $bot } or reply to me.
group_claimed = This group now belongs to “{ $team }”. Mention @{ $bot } or reply to me, and I will answer.
group_already = This group belongs to “{ $team }” already. Mention @{ $bot } or reply to me.

# Help and status
help_private = I am the assistant of “{ $team }”. Write me a message and I will answer. You can also use:
help_group = I am the assistant of “{ $team }”. In groups I answer when you mention me or reply to me. You can also use:
command_new = start a new conversation
command_forget = delete what was said here for good
command_stop = stop the answer that is being written
command_retry = ask the last question again
command_status = what works right now
command_settings = your language and time zone
command_login = tie your e-mail address to this account (“/login you@example.com”)
command_sessions = where you are signed in
command_usage = what you have used this month (“/usage team” for admins)
command_budget = what the team and each member may use in a month
command_audit = who did what in your team (“/audit verify”, “/audit export”, “/audit Bob”)
command_team = your teams: switch, rename, leave, make a new one
command_members = who is in the team, and in which role
command_remove = remove somebody from the team
command_invite = make an invite link (“/invite admin” for an admin, with an e-mail address by mail)
command_connect = connect Claude, Slack or ClickUp by its key
command_connections = what your team has connected
command_disconnect = forget a connection
command_claim = tie this group to your team
command_mydata = what I keep about you: have it sent, or deleted
command_help = what you can do here
status_claude_ok = Claude answers ({ $model }).
status_claude_unknown = Claude is connected ({ $model }); nobody has asked anything since the last start.
status_claude_unavailable = { $kind ->
    [auth] The assistant is paused since { $since }: Claude does not accept our key
    [forbidden] The assistant is paused since { $since }: our Claude account may not do this
    [billing] The assistant is paused by its operator since { $since }
    [model_missing] The assistant is paused since { $since }: its Claude model is not available
   *[other] Claude cannot be used right now; it stopped working at { $since }
}. Everything else works, and questions can be asked again with Retry.
status_claude_limited = Claude takes no further questions from us { $seconds ->
    [0] right now
   *[other] for { $seconds } s
}. Everything else works, and questions can be asked again with Retry.
status_claude_not_connected = Claude is not connected yet. Everything else works.
status_kept = { $count ->
    [one] One question of this chat waits for it
   *[other] { $count } questions of this chat wait for it
}; I keep questions for 24 hours and ask before I answer them.
status_idle = Nothing is being answered in this chat.
status_answering = An answer is being written in this chat. /stop ends it.
status_team = You are { $role ->
    [owner] the owner
    [admin] an admin
   *[other] a member
} of “{ $team }”.
status_privacy =
    In this group Telegram shows me commands, messages that mention @{ $bot }, and replies to me, and nothing else. That is enough for questions; the rest of a long message or of an album stays hidden from me.
    To let me see everything that is said here, make me an admin of the group. Or send /setprivacy to @BotFather, choose Disable, then remove me from the group and add me again.

# Connections
connect_choose = What do you want to connect for “{ $team }”?
connect_ask = Send me the token of { $service } for “{ $team }” as your next message, within ten minutes. I delete that message at once and keep the token encrypted; it is shown to nobody, and Claude never sees it.
connect_cancelled = Nothing was connected. I no longer wait for a token.
connect_done = { $service } is connected for “{ $team }”, with the token that ends in { $last4 }. /connections shows everything.
connect_replaced = { $service } is connected for “{ $team }”, with the token that ends in { $last4 } instead of { $before }. /connections shows everything.
secret_deleted = I have deleted your message.
secret_left = I could not delete your message: please delete it yourself.
secret_unasked = That looked like a token. I have not kept it, nor passed it on. If you want to connect something, send /connect first.
connections = “{ $team }” has connected:
connections_none = “{ $team }” has connected nothing yet. /connect does that.
connection_line =
    { $service }{ $last4 ->
        [none] {""}
       *[other] {" "}…{ $last4 }
    }{ $status ->
        [needs_reauth] : has to be connected again
       *[other] {""}
    }
    { $name ->
        [none] Connected on { $date }
       *[other] Connected by { $name } on { $date }
    }, { $used ->
        [none] not used yet
       *[other] last used on { $used }
    }
disconnect_ask = Shall “{ $team }” forget its connection to { $service }? What uses it stops working.
disconnect_done = “{ $team }” has forgotten its connection to { $service }. If nobody else uses the token, revoke it there too.

# Settings
settings =
    Your settings (the same in all your teams)

    Language: { $language }
    Time zone: { $zone } (it is { $time } there)
voice =
    How I answer everybody in “{ $team }”

    Language: { $language }
    Instructions: { $instructions }
voice_any_language = that of the question
voice_no_instructions = none
instructions_ask = Send me what I am to keep to in every answer: tone, house rules, words to use or to avoid. Up to { $max } characters; it replaces what was there.
settings_time_zone_ask = Which time zone are you in? Choose one, or send me the name of a city: “Lisbon”, “New York”, “Asia/Tokyo”.
settings_several = Several places are called that. Which one do you mean?
# Teams and members
teams_here = What you write in this chat goes to “{ $team }”, where you are { $role ->
    [owner] the owner
    [admin] an admin
   *[other] a member
}.
teams_others = { $count ->
    [0] You are in no other team.
    [one] You are in one other team: press it to switch.
   *[other] You are in { $count } other teams: press one to switch.
}
team_chosen = What you write in this chat goes to “{ $team }” now.{ $dropped ->
    [0] {""}
    [one] {" "}I dropped one waiting message.
   *[other] {" "}I dropped { $dropped } waiting messages.
}
new_team_ask = What should the new team be called? Send me the name.
team_created = “{ $team }” is your new team, and what you write in this chat goes to it now. /invite brings people in, /team switches back.
team_leave_ask = Leave “{ $team }”? To come back you would need a new invite.
team_left = You have left “{ $team }”. What you write in this chat goes to “{ $next }” now.{ $dropped ->
    [0] {""}
    [one] {" "}I dropped one waiting message.
   *[other] {" "}I dropped { $dropped } waiting messages.
}
team_left_last = You have left “{ $team }” and are in no team now.
members = The people of “{ $team }”:
member_line = { $name }: { $role ->
    [owner] owner
    [admin] admin
   *[other] member
}
member_card = { $name } is { $role ->
    [owner] the owner
    [admin] an admin
   *[other] a member
} of “{ $team }”, since { $date }.
hand_over_ask = Hand “{ $team }” over to { $name }? They become its owner, and you an admin.
handed_over = { $name } is the owner of “{ $team }” now. You are an admin.
remove_ask = Remove { $name } from “{ $team }”? What is being answered for them stops, and to come back they would need a new invite.
removed = { $name } is no longer in “{ $team }”.
told_role = You are { $role ->
    [owner] the owner
    [admin] an admin
   *[other] a member
} of “{ $team }” now.
told_removed = You are no longer a member of “{ $team }”.
told_joined = { $name } has used your invite and is in “{ $team }” now.
told_joined_by_mail = With an invite that was mailed to { $email } you are in “{ $team }” now, too. /team switches to it.
told_owner_link = On the server of this bot, a link was made that makes whoever opens it an owner of “{ $team }”. It works once, within a day. If you did not expect that, ask who runs the server.
told_owner_joined = { $name } has opened the owner link from the server and is an owner of “{ $team }” now.
told_mail_failed = The mail to { $email } could not be sent. Please try again later; if it keeps happening, tell the operator of this bot.
told_session_reused = Somebody tried to go on with a sign-in of yours that had been used already, so I ended it. If you were just signed out, sign in again. If you did not expect this, look at /sessions.
told_address_tied = The address { $email } is tied to this Telegram account now, and you are signed in where you opened the mail.
told_address_moved = The address { $email }, and the teams that came with it, belong to the Telegram account { $telegram } now. If that is not you, tell an admin of your team.

# Conversation
new_chat = { $dropped ->
    [0] A new conversation. I have forgotten what was said here before.
    [one] A new conversation. I have forgotten what was said here before, and dropped one waiting message.
   *[other] A new conversation. I have forgotten what was said here before, and dropped { $dropped } waiting messages.
}
forget_ask =
    Shall I delete everything that was said here with “{ $team }”, for good? That is every question and answer { $place ->
        [private] of this chat
       *[other] of this group or topic, everybody's
    }, with summaries and kept questions. An answer that is being written is stopped.

    The messages in Telegram stay: delete those yourself. The audit log keeps that something was asked, not what.
forgotten = { $dropped ->
    [0] Deleted. I know nothing any more of what was said here.
    [one] Deleted. I know nothing any more of what was said here, and dropped one waiting message.
   *[other] Deleted. I know nothing any more of what was said here, and dropped { $dropped } waiting messages.
}
forgotten_not = Nothing was deleted.
budget_kept = The question is kept: press Retry afterwards.
budget_warning = { $percent }% of this month's { $measure ->
    [tokens] token budget
   *[microusd] budget
} of “{ $team }” is used: { $used } of { $limit }. /usage team shows by whom, /budget changes it.
late_question = That question waited for more than ten minutes before I could look at it. Do you still want an answer?
kept_offer = Claude is back. { $count ->
    [one] One question here is still without an answer. Answer it now?
   *[other] { $count } questions here are still without an answer. Answer them now, one after the other?
}
kept_promise = I will also ask you here when Claude is back.
edited_question = You have edited your question. Shall I answer the new one?
files_question = { $kind ->
    [photo] { $count ->
        [one] What does this picture show?
       *[other] What do these pictures show?
    }
   *[other] { $count ->
        [one] What does this document say? Give me the essentials.
       *[other] What do these files say? Give me the essentials.
    }
}
continue_question = Please go on exactly where your last answer stopped.
continue_older = I asked you earlier: “{ $question }” Your answer ended with the words below. Please go on exactly where they stop.
restarted = I was restarted and am answering this again.
gave_up_after_restarts = I was restarted twice while answering, so I stopped trying. The question is kept: press Retry. (Reference { $code })
message_parked = I broke off three times while reading this, so I put it aside. Please send it again, perhaps in other words.
answer_not_shown = I could not show you all of an answer, or cannot tell whether it arrived. If it is missing, press Retry.
retry_dropped = { $dropped ->
    [one] I dropped one waiting message; send it again if you still need it.
   *[other] I dropped { $dropped } waiting messages; send them again if you still need them.
}
answer_cut = The answer reached its length limit.
answer_window_full = Here the conversation became too long for Claude. Press New chat, and I answer your question in a new one.
answer_stopped = Stopped.
answer_stopped_early = Stopped before there was an answer.
answer_interrupted = The answer was interrupted.
repeat_label = (may be a repeat)
empty_message = That message had no text for me. Write me a question and I will answer.
unsupported = I cannot read { $kind ->
    [voice] voice messages
    [audio] audio files
    [video] videos
    [video_note] video messages
    [animation] animations
    [sticker] stickers
    [location] locations
    [venue] places
    [contact] contacts
    [poll] polls
    [dice] dice
    [story] stories
    [game] games
    [checklist] checklists
   *[other] this kind of message
} yet. I read text, photos, PDFs and text files.
unknown_command = I do not know the command /{ $command }. /help shows the ones I know.
too_fast = That was a lot at once. Please wait { $seconds } s and ask again.

# Usage and budgets
usage_own = Your use of Claude, { $month }
usage_team = Use of Claude by “{ $team }”, { $month }
usage_of = { $used } of { $limit }
usage_tokens = { $tokens } tokens
usage_bar = { $bar } { $used } ({ $percent }%)
usage_team_share = The team as a whole: { $bar } { $percent }% of its budget
usage_others = { $count ->
    [one] { $count } more member
   *[other] { $count } more members
}: { $used }
usage_former = Somebody who was deleted
usage_shared = Summaries of long conversations: { $used }
usage_resets = Starts anew on { $resets }.
usage_at_least = “≥” means at least: an answer that was stopped or repeated, or a model without a known price, may have cost more.
budget_list = What “{ $team }” may use in a month
budget_of_team = The team
budget_of_everyone = Each member
budget_of_instance = All teams of this bot together: { $limit }.
budget_none = no limit
budget_how =
    Change it with a name or a number from this list and US dollars or tokens:
    /budget team 80
    /budget everyone 15
    /budget #2 none
    /budget team 5M tokens
    “default” takes a change back.
budget_set = { $holder ->
    [team] The team
    [everyone] Each member without a budget of their own
   *[member] { $name }
} { $to ->
    [none] now has no limit.
    [default] now has the usual budget again.
   *[amount] may now use { $limit } in a month.
}

# Claude is not there: one sentence, and what happens next
claude_not_connected = Claude is not connected yet, so I cannot answer. The owner of this bot has to set ANTHROPIC_API_KEY; your question is kept, press Retry afterwards. (Reference { $code })
claude_unreachable = Claude cannot be reached right now. Your question is kept: press Retry in a minute. (Reference { $code })
claude_intercepted = Claude cannot be reached safely right now. Your question is kept: press Retry later. (Reference { $code })
claude_timeout = Claude is taking too long. Your question is kept: press Retry in a minute. (Reference { $code })
claude_interrupted = The connection to Claude broke. Your question is kept: press Retry. (Reference { $code })
claude_garbled = Claude's answer could not be read. Your question is kept: press Retry. (Reference { $code })
claude_overloaded = Claude is overloaded right now. Your question is kept: press Retry in a minute. (Reference { $code })
claude_rate_limited = Claude is busy with our other questions. Your question is kept: press Retry in { $seconds } s. (Reference { $code })
claude_busy = Claude is busy with our other questions. Your question is kept: press Retry in { $seconds } s. (Reference { $code })
claude_auth = The assistant is paused: Claude does not accept our key, and an owner has to renew it. Your question is kept, press Retry afterwards. (Reference { $code })
claude_forbidden = The assistant is paused: our Claude account may not do this, and the owner of this bot has to look at it. Your question is kept, press Retry afterwards. (Reference { $code })
claude_billing = The assistant is paused by its operator. Your question is kept: press Retry later. (Reference { $code })
claude_model_missing = The assistant is paused: its Claude model is not available, and the owner of this bot has to look at it. Your question is kept, press Retry afterwards. (Reference { $code })
claude_too_long = This conversation has become too long for Claude. Press New chat, and I answer your question in a new one. (Reference { $code })
claude_too_large = That was too large for Claude. Send less at once. (Reference { $code })
claude_bad_file = Claude could not open that file: it may be damaged, locked with a password, or too long. Send another version of it. (Reference { $code })
claude_our_bug = Something went wrong on our side. Your question is kept: press Retry. (Reference { $code })
claude_refused = Claude declined to answer that one. Try asking in another way. (Reference { $code })
claude_empty = Claude had nothing to say to that. Try asking in another way. (Reference { $code })
claude_stopped = Stopped. (Reference { $code })

# The files of a question: what went wrong, and what happens next
failed_file_gone = Telegram no longer gives me that file. Your question is kept: press Retry, or send the file again. (Reference { $code })
failed_file_unreachable = I could not get the file from Telegram in time. Your question is kept: press Retry in a minute. (Reference { $code })
failed_file_too_large = That file is larger than I can take. Send a smaller one, or a picture as a photo. (Reference { $code })
failed_file_unreadable = I could not read that file: it has to be a picture, a PDF without a password, or plain text in UTF-8. (Reference { $code })
failed_file_too_many_pages = Those PDFs have more than 100 pages. Send the part that matters. (Reference { $code })

# Refusals
not_allowed = Only { $role ->
    [owner] the owner
   *[other] an admin
} of the team can do that.
not_member = That is for members of the team only.
member_unknown = That person is not in the team any more.
last_owner = The team needs an owner. Hand it over to somebody else first: /members.
team_unknown = You are not in that team.
team_creation_closed = Only owners of this bot's first team can make new teams.
too_many_teams = You own { $max } teams already, and that is the most.
team_name_invalid = A team's name has 1 to { $max } characters. Send me another one.
time_zone_unknown = I do not know a time zone of that name. Press “{ button_time_zone }” and send me the nearest big city in your zone.
invite_unknown = That invite link does not exist. Ask for a new one.
invite_used = That invite link has been used. Each works once. If that was not you, ask for a new one.
invite_expired = That invite link has expired. Ask for a new one.
owner_link_unknown = That link is not valid. The right one is printed when the program starts.
owner_link_used = That owner link has been used: this bot has an owner. Ask them for an invite link.
group_only = That works in groups: add me to one and send it there.
private_only = That works in our private chat only.
group_taken = This group belongs to another team already.
erase_last_owner = You are the only owner of { $teams }. Hand the team over first (/members), then I can delete you.
audit_unclear = Nobody of that name stands in the log, and no kind of event is called that. There are { $kinds }. /audit shows everything.
audit_anchor_unclear = That is no anchor. Send the number and the hash as I told them: /audit verify 42 9f8e7d…
mail_not_set_up = Mail is not set up on this bot. Its owner has to set RESEND_API_KEY first.
mail_too_often = A mail went to that address a moment ago. Look there, or try again in { $minutes ->
    [one] { $minutes } minute
   *[other] { $minutes } minutes
}.
link_gone = That link has been used or has expired. Ask for a new one.
link_code_needed = Enter the six-digit code that is shown where the link was asked for.
link_code_wrong = That code is wrong. { $left ->
    [one] One more try is left.
   *[other] { $left } tries are left.
}
accounts_overlap = You are in a team twice, with this Telegram account and with that address: { $teams }. Leave it with one of the two, then open the link again.
session_gone = You are not signed in any more. Sign in again.
session_unknown = There is no such sign-in.
login_wrong = The address or the password is wrong.
password_invalid = A password needs { $min } to { $max } characters.
password_common = That password is too easy to guess. Choose another one.
password_current_wrong = Give your current password, or sign in again by mail first.
email_needed = Prove your address first: sign in by mail once.
email_invalid = That is not an e-mail address that I can write to. It looks like this: you@example.com
too_many_requests = Too many requests. Try again in { $seconds } s.
button_gone = That button no longer works. Send the command or the question again.
button_not_yours = That button is for somebody else. Send the command yourself to get your own.
answer_not_yours = Only the person who asked, or an admin, can stop this answer.
continued_below = This answer goes on in a message below.
nothing_to_stop = Nothing is being answered here right now.
nothing_kept = Nothing is waiting here any more: it has been answered or asked again, or is more than a day old.
nothing_to_retry = There is no question here yet that could be asked again.
instructions_empty = That message had no text. Send me the instructions as text.
instructions_too_long = That is { $count } characters; instructions have at most { $max }. Send me a shorter version.
budget_unclear = I did not understand that. Say who and how much: “/budget team 80”, “/budget everyone 15”, “/budget Bob 2M tokens”, “/budget Bob default”.
budget_too_high = All teams of this bot together may use { $max } in a month; no budget can be higher.
budget_who_unknown = Nobody in the team is called “{ $who }”. /budget lists everybody with a number: “/budget #2 40”.
budget_who_several = Several people are called “{ $who }”. Use the number from /budget: “/budget #2 40”.
budget_team = The team's budget for this month does not cover another question. It starts anew on { $resets }. { $admin ->
    [yes] You can raise it: /budget.
   *[no] An admin can raise it: /budget.
}
budget_member = Your own budget for this month does not cover another question. It starts anew on { $resets }. { $admin ->
    [yes] You can raise it: /budget.
   *[no] An admin can raise it: /budget.
}
budget_instance = This bot's budget for all teams does not cover another question this month. It starts anew on { $resets }. Its operator can raise it.
message_too_long = That is too long for one message: I take up to { $max } characters. Send it as a text file, and I read it whole.
not_connected = This team has not connected { $service } yet. An admin can do that with /connect.
needs_reauth = { $service } has to be connected again: the permission ended or was taken back. Tell an owner or admin.
service_away = { $service } cannot be asked for a new permission right now. Please try again in a minute.
secret_malformed = That is not a whole token of { $service }: it is one long word without spaces. Nothing was changed.
file_unsupported = { $what ->
    [image] I cannot open “{ $name }” as it is. Send the picture as a photo.
    [audio] I cannot listen to “{ $name }”. Send me the words as text.
    [video] I cannot watch “{ $name }”. Send me pictures of it, or the words as text.
   *[other] I cannot open “{ $name }”. I read photos, PDFs and text files: export it as a PDF, or paste the text.
}
file_too_big = “{ $name }” has { $size } MB, and I can take up to { $max } MB of such a file. Send me the part that matters.
picture_too_big = “{ $name }” has { $size } MB, and I can take pictures up to { $max } MB. Send it as a photo: Telegram makes it smaller.
files_too_many = I take up to { $max } files with one question. Send the others with your next one.
files_too_big = Together those files have { $size } MB, and I can take up to { $max } MB with one question. Send fewer at once.
claude_key_wrong_kind = That is a token of a subscription or one that soon ends. I need an API key from the Claude Console (sk-ant-api…). Nothing was changed.
claude_key_refused = { $kind ->
    [model_missing] Claude takes this key, but its account does not have { $model }
    [billing] Claude takes this key, but its account is not paid for
   *[other] Claude does not accept this key
}. Nothing was changed.
claude_key_unchecked = Claude could not be asked whether it accepts this key. Nothing was changed; please try again in a few minutes.
unexpected = Something went wrong on our side. Please try again; if it keeps happening, tell the operator this reference: { $code }

# For the operator
alert_stranger = { $name } (Telegram id { $id }) wrote to me and is in no team. I refused politely. If they belong to you, send them a link from /invite.
alert_budget_instance = All teams together have used { $percent }% of what this bot may cost this month ({ $limit }). BUDGET_INSTANCE_USD raises it.
alert_parked = One message (update { $id }) stopped this program three times in a row. I put it aside; the log says more.
alert_conflict = Another program asks Telegram for my messages with the same token, or a webhook was set for it: some messages do not reach me. End that program, or have @BotFather make a new token (/revoke) and put it into TELEGRAM_BOT_TOKEN.
alert_conflict_over = For five minutes no other program has asked Telegram for my messages. What it took meanwhile I have not seen.
alert_new_group = { $name } has tied the group “{ $group }” to “{ $team }”: I answer the team's members there.
alert_new_admin = { $name } is { $role ->
    [owner] an owner
   *[admin] an admin
} of “{ $team }” now.
alert_credential_user = { $name } has used the connection of “{ $team }” to { $service } for the first time.
alert_audit_broken = The audit log of “{ $team }” was changed by somebody who can write to the database: row { $seq } is not as it was written. “/audit verify” shows more. Whoever runs the server should look into it at once.
alert_seeded = “{ $team }” has connected { $service }{ $last4 ->
    [none] {""}
   *[other] {" "}(…{ $last4 })
}, from { $key } in the server's settings. It is sealed now and no longer needed there. /connections shows it.
alert_reauth = “{ $team }” has lost its connection to { $service }: the permission ended or was taken back. It has to be given again: { $renew }

# Audit log
audit_list = What happened in “{ $team }”, the newest first{ $kind ->
    [all] {""}
   *[other] : { $kind }
}
audit_empty = Nothing of that stands in the log of “{ $team }”.
audit_kinds = Which kind of event in “{ $team }”?
audit_actors = Who in “{ $team }”? Behind each name is how often it stands in the log.
audit_kind = { $kind ->
    [turn] Questions
    [conversation] Conversations
    [credential] Credentials
    [member] Members
    [owner] Owners
    [invite] Invites
    [team] Team
    [group] Groups
    [chat] Chats
    [auth] Signing in
    [account] Personal settings
    [budget] Budgets
    [audit] This log
   *[ratelimit] Limits
}
audit_exported = { $rows ->
    [one] One row of the log, with its hashes, as a table (CSV).
   *[other] { $rows } rows of the log, with their hashes, as a table (CSV).
}{ $left ->
    [0] {""}
    [one] {" "}One older row is not in it.
   *[other] {" "}{ $left } older rows are not in it.
}
audit_whole = { $rows ->
    [one] The log of “{ $team }” is whole: its one row is as it was written.
   *[other] The log of “{ $team }” is whole: all { $rows } rows are as they were written.
}
audit_broken = The log of “{ $team }” was changed by somebody who can write to the database. Row { $seq }{ $reason ->
    [gap] {" "}is missing.
    [prev_hash] {" "}does not follow the row before it.
    [detail] {" "}has other details than were written.
    [tail] , the newest, was removed or replaced.
    [head] {" "}and any after it may be missing: the mark of the newest row was removed.
   *[hash] {" "}is not as it was written.
} Whoever runs the server should look into it at once.
audit_settings = The log of “{ $team }” is kept for { $days ->
    [365] a year
    [1095] three years
   *[other] { $days } days
}, then it is deleted. { $report ->
    [on] Owners get a report of the day before each morning.
   *[off] Owners get no daily report.
} That the log was changed is always told.
audit_day = { $events ->
    [one] One event
   *[other] { $events } events
} in “{ $team }” on { $day } (UTC){ $people ->
    [0] {""}
    [one] , by one person
   *[other] , by { $people } people
}.
audit_day_how = /audit shows them and mutes this report. “/audit verify” with the number and hash above tells later whether the log is still that one.
audit_anchor = Anchor, to keep outside: { $seq } { $hash }
audit_anchor_state = Row { $seq } { $state ->
    [holds] is the one that you noted.
    [purged] has been deleted since, because its time had come.
   *[differs] is not the one that you noted: the log was rewritten.
}

# Somebody's own data
mydata =
    I keep about you: your name, your Telegram ID, your e-mail address if you gave me one, your language and time zone, your teams and role, what you asked and what I answered, how much of the budget you used, and what you did, without its words, in each team's audit log. Passwords and sign-ins are kept as hashes.

    I can send all of it, or delete it.
mydata_erase_ask = { $what ->
    [whole] I delete everything that you said, in all teams and groups, with my answers, and then you: name, Telegram ID, e-mail address, sign-ins. You leave every team. The audit logs keep what was done by a number that leads to nobody any more.
   *[said] I delete everything that you asked, in all teams and groups, with my answers and the summaries made of them. You stay where you are. The audit logs keep that you asked, without words.
} This cannot be undone.
mydata_erased = { $what ->
    [whole] You are deleted.
   *[said] It is deleted.
} { $turns ->
    [0] There was no question to delete.
    [one] One question went with its answer.
   *[other] { $turns } questions went with their answers.
}
mydata_account =
    Name: { $name }
    Telegram ID: { $id }
    E-mail: { $email }
    Language: { $language }, time zone: { $zone }
    Since { $since }
    Sign-ins: { $sessions }
mydata_team = “{ $team }”, as { $role ->
    [owner] an owner
    [admin] an admin
   *[other] a member
} since { $since }. In its audit log you are { $id }.
mydata_questions = Questions and answers, the newest first: { $count }{ $left ->
    [0] {""}
   *[other] {" "}(older ones: { $left })
}
mydata_summary = What I remember of the older part of a conversation:
mydata_log = What you did, by the audit log, the newest first: { $count }{ $left ->
    [0] {""}
   *[other] {" "}(older ones: { $left })
}
mydata_usage = What you used, by month, in micro-dollars and tokens:

# Claude's outages, for owners and the operator
alert_claude_down = Claude does not answer { $minutes ->
    [0] right now
   *[other] since { $minutes } min
}{ $own ->
    [yes] {" "}when asked with a team's own key
   *[no] {""}
}: { $kind ->
    [unreachable] it cannot be reached from this server. Check its network and DNS.
    [intercepted] somebody else answers in its place: a redirect, a proxy or a wrong certificate. Check ANTHROPIC_BASE_URL and the network; I send it nothing for a while.
    [timeout] it does not reply in time. There is nothing for you to do; I keep looking.
    [interrupted] its answers break off. There is nothing for you to do; I keep looking.
    [overloaded] it is overloaded. There is nothing for you to do; I keep looking.
    [rate_limited] the account has reached its rate limit. If this happens often, raise the limit in the Claude Console.
    [busy] the account asks faster than its limits may grow. It passes by itself; if it happens often, write to Anthropic.
    [auth] { $own ->
        [yes] it refuses that key. An owner of the team connects a new one with /connect claude; after /disconnect claude the operator's counts again.
       *[no] it refuses our key. Set a new ANTHROPIC_API_KEY and start me again.
    }
    [forbidden] the account may not do this, or is on hold. Look at it in the Claude Console.
    [billing] the account has no credit left, or has reached its spend limit. Look at Billing in the Claude Console.
    [model_missing] its model does not exist for this account. Check CLAUDE_MODEL.
    [not_connected] there is no key. Set ANTHROPIC_API_KEY and start me again.
   *[other] something is wrong. The log says more.
} { $messages ->
    [0] No message has been affected yet.
    [one] One message has been affected so far.
   *[other] { $messages } messages have been affected so far.
} Questions are kept, and I will tell you when it is back.
alert_claude_back = Claude answers again, after { $hours ->
    [0] { $minutes ->
        [0] less than a minute
       *[other] { $minutes } min
    }
   *[other] { $hours } h { $minutes } min
}. { $messages ->
    [0] No message was affected.
    [one] One message was affected.
   *[other] { $messages } messages were affected.
}
alert_claude_fault = { $kind ->
    [garbled] An answer of Claude's could not be read
   *[other] Claude refused a request of ours as faulty
}: that is probably a fault of this program. The person can press Retry. The log says more under the reference { $code }.
alert_claude_model = { $lifecycle ->
    [retired] The model { $model } has been switched off by Anthropic, so I cannot answer any more. Set CLAUDE_MODEL to its successor and start me again.
   *[deprecated] Anthropic is going to switch off the model { $model }{ $date ->
        [none] {""}; there is no date yet
       *[other] {""} on { $date }
    }. Set CLAUDE_MODEL to its successor before that and start me again; until then nothing changes.
}
# Parts of the bot that do not work, for owners and the operator
alert_part_down = { $part ->
    [database] My database does not answer, so I cannot work. Messages wait at Telegram, nothing is lost, and I tell you when it is over. Check Postgres and DATABASE_URL.
    [telegram] No fetch of messages from Telegram has succeeded for { $count } min. Nothing is lost: they wait there. If this goes on, check the server's network and DNS.
    [mail] Mail does not go out: Resend cannot be reached or refuses it, so links to sign in do not arrive. It is tried again. If this goes on, check RESEND_API_KEY and the domain of MAIL_FROM.
    [redis] Redis does not answer. Limits are counted without it meanwhile, and people notice nothing. Check REDIS_URL and the server behind it.
    [disk] The disk is nearly full: { $count } MB are left. Make room before it is full: Postgres stops then.
    [worker] Background work waits and nobody does it ({ $count }). Start the worker again, or a process with --role worker.
   *[dead_jobs] { $count ->
        [one] One piece of background work was given up
       *[other] { $count } pieces of background work were given up
    }: every attempt had failed. The log says why, in the lines with “job”.
}
alert_part_back = { $part ->
    [database] My database answers again, and I take up what was written meanwhile
    [telegram] Messages are being fetched from Telegram again
    [mail] No mail waits to be tried again any more
    [redis] Redis answers again
    [disk] The disk has room again
    [worker] Background work is being done again
   *[dead_jobs] No background work has been given up for a day
}. It had been otherwise for { $hours ->
    [0] { $minutes ->
        [0] less than a minute
       *[other] { $minutes } min
    }
   *[other] { $hours } h { $minutes } min
}.
# Without its database the bot can say only this
away = I cannot work right now. Nothing is lost: what you write waits, and I take it up as soon as I can.
away_over = I can work again, and take up what was written here meanwhile.
# Mail
mail_login_subject = Sign in to “{ $team }”
mail_login_headline = Sign in to “{ $team }”
mail_login_text = Press the button to sign in as { $email }. It works once, within { $minutes } minutes of being asked for.
mail_login_button = Sign in
mail_login_code = If the page asks for a code: it is shown where this mail was asked for.
mail_login_unasked = You did not ask for this? Then there is nothing to do. Never enter a code that somebody else gives you.
mail_tie_subject = Tie your address to { $telegram } in Telegram
mail_tie_headline = Is { $telegram } you?
mail_tie_text = The Telegram account { $telegram } asks to be tied to { $email }, for “{ $team }”. If that is you, press the button within { $minutes } minutes and enter the six-digit code that the bot shows you in Telegram.
mail_tie_button = Yes, go on
mail_tie_unasked = That is not you? Then there is nothing to do. Never enter a code that somebody else gives you: it would hand your account to them.
mail_invite_subject = { $name } invites you to “{ $team }”
mail_invite_text = { $name } would like you to join the team “{ $team }” as { $role ->
    [admin] an admin
   *[other] a member
}. BlockBot is the team's assistant in Telegram. Press the button to join with this address, or join in Telegram: the link below opens it, press START there. The invite works once, within { $days ->
    [one] { $days } day
   *[other] { $days } days
}.
mail_invite_button = Join the team
mail_invite_telegram = Or join in Telegram
mail_invite_unasked = You do not know { $name }? Then there is nothing to do. Whoever opens one of these links joins in your place: do not pass them on.
mail_button_hint = If the button does not work, open this address:
mail_changed_subject = Your address was changed
mail_changed_text = The Telegram account { $telegram } now uses another e-mail address. This one no longer signs anybody in.
mail_changed_unasked = That was not you? Tell an admin of your team.

# Sign-in from Telegram
login_ask = Which address? Write it behind the command: /login you@example.com
login_sent = A mail is on its way to { $email }. Open it within { $minutes } minutes, press its button, and enter this code there:

    { $code }

    Nobody else needs this code. I will write here once the address is tied to this account.
login_sent_stranger = If { $email } is the address of somebody who has joined a team here and has no Telegram account in it yet, a mail is on its way. Open it within { $minutes } minutes, press its button, and enter this code there:

    { $code }

    Nobody else needs this code. I will write here once the address is tied to this account. No mail? Then ask an admin of your team for an invite link.
sessions_none = You are signed in nowhere. /login ties your e-mail address to this account and signs you in.
sessions_here = You are signed in at { $count ->
    [one] one place
   *[other] { $count } places
}:
session_line = { $team }: { $agent }, last used { $used }
button_end_session = Sign out { $number }
button_end_sessions = Sign out everywhere

# The page of a mailed link
magic_login_text = You will be signed in as { $email }.
magic_tie_text = The Telegram account { $telegram } asks to be tied to { $email }, for “{ $team }”. Go on only if both are yours.
magic_tie_button = Tie and sign in
magic_invite_text = You join as { $email }, { $role ->
    [admin] as an admin
   *[other] as a member
}. Nothing happens before you press the button.
magic_code = Six-digit code
magic_code_warning = It is shown where you asked for this mail. Never enter a code that somebody else gives you.
magic_done = You are signed in
magic_signed_in = You are signed in to “{ $team }” as { $email }. You can close this page.
magic_tied = { $email } is tied to your Telegram account now, and you are signed in to “{ $team }”. You can go back to Telegram.
magic_joined = You are in “{ $team }” now, and signed in as { $email }. To talk with the bot in Telegram, open it there and send it “/login { $email }”: it will know that this is you.
magic_joined_headline = You are in the team
magic_joined_known = You are in “{ $team }” with the account that { $email } has here already. To sign in, open the mail that is on its way to you now, in this browser. In Telegram, /team switches to the team.
magic_to_chat = The bot in Telegram
magic_to_health = How everything is running
magic_to_docs = The API
magic_gone_headline = This link no longer works
magic_gone = It has been used or has expired. Ask for a new one where you asked for this one; in Telegram that is /login.
magic_empty_headline = Open the link from your mail
magic_empty = This page works only when it is opened by the link in the mail. If you have reloaded it, open that link again.
magic_failed_headline = That did not work
magic_failed = The server could not be reached. Open the link in your mail again in a moment; it has not been used.
magic_no_script = This page needs JavaScript: without it, programs that check mails for viruses would use your link up. Allow it for this page, or open the link in another browser.
