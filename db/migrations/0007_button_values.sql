-- What is chosen by a press, where a button is one of several.
ALTER TABLE app.buttons ADD COLUMN value text CHECK (length(value) <= 200);
