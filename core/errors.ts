/** Every refusal a person can read. Each code is a message of the same name in core/text. */
export type ErrorCode =
  | "not_allowed"
  | "not_member"
  | "member_unknown"
  | "last_owner"
  | "team_unknown"
  | "team_name_invalid"
  | "time_zone_unknown"
  | "team_creation_closed"
  | "too_many_teams"
  | "invite_unknown"
  | "invite_used"
  | "invite_expired"
  | "owner_link_unknown"
  | "owner_link_used"
  | "group_only"
  | "private_only"
  | "group_taken"
  | "button_gone"
  | "button_not_yours"
  | "answer_not_yours"
  | "nothing_to_stop"
  | "continued_below"
  | "nothing_to_retry"
  | "nothing_kept"
  | "message_too_long"
  | "not_connected"
  | "needs_reauth"
  | "service_away"
  | "secret_malformed"
  | "claude_key_wrong_kind"
  | "claude_key_refused"
  | "claude_key_unchecked"
  | "instructions_empty"
  | "instructions_too_long"
  | "budget_team"
  | "budget_member"
  | "budget_instance"
  | "budget_unclear"
  | "budget_too_high"
  | "budget_who_unknown"
  | "budget_who_several"
  | "erase_last_owner"
  | "audit_unclear"
  | "audit_anchor_unclear"
  | "mail_not_set_up"
  | "mail_too_often"
  | "file_unsupported"
  | "file_too_big"
  | "picture_too_big"
  | "files_too_many"
  | "files_too_big"
  | "link_gone"
  | "link_code_needed"
  | "link_code_wrong"
  | "accounts_overlap"
  | "session_gone"
  | "session_unknown"
  | "login_wrong"
  | "password_invalid"
  | "password_common"
  | "password_current_wrong"
  | "email_needed"
  | "email_invalid"
  | "too_many_requests";

/**
 * The one error that crosses layers: a code and its parameters for machines;
 * the sentence is looked up in the person's language where it is shown.
 * Anything else that is thrown is a bug, and the person gets a reference.
 */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly params: Readonly<Record<string, string | number>>;

  constructor(code: ErrorCode, params: Record<string, string | number> = {}, options?: ErrorOptions) {
    super(code, options);
    this.name = "AppError";
    this.code = code;
    this.params = params;
  }
}
