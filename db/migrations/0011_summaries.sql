-- Turns up to this one stand in the conversation's summary and are not sent to Claude any more.
ALTER TABLE app.conversations ADD COLUMN summarised_to timestamptz;
-- How many bytes of text the prompt had, so that its tokens tell how many tokens a byte is here.
ALTER TABLE app.turns ADD COLUMN prompt_bytes int CHECK (prompt_bytes > 0);
